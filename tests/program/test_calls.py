# SPDX-License-Identifier: MIT
"""How many system calls a handover takes: of each, what the tables here say. Whoever changes that sees it here."""

import fcntl
import os

import pytest

import counting
import peers
from programs import appears
from suite import IS_ROOT
from tracing import TRACED

pytestmark = pytest.mark.needs_64_bits  # other calls there

ANSWER = b"fdpass/1" + b"A\0\0\0\0\0\0\1"
READY, TARGET = 19, 40

# Each that can end a program, and for which clean-up makes sense, is asked for once: see cli/signals.c.
SIGNALS = 15

# Whoever goes by the id of those that have none is looked at twice: whether this user namespace has them all.
with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
    UNMAPPED = {"close": 1, "openat": 1, "read": 2} if int(file.read()) == os.geteuid() else {}


def added(*tables):
    names = sorted(set().union(*tables))
    return {name: sum(table.get(name, 0) for table in tables) for name in names}


# 0 to 2 and what is to be sent are open, who is admitted, the limit, signals.
SENDER_BEGINS = {"close": 1, "fcntl": 4, "geteuid": 2, "openat": 1, "prlimit64": 1, "read": 2,
                 "rt_sigaction": SIGNALS, "rt_sigprocmask": 2, "signalfd4": 1}

# From a connection to its end, with one wait for an answer that then is there.
SENDER_TALKS = added({"close": 3, "connect": 1, "epoll_create1": 1, "epoll_ctl": 1, "epoll_wait": 2, "getsockopt": 1,
                      "ioctl": 2, "ppoll": 2, "recvfrom": 2, "sendmsg": 1}, UNMAPPED)


def prepare(programs, name="name"):
    """A receiver that is not ours, of a name in the run directory."""
    os.mkdir(programs.runtime, 0o700)
    return programs.closes(peers.Receiver(programs.named(name)))


def start_sender(programs, *words):
    return programs.start([*counting.traced(programs.path("trace")), programs.fdsend_path, *words],
                          fds={7: programs.text("sent")}, env=TRACED)


def answer(programs, sender, receiver):
    """The greeting and the answer come at once, when the sender waits for them, and it is done."""
    connection = receiver.accept()
    counting.waits(sender)
    connection.sendall(ANSWER)
    assert sender.wait().status == 0, sender.result
    return counting.lines(programs.path("trace"))


def test_sender_to_a_path(programs):
    receiver = prepare(programs)
    called = answer(programs, start_sender(programs, "-f", "7", "name"), receiver)
    assert counting.count(called) == added(SENDER_BEGINS, SENDER_TALKS, {"geteuid": 1, "setsockopt": 1, "socket": 1,
                                                                         "stat": 1})


def test_sender_to_an_abstract_name(programs):
    name = programs.abstract()
    receiver = programs.closes(peers.Receiver(f"@{name}"))
    called = answer(programs, start_sender(programs, "-a", "-f", "7", name), receiver)
    assert counting.count(called) == added(SENDER_BEGINS, SENDER_TALKS, {"setsockopt": 1, "socket": 1})


def test_sender_that_waits_for_a_path(programs):
    """From the event on: who waits has made everything before. Slow things, such as closing inotify, come last."""
    receiver = prepare(programs, "hidden")
    sender = start_sender(programs, "-b", "-f", "7", "name")
    counting.waits(sender)
    os.rename(programs.named("hidden"), programs.named("name"))
    called = answer(programs, sender, receiver)
    os.unlink(programs.named("name"))
    called = called[max(at for at, (name, rest) in enumerate(called) if name == "read" and "name" in rest):]
    assert counting.count(called) == added(SENDER_TALKS, {"close": 1, "geteuid": 1, "ppoll": 1, "read": 1,
                                                                  "stat": 1})
    names = [name for name, _ in called]
    assert names[:5] == ["read", "ppoll", "stat", "geteuid", "connect"]
    inotify = called[0][1].partition(",")[0]
    closed = next(at for at, (name, rest) in enumerate(called) if name == "close" and rest.startswith(f"{inotify})"))
    assert closed > names.index("sendmsg")


RECEIVER = (
    # 0 to 2 and --ready-fd are open, who is admitted, the command, the limit, signals.
    {"access": 1, "close": 1, "fcntl": 4, "geteuid": 2, "openat": 1, "prlimit64": 1, "read": 2, "rt_sigaction": SIGNALS,
     "rt_sigprocmask": 2, "signalfd4": 1, "stat": 1},
    # The socket, in a directory that is checked, locked and swept, under a temporary name and then its own.
    {"access": 1, "bind": 1, "close": 1, "epoll_create1": 1, "epoll_ctl": 1, "fchmod": 1, "flock": 2, "getdents64": 2,
     "geteuid": 2, "ioctl": 1, "listen": 1, "mkdir": 1, "openat": 1, "prlimit64": 1, "renameat2": 1,
     "setsockopt": 1, "socket": 1, "stat": 3},
    # Without CAP_NET_ADMIN the kernel does not show the file of a socket.
    {} if IS_ROOT else {"openat": 1},
    # --ready-fd.
    {"close": 1, "fcntl": 3, "ppoll": 1, "write": 1},
    # One caller, who has sent before it looks, is greeted, read, and answered.
    {"accept4": 1, "epoll_ctl": 1, "epoll_wait": 1, "getsockopt": 1, "ppoll": 1, "recvmsg": 1, "sendmsg": 2},
    UNMAPPED, UNMAPPED,
    # The socket goes away, and whoever else is in the backlog.
    {"accept4": 1, "close": 3, "epoll_ctl": 1, "flock": 2, "shutdown": 1, "stat": 1, "unlinkat": 1},
    # What came goes to its place, and the command has the signals and the limit that were inherited.
    {"close": 1, "dup3": 1, "rt_sigprocmask": 1, "rt_sigtimedwait": 1, "stat": 1},
)


def test_receiver(programs):
    """Somebody has sent before it looks: it is kept back by a pipe in which there is no room for its line."""
    os.mkdir(programs.runtime, 0o700)
    reader, writer = programs.pipe()
    os.set_blocking(writer, False)
    full = os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)))
    receiver = programs.start([*counting.traced(programs.path("trace")), programs.fdrecv_path, "--ready-fd", str(READY),
                               "-f", str(TARGET), "name", "--run", "/bin/cat", f"/dev/fd/{TARGET}"],
                              fds={READY: writer}, env=TRACED)
    appears(programs.named("name"))
    with peers.send(programs.named("name"), [programs.text("sent")]) as sender:
        while full > 0:
            full -= len(os.read(reader, full))
        assert programs.succeeds(receiver) == "sent"
        assert sender.recv(100) == ANSWER
    assert counting.count(counting.lines(programs.path("trace"))) == added(*RECEIVER)
