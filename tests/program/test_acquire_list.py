# SPDX-License-Identifier: MIT
"""Asking: --list and --pidref."""

import os
import select
import signal
import socket

import pytest

from processes import LIBC
from programs import TRY_FDSEND, identity


def inode(pid):
    pidfd = os.pidfd_open(pid)
    try:
        return os.fstat(pidfd).st_ino
    finally:
        os.close(pidfd)


def lines(programs, *words):
    return programs.succeeds(programs.fdsend(*words)).splitlines()


def test_list(programs, hold):
    """A line for each number: the number, what it is, and where."""
    folder, name = str(programs.folder), programs.abstract()
    fds, expected = {}, {0: "char /dev/null", 1: "pipe", 2: "pipe"}

    def add(number, fd, text):
        fds[number] = programs.own(fd)
        expected[number] = text

    def made(family, kind, address=None, listen=False):
        one = socket.socket(family, kind)
        if address:
            one.bind(address)
        if listen:
            one.listen()
        return one

    one = made(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), True)
    port = one.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    their = client.getsockname()[1]
    accepted, _ = one.accept()
    add(5, one.detach(), f"tcp-listen 127.0.0.1:{port}")
    add(6, client.detach(), f"tcp 127.0.0.1:{their} -> 127.0.0.1:{port}")
    add(7, accepted.detach(), f"tcp 127.0.0.1:{port} -> 127.0.0.1:{their}")
    one = made(socket.AF_INET6, socket.SOCK_STREAM, ("::", 0), True)
    add(8, one.fileno(), f"tcp-listen [::]:{one.getsockname()[1]}")
    one.detach()
    add(9, made(socket.AF_INET, socket.SOCK_STREAM).detach(), "tcp")
    one = made(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 0))
    add(10, one.fileno(), f"udp [::1]:{one.getsockname()[1]}")
    one.detach()
    add(11, made(socket.AF_UNIX, socket.SOCK_STREAM, f"{folder}/stream", True).detach(), f"unix-listen {folder}/stream")
    add(12, made(socket.AF_UNIX, socket.SOCK_SEQPACKET, "\0" + name, True).detach(), f"unix-seqpacket-listen @{name}")
    add(13, made(socket.AF_UNIX, socket.SOCK_DGRAM, f"{folder}/datagrams").detach(), f"unix-dgram {folder}/datagrams")
    left, right = socket.socketpair()
    right.close()
    add(14, left.detach(), "unix")
    add(15, os.open(folder, os.O_RDONLY), f"dir {folder}")
    (programs.folder / "file").touch()
    add(16, os.open(f"{folder}/file", os.O_RDONLY), f"file {folder}/file")
    (programs.folder / "gone").touch()
    add(17, os.open(f"{folder}/gone", os.O_RDONLY), f"file {folder}/gone (deleted)")
    os.unlink(f"{folder}/gone")
    os.mkfifo(f"{folder}/fifo")
    add(18, os.open(f"{folder}/fifo", os.O_RDWR), f"fifo {folder}/fifo")
    add(20, os.memfd_create("memory"), "memfd memory")
    add(21, os.eventfd(0), "eventfd")
    add(22, LIBC.epoll_create1(0), "eventpoll")
    add(23, os.pidfd_open(os.getpid()), "pidfd")
    master, slave = os.openpty()
    add(24, slave, f"pty {os.ttyname(slave)}")
    add(25, master, "pty /dev/ptmx")
    add(26, LIBC.inotify_init1(0), "inotify")
    add(27, os.open("/proc/self/ns/net", os.O_RDONLY), f"namespace {os.readlink('/proc/self/ns/net')}")
    add(28, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).detach(), "netlink")
    there = hold(fds)
    for where in ("stream", "datagrams"):
        os.unlink(programs.path(where))
    found = dict(line.split(" ", 1) for line in lines(programs, "--list", "-p", str(there.pid)))
    assert list(map(int, found)) == sorted(expected)
    found = {int(number): text for number, text in found.items()}
    found[25] = found[25].replace("/dev/pts/ptmx", "/dev/ptmx")
    assert found == expected
    assert lines(programs, "-p", f"{there.pid}:{inode(there.pid)}", "--list") == lines(programs, "--list", "-p",
                                                                                       str(there.pid))


