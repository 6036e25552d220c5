# SPDX-License-Identifier: MIT
"""System calls that fail at the wrong moment: no success that is none, and nothing that slips through."""

import errno
import os
import signal
import socket
import sys

import pytest

from processes import until
from programs import appears, listens
from tracing import TRACED, tampered

# Prints the numbers that are open, also where there is no /proc.
TABLE = """
import fcntl
for number in range(64):
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
        print(number)
    except OSError:
        pass
"""


def traced(programs, injections, *words, **conditions):
    return programs.start([*tampered(*injections), *words], env=TRACED, **conditions)


def is_traced(pid, by):
    """Whether that process is what /proc calls its tracer; "0": nobody."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return f"TracerPid:\t{by}\n" in status.read()


@pytest.mark.parametrize("failure", [errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN], ids=errno.errorcode.get)
@pytest.mark.parametrize("when", ["1", "1+"])
def test_greeting_that_cannot_be_written(programs, failure, when):
    """The message is refused or not even read; without a greeting, that it was read would be taken for proof."""
    receiver = traced(programs, [f"sendmsg:error={errno.errorcode[failure]}:when={when}"], programs.fdrecv_path,
                      "-f", "0,4", "./socket", "--run", "cat")
    appears(programs.path("socket"))
    sender = programs.fdsend("-t", "10", "-f", "0", "./socket")
    assert sender.wait().status == 1, sender.result
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM


def test_greeting_that_cannot_be_written_is_tried_again(programs):
    receiver = traced(programs, ["sendmsg:error=ENOBUFS:when=1"], programs.fdrecv_path, "-f", "0", "./socket",
                      "--run", "cat")
    sender = programs.fdsend("-b", "-f", "0", "./socket", fds={0: programs.text("sent")})
    assert sender.wait().status == 0, sender.result
    assert receiver.wait().stdout == "sent"


def test_notifications_that_cannot_be_read(programs):
    """They stay readable, and are not asked for again and again: a pause has to do. The map of the user namespace,
    which is looked into for user 65534, cannot be read either."""
    sender = programs.fdsend("-b", "--to-user", "any", "-f", "0", "./socket", fds={0: programs.text("sent")}, env=TRACED)
    sender.settle()
    trace = programs.folder / "trace"
    tracer = programs.start(["strace", "-q", "-p", str(sender.pid), "-o", trace, "-e", "trace=read",
                             "-e", "inject=read:error=EIO:when=1+"])
    until(lambda: not is_traced(sender.pid, "0"), "it is traced")
    (programs.folder / "file").touch()
    until(lambda: trace.exists() and "INJECTED" in trace.read_text(), "it has read")
    assert sender.lasts(0.5)
    assert trace.read_text().count("INJECTED") < 50
    assert programs.succeeds(programs.fdrecv("-f", "0", "./socket", "--run", "cat")) == "sent"
    assert sender.wait().status == 0
    tracer.wait()


def test_an_end_that_cannot_be_asked_for(programs):
    """Whether the receiver has ended is not asked again and again."""
    trace = programs.folder / "trace"
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    sender = programs.start(["strace", "-D", "-o", trace, "-e", "inject=poll:error=EPERM:when=3+",
                             programs.fdsend_path, "-t", "2", "--until-exit", "-f", "0", "./socket"],
                            fds={0: programs.text("sent")}, env=TRACED)
    assert receiver.wait().stdout == "sent"
    assert sender.wait().status in (0, 1, 124)
    assert trace.read_text().count("INJECTED") < 500


@pytest.mark.needs_glibc
@pytest.mark.parametrize("call", ["ppoll", "epoll_wait"])
def test_waiting_fails(programs, call):
    """It ends at once, and says so."""
    receiver = traced(programs, [f"{call}:error=ENOMEM:when=1+"], programs.fdrecv_path, "-f", "0", "./socket", "--run",
                      "cat")
    sender = programs.fdsend("-b", "-f", "0", "./socket")
    programs.fails(receiver, 125, "fdrecv: ./socket: ", "Cannot allocate memory")
    sender.signal(signal.SIGTERM)
    assert sender.wait().status == -signal.SIGTERM
    with socket.create_server(("127.0.0.1", 0)) as server:
        opener = traced(programs, [f"{call}:error=ENOMEM:when=1+"], programs.fdsend_path, "--connect",
                        f"tcp:127.0.0.1:{server.getsockname()[1]}", "./nobody")
        programs.fails(opener, 1, "tcp:127.0.0.1", "Cannot allocate memory")


@pytest.mark.parametrize("option", ["--to-user", "--to-group"])
def test_names_are_looked_up_when_numbers_are_pinned(programs, option):
    """Looking a name up leaves a descriptor open, as some of its modules do: it is none that was named."""
    database = "/etc/passwd" if option == "--to-user" else "/etc/group"
    programs.fails(programs.start([*tampered("close:retval=0"), "-P", database, programs.fdsend_path, option, "daemon",
                                   "-f", "3", "./socket"], env=TRACED), 1, "descriptor 3 is not open")
    # Both are wrong: what was sent is checked first.
    programs.fails(programs.fdsend(option, "no-such-name", "-f", "3", "./socket"), 1, "descriptor 3 is not open")
    programs.fails(programs.fdsend(option, "no-such-name", "-f", "0", "./socket"), 2, option, "no-such-name")


def closes_others(programs, name, *words):
    """The numbers that a command finds, of which 7, 40 and 63 are the caller's own."""
    extra = programs.text("")
    receiver = programs.start([*tampered("close_range:error=EPERM"), *words, programs.fdrecv_path, "--close-others",
                               "-a", "-f", "5", name, "--run", sys.executable, "-I", "-S", "-c", TABLE],
                              fds={7: extra, 40: extra, 63: extra}, env=TRACED)
    listens(name)
    programs.succeeds(programs.fdsend("-a", "-f", "0", name))
    assert receiver.wait().status == 0, receiver.result  # sanitizers complain when there is no /proc
    return [int(word) for word in receiver.stdout.split()]


def test_close_others_without_close_range(programs):
    assert closes_others(programs, programs.abstract()) == [0, 1, 2, 5]


@pytest.mark.needs_root
def test_close_others_without_close_range_and_proc(programs):
    """strace itself stays where there is one."""
    without = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c",
               "mount --make-private /proc && mount -t tmpfs none /proc && exec \"$@\"", "sh"]
    assert closes_others(programs, programs.abstract(), *without) == [0, 1, 2, 5]
    assert os.path.exists("/proc/self")
