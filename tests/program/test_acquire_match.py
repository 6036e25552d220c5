# SPDX-License-Identifier: MIT
"""By description: what fits, in number order, once; and which process is meant by what it holds."""

import contextlib
import os
import resource
import signal
import socket
import time

import pytest

from holding import neither_takes, take
from lingering import PROMPT
from namespaces import network
from programs import READY, identity

V6 = socket.AF_INET6


def bound(programs, family, kind, address, listen=True):
    made = programs.closes(socket.socket(family, kind))
    if family == V6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
    made.bind(address)
    if listen:
        made.listen()
    return made


class Full:
    """A process with one of everything; `words` are what the descriptions are made of."""

    def __init__(self, programs, hold):
        self.words = {"abstract": programs.abstract(), "folder": str(programs.folder)}
        self.fds = {}
        self.socket("A", programs, 7, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.socket("B", programs, 8, V6, socket.SOCK_STREAM, ("::1", 0))
        self.socket("C", programs, 9, V6, socket.SOCK_STREAM, ("::", 0))
        client = programs.closes(socket.create_connection(("127.0.0.1", int(self.words["A"]))))
        self.keep(10, programs.closes(self.fds[7].accept()[0]))
        self.words["client"] = str(client.getsockname()[1])
        self.socket("D", programs, 12, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), listen=False)
        self.socket(None, programs, 13, socket.AF_UNIX, socket.SOCK_STREAM, programs.path("listening"))
        self.socket(None, programs, 14, socket.AF_UNIX, socket.SOCK_SEQPACKET, "\0" + self.words["abstract"])
        self.socket(None, programs, 15, socket.AF_UNIX, socket.SOCK_DGRAM, programs.path("datagrams"), listen=False)
        programs.closes(socket.socket(socket.AF_UNIX)).connect(programs.path("listening"))
        self.keep(16, programs.closes(self.fds[13].accept()[0]))
        self.fds[17], self.fds[18] = self.fds[7], self.fds[13]
        file = programs.file("file", "content", os.O_RDONLY)
        self.fds[20], self.fds[21] = file, programs.own(os.open(programs.path("file"), os.O_RDWR | os.O_CLOEXEC))
        self.fds[22] = programs.file("deleted", "content")
        self.fds[23] = programs.own(os.eventfd(0))
        os.unlink(programs.path("deleted"))
        os.symlink("listening", programs.path("link"))
        for name in ("listening", "datagrams"):
            programs.leaves(programs.path(name))
        self.fds = {number: fd if isinstance(fd, int) else fd.fileno() for number, fd in self.fds.items()}
        self.process = hold(self.fds)
        self.words["pid"] = str(self.process.pid)

    def keep(self, number, made):
        self.fds[number] = made

    def socket(self, word, programs, number, *description, **how):
        self.keep(number, bound(programs, *description, **how))
        if word:
            self.words[word] = str(self.fds[number].getsockname()[1])


@pytest.fixture
def full(programs, hold):
    return Full(programs, hold)


FITS = {
    "listen": [7, 8, 9, 13, 14], "tcp": [7, 8, 9, 10], "udp": [12], "unix": [13, 14, 15, 16],
    "listen:{A}": [7], "listen:127.0.0.1:{A}": [7], "listen:[127.0.0.1]:{A}": [7], "listen:0{A}": [7],
    "listen:[::ffff:127.0.0.1]:{A}": [7],
    "listen:{B}": [8], "listen:[::1]:{B}": [8], "listen:[0:0::1]:{B}": [8], "listen:{C}": [9], "listen:[::]:{C}": [9],
    "tcp:{A}": [7, 10], "tcp:127.0.0.1:{A}": [7, 10], "tcp:{B}": [8],
    "udp:{D}": [12], "udp:127.0.0.1:{D}": [12],
    "listen:{folder}/listening": [13], "listen:./listening": [13], "listen:./link": [13],
    "unix:{folder}/listening": [13, 16], "unix:listening": [13, 16],
    "unix:datagrams": [15], "listen:@{abstract}": [14], "unix:@{abstract}": [14],
    "file:file": [20, 21], "file:{folder}/file": [20, 21], "file:deleted": [22], "file:./deleted": [22],
}


@pytest.mark.parametrize("text, numbers", FITS.items(), ids=str)
def test_what_fits(programs, full, text, numbers):
    fds = take(programs, "-p", full.words["pid"], "-M", text.format(**full.words))
    assert [identity(fd) for fd in fds] == [identity(full.fds[number]) for number in numbers]


