# SPDX-License-Identifier: MIT
"""One process under exact conditions: its descriptors, limits, signals, user; waited for by events.

subprocess is not used, because it cannot put descriptors on chosen numbers, close 0 to 2, or keep
a signal ignored, and all of that is what these tests are about.
"""

import collections
import ctypes
import fcntl
import os
import resource
import select
import signal
import sys
import time

LONG = 30.0  # seconds; the bound of every wait that is expected to end
STRANGER = 65534  # the second uid and gid of tests that need root

RESET_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE,
                 signal.SIGXFSZ, signal.SIGALRM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2)

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

Result = collections.namedtuple("Result", "status stdout stderr")


def until(condition, what, seconds=LONG):
    """Waits for what the kernel does not announce; the only place here that looks again and again."""
    pause = select.poll()
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.poll(2)
    return value


def adopt_orphans():
    """Children of children come to this process when their parent ends, so that none hides."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Conditions:
    """What the new process finds. `fds` maps numbers to descriptors; None is a closed number."""

    def __init__(self, fds=None, env=None, cwd=None, umask=0o022, user=None, limits=None,
                 ignored=(), blocked=(), barrier=None):
        self.fds = dict(fds or {})
        self.env = env
        self.cwd = cwd
        self.umask = umask
        self.user = user  # a uid, used as gid too, without supplementary groups
        self.limits = limits  # (soft, hard) of RLIMIT_NOFILE
        self.ignored = ignored
        self.blocked = blocked
        self.barrier = barrier  # read end of a pipe: start when its last writer is gone

    def apply(self, error):
        """In the child. Everything that was not asked for is closed. Returns where `error` is now."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        top = max([2, *self.fds]) + 1
        moved = {number: fd if fd is None else fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, top)
                 for number, fd in self.fds.items()}
        error = fcntl.fcntl(error, fcntl.F_DUPFD_CLOEXEC, top)
        barrier = self.barrier
        if barrier is not None:
            barrier = fcntl.fcntl(barrier, fcntl.F_DUPFD_CLOEXEC, top)
        for number, fd in moved.items():
            if fd is None:
                if os.path.exists(f"/proc/self/fd/{number}"):
                    os.close(number)
            else:
                os.dup2(fd, number, inheritable=True)
        wanted = {number for number, fd in moved.items() if fd is not None}
        for number in map(int, os.listdir("/proc/self/fd")):
            if number in wanted or number in (error, barrier):
                continue
            try:
                os.close(number)
            except OSError:
                pass  # the descriptor of the listing itself
        for number in RESET_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for number in self.ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.blocked)
        os.umask(self.umask)
        if self.cwd is not None:
            os.chdir(self.cwd)
        resource.setrlimit(resource.RLIMIT_NOFILE, self.limits or (soft, hard))
        if self.user is not None:
            os.setgroups([])
            os.setresgid(self.user, self.user, self.user)
            os.setresuid(self.user, self.user, self.user)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # if the test runner is killed
        if barrier is not None:
            os.read(barrier, 1)
        return error


