# SPDX-License-Identifier: MIT
"""Processes of one run: started with exact descriptors, waited for by SIGCHLD, none left over.

Thousands of runs a minute go through here, so posix_spawn(3) and files take the place of what the tests of
the programs have (processes.py). One Run lives in a folder of its own, which is the working directory.
"""

import ctypes
import os
import re
import select
import signal
import stat
import time

BOUND = 20.0  # seconds until something is taken for hanging; its own deadlines are far below that
LOOK = 0.02  # seconds between two looks whether somebody was stopped, which is not announced
READY = 19
TRACE = "trace"  # what strace writes

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True)


def prepare_worker():
    """Orphans come to us, so that nothing that a run has started can hide; and we go with our parent."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if number > 2:
                os.set_inheritable(number, False)
        except OSError:
            pass  # that of the listing itself


def identity(fd):
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def stopped(pid):
    """Whether it is stopped by a signal, and not just looked at by its tracer."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return False


def trace():
    try:
        with open(TRACE, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def sleeps(pid):
    """Waits a bounded number of looks until it sleeps: a hint, to let it come to its wait first."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
                where = file.read()
            if "poll" in where and "ptrace" not in where:
                return
        except OSError:
            return
        signal.sigtimedwait({signal.SIGUSR1}, 0.001)


class Run:
    """`wrap` gives the words before the command line of a role, such as strace's."""

    def __init__(self, environment, wrap=None):
        self.environment = environment
        self.wrap = wrap or {}
        self.pids = {}  # role: pid
        self.ended = {}  # pid: status, of everything that has ended
        self.told = set()  # roles that we have ended
        self.background = set()  # roles that go on until they are told to end
        self.kept = set()  # sockets that may be there at the end
        self.hanging = []
        self.victim = None  # role: killed as soon as it is found stopped, or ...
        self.moment = None  # ... so many microseconds after everybody was started, by ...
        self.signal = signal.SIGKILL

    def start(self, role, argv, fds=None, environment=None, before=()):
        argv = [*before, *self.wrap.get(role, []), *argv]
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_OPEN, number, f"{role}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                    for number, name in ((1, "out"), (2, "err"))]
        actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in (fds or {}).items()]
        self.pids[role] = os.posix_spawnp(argv[0], argv, {**self.environment, **(environment or {})},
                                          file_actions=actions, setsigmask=[],
                                          setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])
        return self.pids[role]

    def start_ready(self, role, argv, fds=None):
        """The same, until it has written a line to READY, or cannot any more. Returns the line."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        self.start(role, argv, {READY: writer, **(fds or {})})
        os.close(writer)
        said = b""
        deadline = time.monotonic() + BOUND
        while not select.select([reader], [], [], LOOK)[0] and time.monotonic() < deadline:
            self.strike()
        if time.monotonic() < deadline:
            said = os.read(reader, 16)
        else:
            self.hanging.append(f"{role} neither became ready nor ended")
        os.close(reader)
        return said.decode().strip()

    def reap(self):
        """Collects what has ended. False: there is nothing left that could end."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if not os.WIFSTOPPED(status):
                self.ended[pid] = os.waitstatus_to_exitcode(status)

    def strike(self):
        """Kills what a signal has stopped of the victim, as its tracer says."""
        if self.victim is None or self.moment is not None:
            return
        for pid in re.findall(r"^(?:(\d+) +)?--- stopped by SIGSTOP", trace(), re.MULTILINE):
            try:
                os.kill(int(pid or self.pids[self.victim]), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def helpers(self):
        """How many run beside those that were started here: orphans that came to us."""
        return len(set(children()) - set(self.pids.values()))

    def status(self, role):
        """None: it still runs, or was never started."""
        return self.ended.get(self.pids.get(role))

    def alive(self, role):
        return role in self.pids and self.status(role) is None

    def wait(self, condition, what):
        deadline = time.monotonic() + BOUND
        while True:
            more = self.reap()
            if condition():
                return True
            self.strike()
            left = deadline - time.monotonic()
            if left <= 0 or not more:
                self.hanging.append(what)
                return False
            signal.sigtimedwait({signal.SIGCHLD}, min(left, LOOK if self.victim else left))

    def end(self, role, number=signal.SIGTERM):
        """Not needed any more: it is told so, and has to obey."""
        if self.alive(role):
            self.told.add(role)
            os.kill(self.pids[role], number)

    def settle(self, waits_for_ever):
        """Until every role has ended. When one has failed, those are told to end that would wait for another one."""
        roles = self.pids.keys() - self.background
        if self.moment is not None:
            # Who is killed before strace holds it leaves a strace that waits for ever.
            self.wait(lambda: "brk(" in trace(), "strace began")
            signal.sigtimedwait({signal.SIGUSR1}, self.moment / 1e6)
            self.reap()
            if self.alive(self.victim):
                os.kill(self.pids[self.victim], self.signal)

        def over():
            if any(self.status(role) not in (None, 0) for role in roles):
                # What somebody's success promises is on its way, and not to be ended.
                givers = [role for role in ("fdsend", "fdfwd") if role in roles]
                for role in waits_for_ever:
                    before = givers[:givers.index(role)] if role in givers else givers
                    promised = any(self.status(giver) in (None, 0) for giver in before)
                    if role not in self.told and not promised:
                        self.end(role)
            return not any(self.alive(role) for role in roles)

        self.wait(over, "still running: " + ", ".join(roles))

    def finish(self):
        """What is in the background is told to end, and then nothing may be left: no tracer, helper or orphan."""
        for role in self.background:
            self.end(role)
            self.end(role, signal.SIGCONT)
        self.wait(lambda: not self.reap(), "something that was started by it")
        while self.reap():
            for pid in children():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            signal.sigtimedwait({signal.SIGCHLD}, 1)

    def text(self, role, name="err"):
        try:
            with open(f"{role}.{name}", encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def debris():
    """Sockets and temporary names in the folder of the run."""
    found = []
    for where, _, names in os.walk("."):
        for name in names:
            path = os.path.join(where, name)
            if stat.S_ISSOCK(os.lstat(path).st_mode) or name.startswith(".fdpass-"):
                found.append(path)
    return found
