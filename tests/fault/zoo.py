#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Thousands of peers that misbehave, against fdrecv, fdfwd --keep and fdsend, and honest ones between them.

usage: zoo.py [options]

Memory and descriptors of the programs stay bounded, honest peers are served, and nobody is told that it worked who
did not get anything. The order is random; --seed repeats it.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time

import animals
from running import BOUND, prepare_worker
from sweep import program_options, report

WANTED = 300  # what fdrecv asks for: more than one message has, so that only a whole rich handover will do
ROUND = 150  # peers between two honest ones
GROWTH = 2048  # kB that a program may have more than after the first round: what malloc(3) keeps
BESIDE = 16  # senders at once
PATIENCE = "1"  # seconds that each of them may wait
READY = 19


class Zoo:
    def __init__(self, options):
        self.programs = {name: os.path.abspath(getattr(options, name)) for name in ("fdsend", "fdrecv", "fdfwd")}
        self.witness = os.path.abspath(options.witness)
        self.file = os.open("file", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.violations, self.tried = [], {}
        self.grew = self.more = 0  # kB, descriptors

    def check(self, holds, text):
        if not holds:
            self.violations.append(text)
        return holds

    def start(self, program, *words, fds=None, err="err"):
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in (fds or {}).items()]
        kept = {name: value for name, value in os.environ.items() if name.startswith(("LD_", "ASAN_", "UBSAN_"))}
        return os.posix_spawn(self.programs[program], [program, *words],
                              {**kept, "PATH": "/usr/bin:/bin", "LC_ALL": "C"}, file_actions=actions, setsigmask=[])

    def start_ready(self, program, *words):
        reader, writer = os.pipe2(os.O_CLOEXEC)
        pid = self.start(program, "--ready-fd", str(READY), *words, fds={READY: writer}, err=f"{program}.err")
        os.close(writer)
        self.check(os.read(reader, 1) == b"\n", f"{program} does not listen")
        os.close(reader)
        return pid

    def wait(self, pid, what):
        """Its status, and the most memory that it had, in kB."""
        deadline = time.monotonic() + BOUND
        while True:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status), usage.ru_maxrss
            if not self.check(time.monotonic() < deadline, f"{what} hangs"):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None, 0
            signal.sigtimedwait({signal.SIGCHLD}, 0.02)

    def give(self, where, count=1):
        """An honest sender. Whether it succeeded."""
        pid = self.start("fdsend", "-b", "-t", str(int(BOUND)), "-f", f"20-{19 + count}", where,
                         fds=dict.fromkeys(range(20, 20 + count), self.file))
        status, _ = self.wait(pid, "an honest sender")
        with open("err", encoding="utf-8") as said:
            self.check(status == 0, f"an honest sender is not served: {said.read()}")

    # ------------------------------------------------------------------------ programs that live on

    def release(self, where, peers):
        """Lets that many at it, in any order. Some stay until the round is over."""
        staying = []
        for behave in random.choices(animals.SENDERS, k=peers):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(BOUND)
            try:
                connection.connect(where)
                behave(connection)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError, ConnectionRefusedError) as error:
                self.check(not isinstance(error, ConnectionRefusedError), f"nobody listens after {behave.__name__}")
            if random.random() < 0.3:
                staying.append(connection)
            else:
                connection.close()
        for connection in staying:
            connection.close()

    def settles(self, pid, wanted):
        """How many descriptors it has, when that many or fewer, or after a while."""
        deadline = time.monotonic() + BOUND
        while (count := len(os.listdir(f"/proc/{pid}/fd"))) > wanted and time.monotonic() < deadline:
            signal.sigtimedwait({signal.SIGUSR1}, 0.005)
        return count

    def besiege(self, program, pid, where, rounds, honest):
        """Rounds of peers, and honest(round) after each of them."""
        base = memory = 0
        for number in range(rounds):
            before = len(os.listdir(f"/proc/{pid}/fd"))
            self.release(where, ROUND)
            self.tried[program] = self.tried.get(program, 0) + ROUND
            if not self.check(os.path.exists(f"/proc/{pid}/fd"), f"{program} has ended"):
                return
            # What it makes once for all, it has made in the first round.
            count = self.settles(pid, before) if number > 0 else before
            self.more = max(self.more, count - before)
            if count > before:
                self.check(False, f"{program} had {before} descriptors open, and has {count}: {held(pid)}")
            honest(number)
            memory = resident(pid)
            base = base or memory
        self.grew = max(self.grew, memory - base)
        self.check(memory - base <= GROWTH, f"{program} had {base} kB, and has {memory} kB")

    def against_fdrecv(self, rounds):
        """Each honest sender has a socket of its own, so that one process sees all rounds."""
        words = [word for number in range(rounds) for word in ("-f", str(400 + number), f"./honest{number}")]
        pid = self.start_ready("fdrecv", "-f", f"20-{19 + WANTED}", "./zoo", *words, "--run", self.witness, "report",
                               "report")
        self.besiege("fdrecv", pid, "zoo", rounds, lambda number: self.give(f"./honest{number}"))
        self.give("./zoo", WANTED)
        status, _ = self.wait(pid, "fdrecv")
        found = set(report() or ())
        self.check(status == 0 and found == {0, 1, 2, *range(20, 20 + WANTED), *range(400, 400 + rounds)},
                   f"the command of fdrecv found {sorted(found)}")

    def takes(self, listener):
        """Takes one handover. Whether it was the honest one; None when none comes."""
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return None
        with connection:
            _, fds, _, _ = socket.recv_fds(connection, 16, animals.MESSAGE)
            honest = len(fds) == 1 and os.path.sameopenfile(fds[0], self.file)
            for fd in fds:
                os.close(fd)
        return honest

    def against_fdfwd(self, rounds):
        def honest(_):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.settimeout(BOUND)
                listener.bind("to")
                listener.listen()
                sender = self.start("fdsend", "-b", "-t", str(int(BOUND)), "-f", "20", "./from", fds={20: self.file})
                # Some of what the others gave is a handover, too, and may still be on its way.
                while (honest := self.takes(listener)) is False:
                    pass
                self.check(honest, "nothing comes through fdfwd")
                status, _ = self.wait(sender, "a sender to fdfwd")
                self.check(status == 0, "a sender to fdfwd is not served")
            os.unlink("to")
        pid = self.start_ready("fdfwd", "--keep", "-t", PATIENCE, "./from", "./to")
        self.besiege("fdfwd", pid, "from", rounds, honest)
        os.kill(pid, signal.SIGTERM)
        status, _ = self.wait(pid, "fdfwd")
        self.check(status == -signal.SIGTERM, f"fdfwd ended with {status}")

    # ------------------------------------------------------------------------------------- senders

    def against_fdsend(self, count):
        """So many senders, each with a receiver of its own; the memory of one that nobody takes from is the measure."""
        _, usual = self.wait(self.start("fdsend", "-f", "20-319", "./nobody",
                                        fds=dict.fromkeys(range(20, 320), self.file)), "fdsend")
        for first in range(0, count, BESIDE):
            receivers = [self.receive(f"zoo{number}") for number in range(first, min(first + BESIDE, count))]
            staying = [self.misbehave(behave, listener) for behave, listener, _ in receivers]
            for (behave, listener, pid), connection in zip(receivers, staying):
                status, most = self.wait(pid, f"fdsend, with a receiver that {behave.__name__}")
                if connection:
                    connection.close()
                where = listener.getsockname()
                listener.close()
                os.unlink(where)
                self.tried["fdsend"] = self.tried.get("fdsend", 0) + 1
                with open(f"{where}.err", encoding="utf-8", errors="replace") as said:
                    text = said.read()
                self.check(status in (1, 124) or behave in animals.BELIEVED,
                           f"fdsend ended with {status}, with a receiver that {behave.__name__}: {text!r}")
                self.check(status == 0 or "fdsend: " in text, f"fdsend ended with {status} and said {text!r}")
                self.grew = max(self.grew, most - usual)
                self.check(most - usual <= GROWTH, f"fdsend needed {most} kB, with {behave.__name__}; usual is {usual}")

    def receive(self, where):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.settimeout(BOUND)
        listener.bind(where)
        listener.listen()
        last = random.choice([20, 319])
        pid = self.start("fdsend", "-t", PATIENCE, "-f", f"20-{last}", f"./{where}",
                         fds=dict.fromkeys(range(20, last + 1), self.file), err=f"{where}.err")
        return random.choice(animals.RECEIVERS), listener, pid

    def misbehave(self, behave, listener):
        """The connection when it stays."""
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return self.check(False, "fdsend does not connect") or None
        connection.settimeout(BOUND)
        try:
            behave(connection)
        except (BrokenPipeError, ConnectionResetError):
            pass
        if random.random() < 0.3:
            return connection
        connection.close()
        return None


