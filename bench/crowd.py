# SPDX-License-Identifier: MIT
"""What a crowd costs: descriptors of the process that is taken from, other processes, and senders that wait.

Nothing is compared here; the figures are processor time of one run of a program, since what else the machine
does counts little then: the first quartile of several runs.
"""

import contextlib
import os
import resource
import signal
import socket
import time

RUNS = 15
HELD = (10, 100, 1000, 9900)
PROCESSES = (0, 100, 1000)
WAITING = (1, 10, 100)


def hold(kind, count):
    """A socket that listens, and `count` more descriptors; the port and all of them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count + 1 if kind == "listening" else 1)]
    return sockets[0].getsockname()[1], sockets + [os.eventfd(0) for _ in range(count if kind == "eventfd" else 0)]


@contextlib.contextmanager
def sleeper(kind="eventfd", count=0):
    """A process that holds so much, and sleeps: its PID, and the port it listens on."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.closerange(3, writer)  # what this process has open for other sleepers
            os.closerange(writer + 1, 1 << 20)
            port, _kept = hold(kind, count)
            os.write(writer, f"{port}".encode())
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    try:
        yield pid, int(os.read(reader, 20))
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def start(program, *arguments, actions=()):
    return os.posix_spawn(program, [program, *arguments], os.environ, file_actions=actions)


def finish(pid):
    """Seconds of processor time of a program that must have succeeded."""
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise ChildProcessError(f"a program ended with wait status {status:#x}")
    return used.ru_utime + used.ru_stime


def quartile(values):
    return sorted(values)[(len(values) - 1) // 4]


def row(what, count, seconds):
    return {"what": what, "count": count, "seconds": seconds}


def takes(command, *arguments):
    fdrecv = os.environ["FDRECV"]
    return quartile([finish(start(fdrecv, *arguments, "--run", command)) for _ in range(RUNS)])


def taking(command):
    for kind in ("eventfd", "listening"):
        for count in HELD:
            with sleeper(kind, count) as (pid, port):
                what = f"listen:{port}"
                yield row(f"fdrecv -p PID, {kind} descriptors", count, takes(command, "-p", str(pid), "-f", "7", what))
                yield row(f"fdrecv -p listen:, {kind} descriptors", count,
                          takes(command, "-p", what, "-f", "7", what))
    for count in PROCESSES:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(sleeper())
            _, port = stack.enter_context(sleeper("eventfd", 10))
            what = f"listen:{port}"
            yield row("fdrecv -p listen:, other processes", count, takes(command, "-p", what, "-f", "7", what))


@contextlib.contextmanager
def senders(count, *arguments):
    """So many that wait; those that still do afterwards are killed."""
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, writer, 2)]
    pids = [start(os.environ["FDSEND"], "-v", *arguments, actions=actions) for _ in range(count)]
    os.close(writer)
    try:
        said = b""
        while said.count(b"\n") < count:  # each says that it waits
            said += os.read(reader, 65536) or b"\n" * count
        yield pids
    except BaseException:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(reader)


def waiting(command):
    """Senders that wait for one name, and as many receivers, one after the other."""
    name = f"fdpass-bench-crowd-{os.getpid()}"
    for label, options in (("path", []), ("abstract", ["-a"])):
        for count in WAITING:
            with senders(count, "-b", *options, "-f", "0", name) as pids:
                begin = time.monotonic()
                for _ in range(count):
                    finish(start(os.environ["FDRECV"], *options, "-f", "7", name, "--run", command))
                passed = time.monotonic() - begin
                used = sum(map(finish, pids))
            yield row(f"a sender of those that wait, {label}", count, used / count)
            yield row(f"time of each handover to them, {label}", count, passed / count)


def crowd(command):
    """All rows."""
    return [*taking(command), *waiting(command)]