@pytest.mark.parametrize("text", [
    "listen:1", "listen:127.0.0.1:{C}", "listen:0.0.0.0:{A}", "listen:[::1]:{A}", "listen:{D}", "listen:{client}",
    "tcp:{D}", "tcp:[::]:{B}", "udp:{A}", "listen:{folder}/datagrams", "listen:@listening", "listen:@{abstract}x",
    "unix:@{folder}/listening", "unix:nothing", "listen:/no/such/folder/socket"])
def test_no_socket_fits(programs, full, text):
    """It is said what sockets there are, with their numbers."""
    text, pid = text.format(**full.words), full.words["pid"]
    message = neither_takes(programs, ["-p", pid], text, f"{text}: process {pid} holds nothing that fits\nIt has:\n")
    lines = message.splitlines()[2:]
    assert [int(line.split()[0]) for line in lines] == [7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18]
    assert f"  7 tcp-listen 127.0.0.1:{full.words['A']}" in lines


@pytest.mark.parametrize("text", ["file:nothing", "file:{folder}", "file:/dev/full", "file:./listening", "file:file/"])
def test_no_file_fits(programs, full, text):
    message = neither_takes(programs, ["-p", full.words["pid"]], text.format(**full.words),
                            f"process {full.words['pid']} holds nothing that fits\nIt has:\n")
    assert [int(line.split()[0]) for line in message.splitlines()[2:]] == [0, 1, 2, 20, 21, 22, 23]
    assert f"  20 file {full.words['folder']}/file\n" in message and message.endswith("  23 eventfd\n")
    assert f"  22 file {full.words['folder']}/deleted (deleted)\n" in message


def test_what_there_is_is_listed_within_bounds(programs, hold):
    """Sixteen lines and how to see the rest."""
    made = bound(programs, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), listen=False)
    there = hold({number: made.fileno() for number in range(30, 80)})
    message = neither_takes(programs, ["-p", str(there.pid)], "listen:1", "holds nothing that fits")
    assert len(message.splitlines()) == 19
    assert message.endswith(f"  and 34 more: fdsend --list -p {there.pid}\n")


def test_there_is_nothing(programs, hold):
    there = hold()
    neither_takes(programs, ["-p", str(there.pid)], "listen", "holds nothing that fits\nIt has no sockets.\n")


def test_a_port_of_both_families(programs, hold):
    one = bound(programs, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    port = one.getsockname()[1]
    two = bound(programs, V6, socket.SOCK_STREAM, ("::1", port))
    there = hold({9: one.fileno(), 8: two.fileno()})
    fds = take(programs, "-p", str(there.pid), "-M", f"listen:{port}")
    assert [identity(fd) for fd in fds] == [identity(two.fileno()), identity(one.fileno())]


def test_several_descriptions_in_their_order(programs, full):
    words = full.words
    (programs.folder / "opened").touch()
    fds = take(programs, "-M", f"udp:{words['D']}", "-p", words["pid"], "-f", "22", "-M", f"tcp:{words['A']}", "--open",
               "opened", "-M", "file:file", "-M", f"listen:{words['A']}")
    opened = programs.own(os.open(programs.path("opened"), os.O_RDONLY | os.O_CLOEXEC))
    expected = [opened if number is None else full.fds[number] for number in (12, 22, 7, 10, None, 20, 21, 7)]
    assert [identity(fd) for fd in fds] == [identity(fd) for fd in expected]


def test_files_are_opened_again_and_sockets_shared(programs, full):
    os.lseek(full.fds[20], 3, os.SEEK_SET)
    again, written, shared = take(programs, "-p", full.words["pid"], "-M", "file:file", "-M",
                                  f"listen:{full.words['A']}")
    assert os.read(again, 10) == b"content" and os.lseek(full.fds[20], 0, os.SEEK_CUR) == 3
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(again, b"x")
    os.write(written, b"C")
    with socket.socket(fileno=os.dup(shared)) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    same, _ = take(programs, "-dp", full.words["pid"], "-M", "file:file")
    assert os.read(same, 10) == b"tent"


def test_mode_for_files_that_fit(programs, full):
    fds = take(programs, "-p", full.words["pid"], "-mw", "-M", "file:file", "-M", f"udp:{full.words['D']}")
    for fd in fds[:2]:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.read(fd, 1)
        os.write(fd, b"x")


def test_for_a_command(programs, full):
    words = full.words
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", words["pid"], "-l", f"tcp:{words['A']}", "-f", "20,9", "file:file", "-E",
                                      "ALL", "unix", "--run", *command, ready=None))
    report = read()
    found = {number: facts["identity"] for number, facts in report["fds"].items() if number > 2}
    assert report["environment"]["LISTEN_FDS"] == "2" and report["environment"]["ALL"] == "5,6,7,8"
    assert found == {target: identity(full.fds[number]) for target, number in
                     {3: 7, 4: 10, 20: 20, 9: 21, 5: 13, 6: 14, 7: 15, 8: 16}.items()}


