# SPDX-License-Identifier: MIT
"""A port with servers and a load: starts them, waits for what happens, and leaves nothing of it behind."""
import collections
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 60  # seconds for all that happens on one stage


class Interrupted(Exception):
    """By the signal of that number."""


class Failed(Exception):
    pass


def adopt_orphans():
    """What the programs leave behind comes to this process: fdrecv --retire has a helper, for instance."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def catch_signals():
    """Makes a signal something to wait for, like everything else. Returns the socket that tells of it."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach())
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    return reader


class Program(subprocess.Popen):
    """Not reached by the terminal's signals: who starts it ends it."""

    def __init__(self, command, **options):
        super().__init__(command, cwd=HERE, start_new_session=True, **options)
        self.pidfd = os.pidfd_open(self.pid)
        self.may_end = False

    def ended(self):
        return self.poll() is not None

    def end(self):
        self.kill()
        self.wait()
        os.close(self.pidfd)
        for pipe in filter(None, (self.stdin, self.stdout)):
            pipe.close()


class Stage:
    def __init__(self, signals):
        self.signals = signals
        self.deadline = time.monotonic() + PATIENCE
        self.programs = []
        self.load = None
        self.unread = b""
        self.answered = collections.Counter()  # by PID, as far as the load has told
        self.failed = 0
        self.result = None
        self.messages = tempfile.TemporaryFile()
        # Whoever has bound a port, even without listening, keeps it from being given to others by chance.
        # With these options, servers can bind it all the same.
        self.reservation = socket.socket()
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            self.reservation.setsockopt(socket.SOL_SOCKET, option, 1)
        self.reservation.bind(("127.0.0.1", 0))
        self.port = self.reservation.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.end()
        with contextlib.suppress(ChildProcessError):  # that there are no more
            while os.wait():
                pass
        self.messages.close()
        self.reservation.close()

    def start(self, command, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": self.messages, **options}
        try:
            program = Program(command.split(), **options)
        except OSError as problem:
            raise Failed(f"{command}: {problem.strerror}") from problem
        self.programs.append(program)
        return program

    def start_first(self, command):
        """Returns when the server says that it serves."""
        server = self.start(command, stdout=subprocess.PIPE)
        self.until(lambda: select.select([server.stdout], [], [], 0)[0], "the server serves", server.stdout)
        return server

    def start_load(self, command):
        self.load = self.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop_load(self):
        """Returns what it counted."""
        self.load.stdin.close()
        self.until(lambda: self.result, "the load ends")
        return self.result

    def until(self, condition, what, *fds):
        """Waits for `condition`, which something on `fds`, the load, or the end of a program makes true."""
        while not condition():
            poll = select.poll()
            running = [program for program in self.programs if program.returncode is None]
            for fd in (self.signals, *(program.pidfd for program in running), *fds):
                poll.register(fd, select.POLLIN)
            if self.load and not self.result:
                poll.register(self.load.stdout, select.POLLIN)
            ready = [fd for fd, _ in poll.poll(max(0, self.deadline - time.monotonic()) * 1000)]
            if not ready:
                raise Failed(f"not within {PATIENCE} seconds: {what}")
            if self.signals.fileno() in ready:
                raise Interrupted(self.signals.recv(1)[0])
            if self.load and self.load.stdout.fileno() in ready:
                self.hear_load()
            for program in running:
                if program.ended() and not program.may_end:
                    self.messages.seek(0)
                    said = self.messages.read().decode(errors="replace")
                    raise Failed(f"{' '.join(program.args)}: ended with {program.returncode}\n{said}")

    def hear_load(self):
        *lines, self.unread = (self.unread + os.read(self.load.stdout.fileno(), 65536)).split(b"\n")
        for line in map(bytes.decode, lines):
            if line.startswith("answered"):
                _, name, count = line.split()
                self.answered[int(name)] = int(count)
            elif line.startswith("failed"):
                self.failed += 1
            else:
                self.result = json.loads(line)
                self.load.may_end = True