class Process:
    """A child of this process; `stdout` and `stderr` are collected unless `conditions` place them."""

    def __init__(self, name, conditions, argv=None, function=None, ready=None):
        self.name = name
        self.result = None
        self.text = {}
        self.readers = {}
        self.ready_reader = None
        writers = []
        if conditions.fds.get(0, -1) == -1:
            conditions.fds[0] = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            writers.append(conditions.fds[0])
        for number in (1, 2):
            self.text[number] = b""
            if conditions.fds.get(number, -1) == -1:
                self.readers[number], conditions.fds[number] = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
                os.set_blocking(conditions.fds[number], True)
                writers.append(conditions.fds[number])
        if ready is not None:
            self.ready_reader, conditions.fds[ready] = os.pipe2(os.O_CLOEXEC)
            writers.append(conditions.fds[ready])
        error_reader, error_writer = os.pipe2(os.O_CLOEXEC)
        self.pid = os.fork()
        if self.pid == 0:
            self._be(conditions, argv, function, error_writer)
        self.pidfd = os.pidfd_open(self.pid)
        for fd in [error_writer, *writers]:
            os.close(fd)
        if conditions.barrier is None:
            with open(error_reader, "rb") as reader:
                trouble = reader.read()
            assert not trouble, f"{name} could not be started: {trouble.decode()}"
        else:
            os.close(error_reader)

    @staticmethod
    def _be(conditions, argv, function, error):
        status = 120
        try:
            error = conditions.apply(error)
            if function is None:
                os.execvpe(argv[0], argv, conditions.env)
            os.close(error)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as in every Python process
            with open(1, "w", encoding="utf-8", closefd=False) as sys.stdout:  # not the test runner's
                function()
            status = 0
        except BaseException as problem:  # nothing may return into the copy of the test runner
            text = f"{type(problem).__name__}: {problem}".encode()
            try:
                os.write(error, text)
            except OSError:
                os.write(2, text + b"\n")
        finally:
            os._exit(status)

    def __repr__(self):
        return f"<{self.name} {self.pid}: {self.result or self._stat()[0]}>"

    def _stat(self):
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
                return file.read().rpartition(")")[2].split()
        except FileNotFoundError:
            return ["gone"]

    def _collect(self, deadline, extra=None):
        """Waits for output, the end of the process, or `extra`. Returns the descriptors that are ready."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        for fd in [*self.readers.values(), *([] if extra is None else [extra])]:
            poll.register(fd, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(max(0, deadline - time.monotonic()) * 1000)]
        for number, fd in list(self.readers.items()):
            if fd in ready:
                self._drain(number)
        return ready

    def _drain(self, number):
        """Takes what is there now; another process may still hold the other end."""
        while number in self.readers:
            try:
                piece = os.read(self.readers[number], 65536)
            except BlockingIOError:
                return
            self.text[number] += piece
            if not piece:
                os.close(self.readers.pop(number))

    def _fail(self, what):
        for number in list(self.readers):
            self._drain(number)
        raise AssertionError(f"{self.name} {what}; state {self._stat()[0]}, "
                             f"stdout {self.text[1]!r}, stderr {self.text[2]!r}")

    @property
    def stderr(self):
        return self.text[2].decode(errors="surrogateescape")

    @property
    def stdout(self):
        return self.text[1].decode(errors="surrogateescape")

    def wait(self, seconds=LONG):
        """The result, once it has ended: the exit status, or minus the signal."""
        deadline = time.monotonic() + seconds
        while self.result is None:
            if self.pidfd in self._collect(deadline):
                _, status = os.waitpid(self.pid, 0)
                for number in list(self.readers):
                    self._drain(number)
                self.result = Result(os.waitstatus_to_exitcode(status), self.stdout, self.stderr)
            elif time.monotonic() >= deadline:
                self._fail(f"did not end within {seconds} s")
        return self.result

    def lasts(self, seconds):
        """Watches it for that long: true when it is still there afterwards."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.pidfd in self._collect(deadline):
                return False
        return True

    def alive(self):
        return self.result is None and not select.select([self.pidfd], [], [], 0)[0]

    def said(self, text, number=2):
        """Waits until its stderr has `text`."""
        deadline = time.monotonic() + LONG
        while text.encode() not in self.text[number]:
            if self.pidfd in self._collect(deadline):
                self._drain(number)
                if text.encode() not in self.text[number]:
                    self._fail(f"ended without saying {text!r}")
            elif time.monotonic() >= deadline:
                self._fail(f"did not say {text!r}")

    def wait_ready(self):
        """Waits for the newline, and for nothing but the newline, on its ready descriptor."""
        deadline = time.monotonic() + LONG
        text = b""
        while True:
            ready = self._collect(deadline, self.ready_reader)
            if self.ready_reader in ready:
                piece = os.read(self.ready_reader, 16)
                text += piece
                if not piece:
                    break
            elif self.pidfd in ready or time.monotonic() >= deadline:
                self._fail("did not become ready")
        os.close(self.ready_reader)
        self.ready_reader = None
        if text != b"\n":
            self._fail(f"said {text!r} on its ready descriptor")
        return self

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def stop(self):
        self.signal(signal.SIGSTOP)
        until(lambda: self._stat()[0] in "Tt", f"{self.name} is stopped")

    def kill(self):
        """SIGKILL, and its end."""
        if self.result is None:
            self.signal(signal.SIGKILL)
            self.signal(signal.SIGCONT)
        return self.wait()

    def switches(self):
        """How often it gave up the CPU of itself: each wake-up from a wait counts one."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["voluntary_ctxt_switches"])

    def cpu_ticks(self):
        """utime and stime."""
        return sum(map(int, self._stat()[11:13]))

    def settle(self):
        """Waits until it sleeps in a system call and stays there for a few looks."""
        seen = []

        def quiet():
            if not self.alive():
                self._fail("ended instead of waiting")
            seen.append((self._stat()[0], self.switches()))
            return len(seen) > 4 and set(seen[-4:]) == {seen[-1]} and seen[-1][0] == "S"

        until(quiet, f"{self.name} waits")
        return self

    def close(self):
        for fd in [*self.readers.values(), self.pidfd, self.ready_reader]:
            if fd is not None:
                os.close(fd)
        self.readers = {}
        self.pidfd = self.ready_reader = None