def test_a_socket_that_was_renamed_or_removed(programs, hold):
    """By its inode under the new name, by its name when that is gone."""
    made = bound(programs, socket.AF_UNIX, socket.SOCK_STREAM, programs.path("old"))
    there = hold({7: made.fileno()})
    os.rename(programs.path("old"), programs.path("new"))
    for text in ("listen:./new", "listen:./old", f"unix:{programs.path('new')}"):
        fd, = take(programs, "-p", str(there.pid), "-M", text)
        assert identity(fd) == identity(made.fileno())
    os.unlink(programs.path("new"))
    fd, = take(programs, "-p", str(there.pid), "-M", "listen:./old")
    neither_takes(programs, ["-p", str(there.pid)], "listen:./new", "nothing that fits")


def test_a_socket_that_was_made_here(programs, hold):
    """Published under its name afterwards."""
    fd, = take(programs, "--listen", "unix:./made")
    there = hold({7: fd})
    again, = take(programs, "-p", str(there.pid), "-M", "listen:./made")
    assert identity(again) == identity(fd)
    os.unlink(programs.path("made"))


def test_a_process_with_very_much_open(programs, hold):
    count = min(10000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)
    made = bound(programs, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    port = made.getsockname()[1]

    def open_all():
        for _ in range(count // 2):
            os.dup(0)
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach()

    there = hold({7: made.fileno()}, open_all, limits=(count + 100, count + 100))
    for words in (["-p", str(there.pid), "-M", f"listen:{port}"], ["-p", str(there.pid), "-f", "7", "-d"]):
        start = time.monotonic()
        fd, = take(programs, *words)
        assert time.monotonic() - start < PROMPT
        assert identity(fd) == identity(made.fileno())


def test_a_process_that_is_busy(programs):
    """Descriptors come and go while it is looked at."""
    made = bound(programs, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))

    def churn():
        os.write(READY, b"\n")
        os.close(READY)
        while True:
            some = [socket.socket() for _ in range(50)]
            for one in some:
                one.close()

    there = programs.forked(churn, ready=READY, fds={60: made.fileno()}).wait_ready()
    for _ in range(20):
        fd, = take(programs, "-p", str(there.pid), "-M", f"listen:{made.getsockname()[1]}")
        assert identity(fd) == identity(made.fileno())
        programs.succeeds(programs.fdsend("--list", "-p", str(there.pid)))
    there.kill()


@pytest.mark.needs_root
def test_another_network(programs):
    """With its number, a process of another network is looked into as any other."""
    with network(programs) as inside:
        server = programs.start([*inside, "python3", "-I", "-c", "import socket, signal; s = socket.socket();"
                                 "s.bind(('127.0.0.1', 80)); s.listen(); print('on', flush=True); signal.pause()"])
        server.said("on", 1)
        fd, = take(programs, "-p", str(server.pid), "-M", "listen:127.0.0.1:80")
        with socket.socket(fileno=os.dup(fd)) as listener:
            assert listener.getsockname() == ("127.0.0.1", 80)
        neither_takes(programs, ["-p", "listen:127.0.0.1:80"], "listen:80", "no process holds that")
        server.kill()


def test_processes_that_come_and_go(programs):
    """Every process of the machine is looked into for that, and some end meanwhile: they do not count."""
    churns = [programs.shell("while :; do true & (true) & (true) & (true) & wait; done") for _ in range(3)]
    for _ in range(20):
        some = [programs.fdsend("--pidref", "file:/no/such") for _ in range(10)]
        for process in some:
            assert process.wait()[::2] == (1, "fdsend: file:/no/such: no process holds that; 'fdsend --list -p PID' "
                                           "shows what a process holds\n")
    for churn in churns:
        churn.kill()


# ------------------------------------------------------------------------------------ whose it is by that

@contextlib.contextmanager
def held_by(programs, shape):
    """A listening socket's port and the PIDs of those who hold it, as `shape` says: nested lists of 1 (holds it) and 0,
    each before its children."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()

        def grow(tree):
            holds, *children = tree
            for child in children:
                if os.fork() == 0:
                    grow(child)
            if not holds:
                os.close(7)
            os.write(READY, b"%d %d\n" % (os.getpid(), holds))
            os.close(READY)
            signal.pause()

        reader, writer = programs.pipe()
        roots = [programs.forked(lambda tree=tree: grow(tree), fds={7: made.fileno(), READY: writer}) for tree in shape]
        programs.close(writer)
        port = made.getsockname()[1]
    with os.fdopen(os.dup(reader)) as told:
        people = [tuple(map(int, line.split())) for line in told]
    yield str(port), [pid for pid, holds in people if holds]
    for pid, _ in people:
        os.kill(pid, signal.SIGKILL)
    for root in roots:
        root.wait()


def parent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return int(file.read().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("shape", [[[1]], [[1, [1], [1]]], [[1, [0, [1]], [1, [1]]]], [[0, [1, [1]]]]], ids=str)
def test_the_ancestor_of_all_who_hold_it(programs, shape):
    with held_by(programs, shape) as (port, pids):
        first = [pid for pid in pids if not {parent(pid), parent(parent(pid))} & set(pids)]
        assert len(first) == 1
        told = programs.succeeds(programs.fdsend("--pidref", f"listen:{port}"))
        assert told.split(":")[0] == str(first[0])
        fd, = take(programs, "-p", f"listen:{port}", "-M", f"listen:{port}")
        with socket.socket(fileno=os.dup(fd)) as listener:
            assert listener.getsockname()[1] == int(port)
        programs.close(fd)  # else this process is one who holds it
        receiver = programs.fdrecv("-v", "-p", f"listen:{port}", "-l", f"listen:{port}", "--run", "true", ready=None)
        assert receiver.wait().status == 0
        assert f"listen:{port}: process {first[0]}\n" in receiver.stderr


@pytest.mark.parametrize("shape", [[[1], [1]], [[0, [1], [1]]], [[1], [0, [1]]]], ids=str)
def test_several_without_an_ancestor(programs, shape):
    """All are told, with their names; nobody is chosen."""
    with held_by(programs, shape) as (port, pids):
        text = f"listen:{port}"
        message = neither_takes(programs, ["-p", text], text, f"{text}: several processes hold", "by its PID")
        for pid in pids:
            assert f"{pid} (" in message
        programs.fails(programs.fdsend("--pidref", f"listen:{port}"), 1, "several processes hold")
        programs.fails(programs.fdsend("--list", "-p", f"listen:{port}"), 1, "several processes hold")
        for pid in pids:
            take(programs, "-p", str(pid), "-M", f"listen:{port}")


def test_very_many_without_an_ancestor(programs):
    """One line, of bounded length, that says that it is not all."""
    with held_by(programs, [[0, *[[1]] * 60]]) as (port, _):
        message = programs.fails(programs.fdsend("--pidref", f"listen:{port}"), 1, "several processes hold", ", ...",
                                 "PID")
        assert message.count("\n") == 1 and len(message) < 600


def test_one_never_means_oneself(programs, hold):
    """What the program inherits itself does not count."""
    made = bound(programs, socket.AF_UNIX, socket.SOCK_STREAM, "\0" + programs.abstract())
    name = "listen:@" + made.getsockname()[1:].decode()
    there = hold({7: made.fileno()})
    reader, writer = programs.pipe()
    sender = programs.fdsend("--pidref", name, fds={9: made.fileno()}, barrier=reader)
    made.close()
    programs.close(writer, reader)
    assert programs.succeeds(sender).split(":")[0] == str(there.pid)
    with socket.socket(socket.AF_UNIX) as mine:
        mine.bind("\0" + programs.abstract())
        mine.listen()
        name = "listen:@" + mine.getsockname()[1:].decode()
        reader, writer = programs.pipe()
        waiting = programs.fdsend("--pidref", name, fds={9: mine.fileno()}, barrier=reader)
    programs.close(writer)
    programs.fails(waiting, 1, name, "no process holds that")


@pytest.mark.parametrize("text", ["listen:1", "udp:1", "tcp:127.0.0.1:1", "unix:/no/such", "listen:@nobody-has-this",
                                  "file:/no/such"])
def test_nobody_holds_it(programs, text):
    neither_takes(programs, ["-p", text], text, f"{text}: no process holds that", "fdsend --list -p PID")


def test_who_has_a_file_open(programs, hold):
    file = programs.file("file", "content")
    there = hold({7: file})
    programs.close(file)
    fd, = take(programs, "-p", "file:./file", "-f", "7")
    assert os.read(fd, 10) == b"content"
    programs.close(fd)
    os.unlink(programs.path("file"))
    told = programs.succeeds(programs.fdsend("--pidref", f"file:{programs.path('file')}"))
    assert told.split(":")[0] == str(there.pid)