def test_a_line_stays_a_line(programs, hold):
    """Whatever somebody called a file or a socket."""
    path = programs.path("two\nlines \x1b[31m \x9b[31m \udc9b")
    file = programs.own(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("\0two\n" + programs.abstract())
        there = hold({7: file, 8: made.fileno()})
        told = lines(programs, "--list", "-p", str(there.pid))
        assert len(told) == 5 and not {"\x1b", "\x9b", "\udc9b"} & set("".join(told))
        assert told[3] == f"7 file {programs.path('two?lines ?[31m ??[31m ?')}"
        assert told[4] == "8 unix @" + made.getsockname()[1:].decode().replace("\n", "?")


def test_the_process_behind_a_port(programs, hold):
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        there, port = hold({7: made.fileno()}), made.getsockname()[1]
        kept = identity(made.fileno())
    assert lines(programs, "--list", "-p", f"listen:{port}")[3:] == [f"7 tcp-listen 127.0.0.1:{port}"]
    pidref = programs.succeeds(programs.fdsend("--pidref", f"listen:{port}"))
    assert pidref == f"{there.pid}:{inode(there.pid)}\n"
    command, read = programs.listing()
    receiver = programs.shell('exec fdrecv -p "$(fdsend --pidref "$1")" -l "$1" --run "$2" "$3" "$4" "$5" "$6"'
                              .replace('"$1"', f"listen:{port}").replace('"$2" "$3" "$4" "$5" "$6"', " ".join(command)))
    programs.succeeds(receiver)
    assert read()["fds"][3]["identity"] == kept


def test_pidref(programs, hold):
    there = hold()
    expected = f"{there.pid}:{inode(there.pid)}\n"
    assert programs.succeeds(programs.fdsend("--pidref", str(there.pid))) == expected
    assert programs.succeeds(programs.fdsend(f"--pidref={expected.strip()}")) == expected
    there.stop()
    assert programs.succeeds(programs.fdsend("--pidref", str(there.pid))) == expected
    programs.fails(programs.fdsend("--pidref", f"{there.pid}:1"), 1, "another one by now")
    there.signal(signal.SIGKILL)
    select.select([there.pidfd], [], [])
    assert programs.fdsend("--pidref", str(there.pid)).wait() == (
        1, "", f"fdsend: process {there.pid}: process {there.pid} has ended and holds nothing any more; its parent has not "
               "asked for its status yet\n")


FOR_SENDING = """--fd 0/--match listen/--listen-fds/--open f/--listen tcp:0/--connect tcp:1/--fdname a/--mode r/--backlog 1/
--reuseport/--socket-mode 600/--socket-owner root/--dup/--pidfd-getfd/--abstract/--connected/--blocking/--timeout 1/
--to-user root/--to-group root/--confirm=answer/--no-confirm/--until-run/--until-exit""".replace("\n", "").split("/")


@pytest.mark.parametrize("words", FOR_SENDING)
def test_what_is_for_sending_is_for_nothing(programs, words):
    """Each option that means something elsewhere is wrong usage here, and is named."""
    name = words.replace("=", " ").split()[0]
    for asked in ("--list -p 1", "--pidref 1"):
        for line in (f"{words} {asked}", f"{asked} {words}"):
            programs.fails(programs.fdsend(*line.split()), 2, f"{asked.split()[0]} only prints, and sends nothing",
                           f"'{name}'", TRY_FDSEND)


@pytest.mark.parametrize("words", [["--list", "-p"], ["--pidref"]], ids=" ".join)
def test_what_cannot_be_printed(programs, hold, words):
    """Failure, and the reason; also when stdout was never open."""
    there = hold()
    full = programs.own(os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC))
    programs.fails(programs.fdsend(*words, str(there.pid), fds={1: full}), 1, "fdsend: ", "standard output",
                   "No space left")
    programs.fails(programs.fdsend(*words, str(there.pid), fds={1: None}), 1, "fdsend: ", "standard output")
    reader, writer = programs.pipe()
    programs.close(reader)
    sender = programs.fdsend(*words, str(there.pid), fds={1: writer}, ignored={signal.SIGPIPE})
    programs.fails(sender, 1, "standard output", "Broken pipe")


@pytest.mark.parametrize("words", [["--list", "-p"], ["--pidref"]], ids=" ".join)
def test_nothing_is_printed_of_nobody(programs, words):
    for text in ("4194305", "listen:1"):
        result = programs.fdsend(*words, text).wait()
        assert (result.status, result.stdout) == (1, "") and f"{text}: " in result.stderr