def held(pid):
    what = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            what.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            pass  # it has been closed meanwhile
    return what


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    program_options(parser)
    parser.add_argument("--everything", action="store_true", help="ten times as many")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    start = time.monotonic()
    prepare_worker()
    random.seed(options.seed)
    times = 10 if options.everything else 1
    zoo = None
    top = tempfile.mkdtemp(prefix="fdpass-zoo-")
    try:
        os.chdir(top)
        zoo = Zoo(options)
        zoo.against_fdrecv(12 * times)
        zoo.against_fdfwd(6 * times)
        zoo.against_fdsend(400 * times)
        for name in os.listdir("."):
            zoo.check(not stat.S_ISSOCK(os.lstat(name).st_mode) and not name.startswith(".fdpass-"),
                      f"left behind: {name}")
    finally:
        os.chdir("/")
        shutil.rmtree(top, ignore_errors=True)
    for violation in zoo.violations:
        print(violation)
    if zoo.violations:
        print(f"again: zoo.py --seed {options.seed}")
    told = ", ".join(f"{count} against {program}" for program, count in zoo.tried.items())
    print(f"peers that misbehave: {sum(zoo.tried.values())} tried ({told}; memory grew by {zoo.grew} kB at most, "
          f"descriptors by {zoo.more}), {len(zoo.violations)} violations, {time.monotonic() - start:.0f} s")
    return 1 if zoo.violations else 0


if __name__ == "__main__":
    sys.exit(main())
