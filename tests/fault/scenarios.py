# SPDX-License-Identifier: MIT
"""Handovers of every kind, each as one function that starts its processes and waits for their ends.

It returns what the command must find beside 0 to 2: {number: identity}, where None is any descriptor.
"""

import collections
import os
import socket

from running import READY, identity, sleeps

RICH = 256  # more than fit into one message
RECEIVER = ("fdrecv",)

# roles: the programs that can be traced in it. certain: that the sender succeeds proves that the command runs.
Scenario = collections.namedtuple("Scenario", "name play roles certain", defaults=(False,))


class Stage:
    """What every run of every scenario has: programs, a file to be sent, the other ends of connections."""

    def __init__(self, programs, witness):
        self.programs = programs
        self.witness = witness
        self.file = os.open("file", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.wanted = identity(self.file)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.setblocking(False)
        self.name = f"fdpass-sweep-{os.getpid()}"

    def be_patient(self, seconds):
        """How long each program may wait; 0: for ever."""
        self.fdsend, self.fdrecv, self.fdfwd = ([self.programs[name], *(["-t", str(seconds)] if seconds else [])]
                                                for name in ("fdsend", "fdrecv", "fdfwd"))

    def receiver(self, run, *words, fds=None):
        return run.start_ready("fdrecv", [*self.fdrecv, "--ready-fd", str(READY), *words, *self.command()], fds)

    def command(self):
        return ["--run", self.witness, "report", "report"]

    def accept_all(self):
        try:
            while True:
                self.listener.accept()[0].close()
        except BlockingIOError:
            pass


def plain(stage, run):
    stage.receiver(run, "-f", "5", "./s")
    run.start("fdsend", [*stage.fdsend, "-f", "7", "./s"], {7: stage.file})
    run.settle(RECEIVER)
    return {5: stage.wanted}


def until_run(stage, run):
    stage.receiver(run, "-f", "5", "./s")
    run.start("fdsend", [*stage.fdsend, "--until-run", "-f", "7", "./s"], {7: stage.file})
    run.settle(RECEIVER)
    return {5: stage.wanted}


def rich(stage, run):
    numbers = range(20, 20 + RICH)
    stage.receiver(run, "-l", "./s")
    run.start("fdsend", [*stage.fdsend, "-f", f"web={numbers[0]}-{numbers[-1]}", "./s"],
              dict.fromkeys(numbers, stage.file))
    run.settle(RECEIVER)
    return dict.fromkeys(range(3, 3 + RICH), stage.wanted)


def waiting(stage, run, *where):
    """The sender is there first."""
    run.start("fdsend", [*stage.fdsend, "-b", "-f", "7", *where], {7: stage.file})
    sleeps(run.pids["fdsend"])
    run.start("fdrecv", [*stage.fdrecv, "-f", "5", *where, *stage.command()])
    run.settle(("fdrecv", "fdsend"))
    return {5: stage.wanted}


def wait_path(stage, run):
    return waiting(stage, run, "./s")


def wait_abstract(stage, run):
    return waiting(stage, run, "-a", stage.name)


def opened(stage, run):
    port = stage.listener.getsockname()[1]
    stage.receiver(run, "-f", "5,6,8", "./s")
    run.start("fdsend", [*stage.fdsend, "--open", "./file", "--listen", "unix:./made", "--connect",
                         f"tcp:127.0.0.1:{port}", "./s"])
    run.settle(RECEIVER)
    stage.accept_all()
    # It stays when it was given away, and also when nobody can know whether it was.
    if run.status("fdsend") == 0 or os.path.exists("report"):
        run.kept.add("./made")
    return {5: stage.wanted, 6: None, 8: None}


def old_server(stage, run, fds=None):
    run.background.add("old")
    port = run.start_ready("old", [stage.witness, "serve", str(READY)], fds)
    return str(run.pids["old"]), port


def taken(stage, run):
    pid, port = old_server(stage, run, {7: stage.file})
    stage.receiver(run, "-f", "5,6", "./s")
    run.start("fdsend", [*stage.fdsend, "-p", pid, "-f", "7", "-M", f"listen:{port}", "./s"])
    run.settle(RECEIVER)
    return {5: stage.wanted, 6: None}


def takeover(stage, run):
    pid, port = old_server(stage, run, {7: stage.file})
    run.start("fdrecv", [*stage.fdrecv, "-p", pid, "-l", f"listen:{port}", "-d", "-f", "9", "7", *stage.command()])
    run.settle(())
    return {3: None, 9: stage.wanted}


def retire(stage, run):
    _, port = old_server(stage, run)
    run.start("fdrecv", [*stage.fdrecv, "-p", f"listen:{port}", "-l", f"listen:{port}", "--retire",
                         "--retire-after", "0", *stage.command()])
    run.settle(())
    return {3: None}


def connected(stage, run):
    ours, theirs = socket.socketpair()
    run.start("fdrecv", [*stage.fdrecv, "-c", "-f", "5", "8", *stage.command()], {8: theirs.fileno()})
    theirs.close()
    run.start("fdsend", [*stage.fdsend, "-c", "-f", "7", "6"], {7: stage.file, 6: ours.fileno()})
    ours.close()
    run.settle(RECEIVER)
    return {5: stage.wanted}


def activation(stage, run):
    stage.receiver(run, "-l", "./s")
    run.start("fdsend", [*stage.fdsend, "-l", "./s"], {3: stage.file, 4: stage.file},
              environment={"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"},
              before=["sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"])
    run.settle(RECEIVER)
    return {3: stage.wanted, 4: stage.wanted}


def forward(stage, run):
    stage.receiver(run, "-f", "5", "./to")
    run.start_ready("fdfwd", [*stage.fdfwd, "--ready-fd", str(READY), "./s", "./to"])
    run.start("fdsend", [*stage.fdsend, "-f", "7", "./s"], {7: stage.file})
    run.settle(("fdrecv", "fdfwd"))
    return {5: stage.wanted}


def keep(stage, run):
    run.background.add("fdfwd")
    stage.receiver(run, "-f", "5", "./to")
    run.start_ready("fdfwd", [*stage.fdfwd, "--keep", "--ready-fd", str(READY), "./s", "./to"])
    run.start("fdsend", [*stage.fdsend, "-f", "7", "./s"], {7: stage.file})
    run.settle(RECEIVER)
    run.end("fdfwd")
    return {5: stage.wanted}


SCENARIOS = {scenario.name: scenario for scenario in [
    Scenario("plain", plain, ("fdsend", "fdrecv")),
    Scenario("rich", rich, ("fdsend", "fdrecv")),
    Scenario("wait-path", wait_path, ("fdsend", "fdrecv")),
    Scenario("wait-abstract", wait_abstract, ("fdsend", "fdrecv")),
    Scenario("opened", opened, ("fdsend",)),
    Scenario("taken", taken, ("fdsend",)),
    Scenario("takeover", takeover, ("fdrecv",)),
    Scenario("retire", retire, ("fdrecv",)),
    Scenario("connected", connected, ("fdsend", "fdrecv")),
    Scenario("activation", activation, ("fdsend",)),
    Scenario("forward", forward, ("fdfwd",)),
    Scenario("keep", keep, ("fdfwd",)),
    Scenario("until-run", until_run, ("fdsend", "fdrecv"), certain=True),
]}
