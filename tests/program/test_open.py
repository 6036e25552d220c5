# SPDX-License-Identifier: MIT
"""Opened here, given there: --open, --listen, --connect. The receiver is Python's unless it says otherwise."""

import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import stat

import pytest

import peers
from namespaces import AS_STRANGER, LINK_LOCAL, network, with_file
from processes import LONG, STRANGER, until
from programs import TRY_FDSEND, appears, identity

IS_ROOT = os.geteuid() == 0
V6 = socket.AF_INET6


class Given:
    """What fdsend gave: descriptors, and what it printed."""

    def __init__(self, fds, printed):
        self.fds, self.printed = fds, printed
        # As it came: Python's timeouts make it non-blocking.
        self.flags = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in fds]

    def __getitem__(self, index):
        return self.fds[index]

    def socket(self, index=0):
        """To be closed by the test; the descriptor is closed by itself at the end."""
        made = socket.socket(fileno=os.dup(self.fds[index]))
        made.settimeout(LONG)
        return made


@pytest.fixture
def give(programs):
    """Runs fdsend with these words until it has delivered."""
    def run(*words, **conditions):
        receiver = programs.closes(peers.Receiver(programs.path("receiver")))
        sender = programs.fdsend(*words, "./receiver", **conditions)
        select.select([receiver, sender.pidfd], [], [], LONG)
        assert receiver.connected(), sender.wait()
        _, _, fds = receiver.receive()
        printed = programs.succeeds(sender)
        receiver.disconnect()
        receiver.socket.close()
        os.unlink(receiver.address)
        return Given(fds, printed)
    return run


def option(made, level, name):
    return made.getsockopt(level, name)


def says_hello(listener, client):
    """A connection made by `client` comes out of `listener`."""
    accepted, _ = listener.accept()
    with accepted, client:
        client.sendall(b"hello")
        accepted.settimeout(LONG)
        assert accepted.recv(10) == b"hello"


# -------------------------------------------------------------------------------------------- order

def test_they_add_up_in_the_order_of_the_command_line(programs, give):
    inherited = [programs.file(name) for name in "xy"]
    for name in "ab":
        (programs.folder / name).write_text(name)
    with peers.Receiver(programs.path("there")).socket as there:
        given = give("--open", "a", "-f", "7", "--listen", "tcp4:127.0.0.1:0", "-f8,7", "--open=b",
                     "--connect", "unix:./there", fds={7: inherited[0], 8: inherited[1]})
        os.unlink(programs.path("there"))
        says_hello(there, given.socket(6))
    assert [os.read(given[index], 9) for index in (0, 5)] == [b"a", b"b"]
    assert [identity(given[index]) for index in (1, 3, 4)] == [identity(inherited[index]) for index in (0, 1, 0)]
    with given.socket(2) as listener:
        assert given.printed == "tcp:127.0.0.1:%d\n" % listener.getsockname()[1]
        says_hello(listener, socket.create_connection(listener.getsockname()))


def test_ours_on_both_ends(programs):
    (programs.folder / "file").write_text("content")
    command, read = programs.listing()
    receiver = programs.fdrecv("-f", "5,4,3", "./socket", "--run", *command)
    programs.succeeds(programs.fdsend("--open", "file", "--listen", "tcp4:127.0.0.1:0", "-f", "0", "./socket",
                                      fds={1: programs.file("out")}), receiver)
    fds = read()["fds"]
    assert fds[5]["identity"] == [os.stat(programs.path("file")).st_dev, os.stat(programs.path("file")).st_ino]
    assert fds[4]["link"].startswith("socket:")
    assert fds[3]["link"] == "/dev/null"
    assert not (fds[5]["flags"] | fds[4]["flags"]) & os.O_NONBLOCK
    assert (programs.folder / "out").read_text().startswith("tcp:127.0.0.1:")


def test_a_whole_message_of_all_kinds(give):
    assert len(give(*["--open", "/dev/null"] * 200, *["-f", "0"] * 53).fds) == 253


def test_numbers_are_checked_before_anything_is_opened(programs):
    """An opened file must not be taken for the inherited number that is missing."""
    programs.fails(programs.fdsend("--open", "/dev/null", "--listen", "unix:./made", "-f", "3", "./socket"), 1,
                   "descriptor 3 is not open")
    assert not os.path.lexists(programs.path("made"))


def connects(path):
    """It is bound under its own name, and listens a moment later."""
    def once():
        try:
            return peers.connect(path)
        except ConnectionRefusedError:
            return None
    return until(once, f"{path} listens")


def test_all_is_opened_before_anybody_is_waited_for(programs):
    """Clients can come while there is no receiver yet."""
    sender = programs.fdsend("-b", "--listen", "unix:./made", "./receiver")
    appears(programs.path("made"))
    client = connects(programs.path("made"))
    assert sender.alive()
    receiver = programs.closes(peers.Receiver(programs.path("receiver")))
    _, _, (fd,) = receiver.receive()
    programs.succeeds(sender)
    says_hello(socket.socket(fileno=os.dup(fd)), client)
    os.unlink(programs.path("made"))


# -------------------------------------------------------------------------------------------- files

MODES = [([], os.O_RDONLY), (["--mode", "r"], os.O_RDONLY), (["--mode=w"], os.O_WRONLY), (["-m", "r+"], os.O_RDWR),
         (["-mr", "-m", "w"], os.O_WRONLY)]


@pytest.mark.parametrize("words, access", MODES, ids=str)
def test_open_modes(programs, give, words, access):
    """The last mode holds for every file, wherever it stands."""
    for name in ("one", "two"):
        (programs.folder / name).write_text("content")
    given = give("--open", "one", *words, "--open", "./two")
    for index, name in enumerate(("one", "two")):
        assert given.flags[index] & ~0o100000 == access  # O_LARGEFILE
        assert identity(given[index]) == [os.stat(programs.path(name)).st_dev, os.stat(programs.path(name)).st_ino]
        assert (programs.folder / name).read_text() == "content"  # not truncated


@pytest.mark.parametrize("words, texts", [
    (["--mode", "r", "-f", "0"], ["--mode", "--open"]),
    (["-m", "w", "--listen", "tcp4:127.0.0.1:0"], ["--mode", "--open"]),
    (["--mode", "rw", "--open", "/dev/null"], ["--mode", "rw"]),
    (["--mode=", "--open", "/dev/null"], ["--mode"]),
    (["--open"], ["--open"]),
    (["--backlog", "0", "--listen", "tcp:0"], ["--backlog", "'0'"]),
    (["--backlog", "-1", "--listen", "tcp:0"], ["--backlog", "'-1'"]),
    (["--backlog", "99999999999", "--listen", "tcp:0"], ["--backlog", "99999999999"]),
    (["--socket-mode", "8", "--listen", "unix:./x"], ["--socket-mode", "'8'"]),
    (["--socket-mode", "", "--listen", "unix:./x"], ["--socket-mode", "''"]),
    (["--socket-mode", "1777", "--listen", "unix:./x"], ["--socket-mode", "1777"]),
    (["--socket-mode", "u=rw", "--listen", "unix:./x"], ["--socket-mode", "u=rw"]),
    (["--socket-owner", "no-such-user", "--listen", "unix:./x"], ["--socket-owner", "no-such-user"]),
    (["--socket-owner", "root:no-such-group", "--listen", "unix:./x"], ["--socket-owner", "no-such-group"]),
    (["./more", "--open", "/dev/null"], ["./socket"]),
    ([], ["nothing to send", "--open"]),
    (["-a", "-c", "--open", "/dev/null"], ["-c"]),
])
def test_wrong_usage(programs, words, texts):
    programs.fails(programs.fdsend(*words, *(["./socket"] if words[-1:] != ["--open"] else [])), 2, "fdsend: ", TRY_FDSEND,
                   *texts if words[:1] != ["./more"] else [])
    assert not os.path.lexists(programs.path("x"))


@pytest.mark.parametrize("words, text", [
    (["--open", "missing"], "No such file"),
    (["--mode=w", "--open", "missing"], "No such file"),
    (["--mode=r+", "--open", "."], "Is a directory"),
    (["--open", "/dev/null/x"], "Not a directory"),
    (["--open", "x" * 300], "too long"),
    (["--open", ""], "No such file"),
])
def test_open_fails(programs, words, text):
    programs.fails(programs.fdsend(*words, "./socket"), 1, "fdsend: --open ", words[-1], text)
    assert not os.path.lexists(programs.path("missing"))


def test_open_without_permission(programs):
    folder = programs.public_folder() if IS_ROOT else programs.folder
    (folder / "secret").touch(mode=0o600 if IS_ROOT else 0)
    sender = programs.fdsend("--open", folder / "secret", "./socket", cwd=folder,
                             user=STRANGER if IS_ROOT else None)
    programs.fails(sender, 1, "fdsend: --open ", str(folder / "secret"), "Permission denied")


def test_open_waits_for_no_other_end_of_a_fifo(programs, give):
    os.mkfifo(programs.path("fifo"))
    assert give("--open", "fifo").flags[0] & (os.O_NONBLOCK | os.O_ACCMODE) == os.O_RDONLY
    assert give("-mr+", "--open", "fifo").flags[0] & (os.O_NONBLOCK | os.O_ACCMODE) == os.O_RDWR


def test_open_a_fifo_to_write_that_nobody_reads(programs):
    os.mkfifo(programs.path("fifo"))
    programs.fails(programs.fdsend("-mw", "--open", "fifo", "./socket"), 1, "--open fifo", "reads this FIFO")


def test_open_takes_any_name(programs, give):
    for name in ("-x", "tcp:80", "  ", "\n"):
        (programs.folder / name).write_text(name)
        assert os.read(give("--open", name)[0], 10) == name.encode()
    assert stat.S_ISDIR(os.fstat(give("--open", ".")[0]).st_mode)


# ---------------------------------------------------------------------------------------- listening

LISTENING = [
    ("tcp:127.0.0.1:0", r"tcp:127\.0\.0\.1:\d+", socket.AF_INET, socket.SOCK_STREAM, 0),
    ("tcp:[127.0.0.1]:0", r"tcp:127\.0\.0\.1:\d+", socket.AF_INET, socket.SOCK_STREAM, 0),
    ("tcp:localhost:0", r"tcp:\S+:\d+", None, socket.SOCK_STREAM, 0),
    ("tcp4:0", r"tcp:0\.0\.0\.0:\d+", socket.AF_INET, socket.SOCK_STREAM, 0),
    ("tcp4:[localhost]:0", r"tcp:127\.0\.0\.1:\d+", socket.AF_INET, socket.SOCK_STREAM, 0),
    ("tcp:0", r"tcp:\[::\]:\d+", V6, socket.SOCK_STREAM, 0),
    ("tcp:[::]:0", r"tcp:\[::\]:\d+", V6, socket.SOCK_STREAM, 0),
    ("tcp:[::1]:0", r"tcp:\[::1\]:\d+", V6, socket.SOCK_STREAM, 1),
    ("tcp6:0", r"tcp:\[::\]:\d+", V6, socket.SOCK_STREAM, 1),
    ("tcp6:[::1]:00", r"tcp:\[::1\]:\d+", V6, socket.SOCK_STREAM, 1),
    ("udp:127.0.0.1:0", r"udp:127\.0\.0\.1:\d+", socket.AF_INET, socket.SOCK_DGRAM, 0),
    ("udp4:0", r"udp:0\.0\.0\.0:\d+", socket.AF_INET, socket.SOCK_DGRAM, 0),
    ("udp6:0", r"udp:\[::\]:\d+", V6, socket.SOCK_DGRAM, 1),
    ("udp:[::1]:0", r"udp:\[::1\]:\d+", V6, socket.SOCK_DGRAM, 1),
]


@pytest.mark.parametrize("address, printed, family, kind, only", LISTENING, ids=lambda value: str(value)[:20])
def test_listen(give, address, printed, family, kind, only):
    """As servers expect it; and what was printed is an ADDR to connect to."""
    given = give("--listen", address)
    assert re.fullmatch(printed + "\n", given.printed)
    with given.socket() as made:
        assert made.family == family or family is None
        assert made.type == kind
        assert made.getsockname()[1] == int(given.printed.rpartition(":")[2]) > 0
        assert option(made, socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == (kind == socket.SOCK_STREAM)
        assert option(made, socket.SOL_SOCKET, socket.SO_REUSEADDR) == (kind == socket.SOCK_STREAM)
        assert option(made, socket.SOL_SOCKET, socket.SO_REUSEPORT) == 0
        # With an address of its own, IPv6 is all there can be, and the kernel says so.
        assert made.family != V6 or made.getsockname()[0] != "::" \
            or option(made, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == only
        assert not given.flags[0] & os.O_NONBLOCK
        other = give("--connect", given.printed.strip())
        if kind == socket.SOCK_STREAM:
            says_hello(made, other.socket())
        else:
            with other.socket() as client:
                client.send(b"hello")
                assert made.recv(10) == b"hello"


def test_tcp_without_a_host_serves_both_families(give):
    with give("--listen", "tcp:0").socket() as made:
        port = made.getsockname()[1]
        says_hello(made, socket.create_connection(("127.0.0.1", port)))
        says_hello(made, socket.create_connection(("::1", port)))


def test_several_port_zeros_are_printed_in_order(give):
    given = give("--listen", "tcp4:127.0.0.1:0", "--listen", "udp4:127.0.0.1:0", "--listen", "tcp4:127.0.0.1:0")
    expected = []
    for index, scheme in enumerate(("tcp", "udp", "tcp")):
        with given.socket(index) as made:
            expected.append("%s:127.0.0.1:%d\n" % (scheme, made.getsockname()[1]))
    assert given.printed == "".join(expected)


def test_a_given_port_is_not_printed(give):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    given = give("--listen", f"tcp:127.0.0.1:{port}")
    assert given.printed == ""
    with given.socket() as made:
        assert made.getsockname() == ("127.0.0.1", port)


def test_a_port_in_time_wait_is_taken(give):
    """As after the restart of a server that has closed its connections."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        port = server.getsockname()[1]
        accepted.close()
        assert client.recv(1) == b""
    give("--listen", f"tcp:127.0.0.1:{port}")


def test_reuseport(programs, give):
    first = give("--reuseport", "--listen", "tcp4:127.0.0.1:0", "--listen", "udp4:127.0.0.1:0")
    addresses = first.printed.split()
    second = give("--listen", addresses[0], "--listen", addresses[1], "--reuseport")
    for given in (first, second):
        for index in (0, 1):
            with given.socket(index) as made:
                assert option(made, socket.SOL_SOCKET, socket.SO_REUSEPORT) == 1
    for address in addresses:
        programs.fails(programs.fdsend("--listen", address, "./socket"), 1, address, "in use")


@pytest.mark.parametrize("backlog", [1, 7])
def test_backlog(programs, give, backlog):
    programs.leaves(programs.path("made"))
    give("--backlog", str(backlog), "--listen", "unix:./made")
    waiting = peers.fill(programs.path("made"))
    assert len(waiting) == backlog + 1  # the kernel's way to count
    for client in waiting:
        client.close()


UNIX = [("unix:./made", socket.SOCK_STREAM), ("unix:made", socket.SOCK_STREAM), ("unix-dgram:./made", socket.SOCK_DGRAM),
        ("unix-seqpacket:./made", socket.SOCK_SEQPACKET)]


@pytest.mark.parametrize("umask", [0, 0o777, 0o022])
@pytest.mark.parametrize("address, kind", UNIX)
def test_listen_unix(programs, give, address, kind, umask):
    """0600 and the caller's, whatever the umask, and it stays; nothing is printed."""
    given = give("--listen", address, umask=umask)
    status = os.lstat(programs.path("made"))
    assert stat.S_ISSOCK(status.st_mode) and status.st_mode & 0o7777 == 0o600
    assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
    assert given.printed == ""
    with given.socket() as made, socket.socket(socket.AF_UNIX, kind) as client:
        assert made.type == kind
        assert made.getsockname() == address.partition(":")[2]
        assert option(made, socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == (kind != socket.SOCK_DGRAM)
        assert not given.flags[0] & os.O_NONBLOCK
        # A server of credentials has to ask for them itself: nothing of a receiver's is left on it.
        assert option(made, socket.SOL_SOCKET, socket.SO_PASSCRED) == 0
        client.connect(programs.path("made"))
        if kind == socket.SOCK_DGRAM:
            client.send(b"hello")
            assert made.recv(10) == b"hello"
        else:
            says_hello(made, client)
    os.unlink(programs.path("made"))


@pytest.mark.parametrize("mode", ["660", "0666", "0", "777"])
def test_socket_mode(programs, give, mode):
    programs.leaves(programs.path("made"))
    give("--socket-mode", mode, "--listen", "unix:./made", umask=0o077)
    assert os.lstat(programs.path("made")).st_mode & 0o7777 == int(mode, 8)


def test_socket_owner_of_ones_own(programs, give):
    programs.leaves(programs.path("made"))
    for owner in (f"{os.geteuid()}:{os.getegid()}", str(os.geteuid()), f":{os.getegid()}"):
        if os.path.lexists(programs.path("made")):
            os.unlink(programs.path("made"))
        give("--socket-owner", owner, "--listen", "unix:./made")
        assert (os.lstat(programs.path("made")).st_uid, os.lstat(programs.path("made")).st_gid) \
            == (os.geteuid(), os.getegid())


@pytest.mark.needs_root
@pytest.mark.parametrize("owner, expected", [("nobody", (STRANGER, 0)), (f"{STRANGER}:{STRANGER}", (STRANGER, STRANGER)),
                                             (f":{STRANGER}", (0, STRANGER))])
def test_socket_owner(programs, give, owner, expected):
    """The mode is still what was asked for, and never wider: a group may come with it."""
    programs.leaves(programs.path("made"))
    give("--socket-owner", owner, "--socket-mode", "660", "--listen", "unix:./made")
    status = os.lstat(programs.path("made"))
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (*expected, 0o660)


@pytest.mark.needs_root
def test_socket_owner_needs_root(programs):
    folder = programs.stranger_folder()
    sender = programs.fdsend("--socket-owner", "root", "--listen", "unix:./made", "./socket", cwd=folder, user=STRANGER)
    programs.fails(sender, 1, "--listen unix:./made", "owner")
    assert os.listdir(folder) == []


def test_listen_long_path(programs, give):
    folder = programs.folder / ("d" * 120)
    folder.mkdir()
    given = give("--listen", f"unix:{folder}/made")
    says_hello(given.socket(), peers.connect(folder / "made"))
    other = give("--connect", f"unix:{folder}/made")
    says_hello(given.socket(), other.socket())
    os.unlink(folder / "made")


@pytest.mark.parametrize("name", ["x:0", "0", "127.0.0.1:0"])
def test_a_unix_name_that_looks_like_port_zero(programs, give, name):
    given = give("--listen", f"unix:./{name}")
    assert given.printed == ""
    os.unlink(programs.path(name))
    assert give("--listen", f"unix-abstract:{programs.abstract()}:0").printed == ""


def test_listen_abstract(programs, give):
    name = programs.abstract()
    given = give("--listen", "unix-abstract:" + name)
    says_hello(given.socket(), peers.connect("@" + name))
    says_hello(given.socket(), give("--connect", "unix-abstract:" + name).socket())
    programs.fails(programs.fdsend("--listen", "unix-abstract:" + name, "./socket"), 1,
                   "--listen unix-abstract:" + name, "in use")


def test_listen_replaces_what_is_stale(programs, give):
    peers.stale(programs.path("made"))
    given = give("--listen", "unix:./made")
    says_hello(given.socket(), peers.connect(programs.path("made")))
    os.unlink(programs.path("made"))


def test_listen_leaves_what_is_live(programs):
    with peers.Receiver(programs.path("made")).socket as live:
        programs.fails(programs.fdsend("--listen", "unix:./made", "./socket"), 1, "--listen unix:./made", "in use",
                       str(os.getpid()))
        says_hello(live, peers.connect(programs.path("made")))
    os.unlink(programs.path("made"))
    (programs.folder / "made").write_text("content")
    programs.fails(programs.fdsend("--listen", "unix:./made", "./socket"), 1, "--listen unix:./made", "not a socket")
    assert (programs.folder / "made").read_text() == "content"


# ----------------------------------------------------------------- what a failed handover leaves behind

def failing(programs, *words, **conditions):
    return programs.fdsend("--listen", "unix:./made", *words, **conditions)


def nothing_is_left(programs):
    assert [name for name in os.listdir(programs.folder) if "made" in name or name.startswith(".fdpass")] == []


def test_no_receiver_no_socket(programs):
    programs.fails(failing(programs, "./receiver"), 1, "receiver")
    nothing_is_left(programs)


def test_refused_no_socket(programs):
    receiver = programs.fdrecv("-f", "0,1", "./receiver", "--run", "true")
    programs.fails(failing(programs, "./receiver"), 1, "2 descriptors are wanted")
    nothing_is_left(programs)
    receiver.signal(signal.SIGTERM)
    receiver.wait()


def test_late_no_socket(programs):
    programs.fails(failing(programs, "-b", "-t", "0.2", "./receiver"), 124, "receiver")
    nothing_is_left(programs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE])
def test_interrupted_no_socket(programs, number):
    sender = failing(programs, "-b", "./receiver")
    appears(programs.path("made"))
    sender.settle().signal(number)
    assert sender.wait() == (-number, "", "")
    nothing_is_left(programs)


@pytest.mark.parametrize("words", [["--open", "missing"], ["--connect", "unix:./missing"],
                                   ["--listen", "tcp:127.0.0.1:no-such-service"]])
def test_another_source_fails_no_socket(programs, words):
    programs.fails(failing(programs, *words, "./receiver"), 1, " ".join(words))
    nothing_is_left(programs)


def test_address_cannot_be_printed_no_socket(programs):
    """Nobody reads stdout: that is a failure, and not a death that cleans nothing up."""
    reader, writer = programs.pipe()
    programs.close(reader)
    result = failing(programs, "--listen", "tcp4:127.0.0.1:0", "./receiver", fds={1: writer}).wait()
    assert result.status in (1, -signal.SIGPIPE)
    nothing_is_left(programs)
    programs.fails(failing(programs, "--listen", "tcp4:127.0.0.1:0", "./receiver", fds={1: None}), 1, "stdout")
    nothing_is_left(programs)


def test_nobody_takes_the_address_no_socket(programs):
    """A full pipe is waited for within the deadline, and until a signal comes."""
    _, writer = programs.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass
    os.set_blocking(writer, True)
    words = ["--listen", "tcp4:127.0.0.1:0", "./receiver"]
    programs.fails(failing(programs, "-t", "0.2", *words, fds={1: writer}), 124, "--listen tcp4:127.0.0.1:0: ", "stdout")
    nothing_is_left(programs)
    sender = failing(programs, *words, fds={1: writer}).settle()
    sender.signal(signal.SIGTERM)
    assert sender.wait() == (-signal.SIGTERM, "", "")
    nothing_is_left(programs)


def test_somebody_elses_socket_stays(programs):
    """The name was taken over meanwhile: only our own inode is removed."""
    sender = failing(programs, "-b", "./receiver")
    appears(programs.path("made"))
    os.unlink(programs.path("made"))
    with peers.Receiver(programs.path("made")).socket as other:
        sender.settle().signal(signal.SIGTERM)
        assert sender.wait().status == -signal.SIGTERM
        says_hello(other, peers.connect(programs.path("made")))
    os.unlink(programs.path("made"))


# --------------------------------------------------------------------------------------- connecting

@pytest.mark.parametrize("host", ["127.0.0.1", "[127.0.0.1]", "localhost", "[localhost]", ""])
@pytest.mark.parametrize("scheme", ["tcp", "tcp4"])
def test_connect(give, scheme, host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = give("--connect", f"{scheme}:{host}{':' if host else ''}{server.getsockname()[1]}")
        assert given.printed == "" and not given.flags[0] & os.O_NONBLOCK
        says_hello(server, given.socket())


@pytest.mark.parametrize("scheme", ["tcp", "tcp6"])
@pytest.mark.parametrize("host", ["[::1]:", ""])
def test_connect_ipv6(give, scheme, host):
    with socket.create_server(("::1", 0), family=V6) as server:
        says_hello(server, give("--connect", f"{scheme}:{host}{server.getsockname()[1]}").socket())


def test_connect_udp(give):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(LONG)
        with give("--connect", "udp:127.0.0.1:%d" % server.getsockname()[1]).socket() as client:
            client.send(b"hello")
            assert server.recv(10) == b"hello"


@pytest.mark.parametrize("scheme, kind", [("unix", socket.SOCK_STREAM), ("unix-dgram", socket.SOCK_DGRAM),
                                          ("unix-seqpacket", socket.SOCK_SEQPACKET)])
def test_connect_unix(programs, give, scheme, kind):
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(programs.path("there"))
        server.settimeout(LONG)
        if kind != socket.SOCK_DGRAM:
            server.listen()
        given = give("--connect", scheme + ":./there")
        assert not given.flags[0] & os.O_NONBLOCK
        if kind == socket.SOCK_DGRAM:
            with given.socket() as client:
                client.send(b"hello")
            assert server.recv(10) == b"hello"
        else:
            says_hello(server, given.socket())
    os.unlink(programs.path("there"))


# ----------------------------------------------------------------------------------------- failures

@pytest.mark.parametrize("option", ["--listen", "--connect"])
@pytest.mark.parametrize("address, text", [
    ("tcp:127.0.0.1:70000", "65535"), ("tcp:70000", "65535"), ("http:80", "tcp:"), ("80", "tcp:"), ("", "tcp:"),
    ("/run/x", "unix:"), ("TCP:80", "tcp:"), ("tcp:", "port"), ("tcp:localhost:", "port"), ("tcp::80", "host"),
    ("tcp:::1:80", "brackets"), ("tcp:[::1]80", "']:'"), ("tcp:[::1", "']:'"), ("tcp:[]:80", "host"),
    ("tcp:80:90:100", "colons"), ("tcp:-1", "number"), ("unix:", "empty"), ("unix:./", "directory"),
    ("unix-abstract:" + "x" * 108, "107"), ("unix-stream:x", "unix:"),
])
def test_malformed_address(programs, option, address, text):
    programs.fails(programs.fdsend(option, address, "./socket"), 2, f"fdsend: {option}: '{address}': ", text, TRY_FDSEND)


def failure(programs, status, option, address, *texts, before=(), **conditions):
    """The message names the option and the address."""
    sender = programs.start([*before, programs.fdsend_path, "-t", "20", option, address, "./receiver"], **conditions)
    return programs.fails(sender, status, f"fdsend: {option} {address}: ", *texts)


@pytest.mark.parametrize("kind, scheme", [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")])
def test_listen_in_use(programs, kind, scheme):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        failure(programs, 1, "--listen", f"{scheme}:127.0.0.1:{port}", "in use")
        failure(programs, 1, "--listen", f"{scheme}:{port}", "in use")  # not only for IPv6, then


@pytest.mark.parametrize("option, address, texts", [
    ("--connect", "tcp:127.0.0.1:no-such-service", ["service: no such port; an address is written [HOST:]PORT"]),
    ("--listen", "tcp:127.0.0.1", ["an address is written [HOST:]PORT"]),
    ("--listen", "tcp:127.0.0.1:no-such-service", ["service"]),
    ("--listen", "tcp6:127.0.0.1:80", ["host"]),
    ("--listen", "tcp:192.0.2.1:0", ["no such address"]),
    ("--connect", "unix:./nobody", ["No such file"]),
    ("--connect", "unix-abstract:fdpass-test-nobody", ["nobody listens there"]),
    ("--listen", "unix:./missing/x", ["No such file"]),
    ("--listen", "unix:/proc/x", []),
])
def test_fails(programs, option, address, texts):
    failure(programs, 1, option, address, *texts)


def test_connect_refused(programs):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        failure(programs, 1, "--connect", "tcp:127.0.0.1:%d" % bound.getsockname()[1], "nobody listens there")
    peers.stale(programs.path("stale"))
    failure(programs, 1, "--connect", "unix:./stale", "nobody listens there")
    os.unlink(programs.path("stale"))


def test_connect_to_another_type(programs):
    with peers.Receiver(programs.path("there")).socket:
        failure(programs, 1, "--connect", "unix-dgram:./there", "wrong type")
    os.unlink(programs.path("there"))


def test_listen_where_nothing_may_be_made(programs):
    folder = programs.public_folder() if IS_ROOT else programs.folder
    (folder / "closed").mkdir(mode=0o555)
    failure(programs, 1, "--listen", "unix:./closed/made", "not allowed", cwd=folder, user=STRANGER if IS_ROOT else None)


def full(programs, family):
    """A listener whose queue is full, and its address; connecting to it takes for ever."""
    if family == socket.AF_UNIX:
        receiver = programs.closes(peers.Receiver(programs.path("full"), backlog=1))
        for client in peers.fill(programs.path("full")):
            programs.closes(client)
        del receiver
        return "unix:./full"
    server = programs.closes(socket.socket())
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    for _ in range(4):  # more than fit: the rest never gets an answer
        client = programs.closes(socket.socket())
        client.setblocking(False)
        client.connect_ex(server.getsockname())
    return "tcp:127.0.0.1:%d" % server.getsockname()[1]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_connect_within_the_deadline(programs, family):
    address = full(programs, family)
    sender = programs.fdsend("-t", "0.5", "--connect", address, "./receiver")
    programs.fails(sender, 124, f"fdsend: --connect {address}: the time ran out")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_connect_ends_on_a_signal(programs, family):
    sender = programs.fdsend("--connect", full(programs, family), "./receiver")
    if family == socket.AF_INET:
        sender.settle()
    sender.signal(signal.SIGTERM)
    assert sender.wait() == (-signal.SIGTERM, "", "")


def test_one_deadline_for_all(programs):
    """What the receiver gets of the time is what opening has left."""
    sender = programs.fdsend("-b", "-t", "0.3", "--listen", "tcp4:127.0.0.1:0", "./receiver")
    assert "receiver" in programs.fails(sender, 124, "receiver")


# -------------------------------------------------------------------- as root, and in other namespaces

HTTP = """
import socket
server = socket.socket(fileno=3)
client, _ = server.accept()
client.sendall(b"from a process of user %d" % __import__("os").getuid())
"""


@pytest.fixture
def meeting(programs):
    """A network, a folder of the stranger's, and how to start programs there."""
    folder = programs.stranger_folder()

    def start(argv, as_stranger=False, **conditions):
        return programs.start([*prefix, *(AS_STRANGER if as_stranger else []), *argv], cwd=folder, **conditions)

    with network(programs) as prefix:
        yield start


def ask(start):
    return start(["python3", "-I", "-c", "import socket\n"
                  "with socket.create_connection(('127.0.0.1', 80)) as s: print(s.makefile().read())"])


@pytest.mark.needs_root
def test_port_80_for_an_unprivileged_server(programs, meeting):
    receiver = meeting([programs.fdrecv_path, "-f", "3", "./server", "--run", "python3", "-I", "-c", HTTP], True)
    sender = meeting([programs.fdsend_path, "-b", "--to-user", "nobody", "--listen", "tcp:127.0.0.1:80", "./server"])
    programs.succeeds(sender)
    assert programs.succeeds(ask(meeting)) == f"from a process of user {STRANGER}\n"
    programs.succeeds(receiver)


@pytest.mark.needs_root
def test_port_80_is_not_given_to_somebody_who_was_not_named(programs, meeting):
    receiver = meeting([programs.fdrecv_path, "--ready-fd", "9", "-v", "-f", "3", "./server", "--run", "true"], True,
                       ready=9)
    receiver.wait_ready()
    sender = meeting([programs.fdsend_path, "--listen", "tcp:127.0.0.1:80", "./server"])
    programs.fails(sender, 1, "./server", str(STRANGER), "--to-user", "Nothing was given")
    assert receiver.alive() and "received" not in receiver.stderr
    assert "refused" in programs.fails(ask(meeting), 1)  # and it is closed again
    programs.succeeds(meeting([programs.fdsend_path, "-f", "0", "--to-user", "nobody", "./server"]))
    assert receiver.wait().status == 0


@pytest.mark.needs_root
def test_port_80_needs_root(programs, meeting):
    sender = meeting([programs.fdsend_path, "--listen", "tcp:80", "./server"], True)
    programs.fails(sender, 1, "fdsend: --listen tcp:80: ", "Permission denied", "root")


@pytest.mark.needs_root
def test_no_route(programs, meeting):
    sender = meeting([programs.fdsend_path, "--connect", "tcp:192.0.2.1:80", "./server"])
    programs.fails(sender, 1, "fdsend: --connect tcp:192.0.2.1:80: ", "unreachable")


@pytest.mark.needs_root
def test_a_file_of_roots_for_another_user(programs):
    folder = programs.stranger_folder()
    (programs.folder / "secret").write_text("secret")
    (programs.folder / "secret").chmod(0o600)
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat", user=STRANGER, cwd=folder)
    words = ["--open", programs.folder / "secret", "./socket"]
    programs.fails(programs.fdsend(*words, cwd=folder), 1, "--to-user", "Nothing was given")
    programs.succeeds(programs.fdsend("--to-user", "nobody", *words, cwd=folder))
    assert programs.succeeds(receiver) == "secret"


@pytest.mark.needs_root
@pytest.mark.needs_mounts
def test_unresolvable(programs):
    with_hosts = with_file(programs, "/etc/nsswitch.conf", "hosts: files\n")
    for option in ("--connect", "--listen"):
        failure(programs, 1, option, "tcp:no-such-host.invalid:80", "no such host", before=with_hosts)


@pytest.mark.needs_root
@pytest.mark.parametrize("option, server", [("--connect", "127.53.53.1"), ("--listen", "127.53.53.2")])
@pytest.mark.needs_mounts
def test_a_name_server_that_does_not_answer(programs, option, server):
    """getaddrinfo() would take its time."""
    silent = programs.closes(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    silent.bind((server, 53))
    before = [*with_file(programs, "/etc/resolv.conf", f"nameserver {server}\noptions timeout:20\n"),
              *with_file(programs, "/etc/nsswitch.conf", "hosts: files dns\n")]
    address = "tcp:host.invalid:80"
    sender = programs.start([*before, programs.fdsend_path, "-t", "0.5", option, address, "./socket"])
    programs.fails(sender, 124, f"fdsend: {option} {address}: the time ran out")
    assert select.select([silent], [], [], 0)[0]  # it was asked
    sender = programs.start([*before, programs.fdsend_path, option, address, "./socket"])
    silent.settimeout(LONG)
    while not silent.recv(1000):
        pass
    sender.settle().signal(signal.SIGTERM)
    assert sender.wait() == (-signal.SIGTERM, "", "")


@pytest.mark.needs_root
@pytest.mark.needs_mounts
def test_connect_tries_every_address_of_a_name(programs):
    """One that does not answer, one that refuses, and one that is good."""
    silent = programs.closes(socket.socket())
    silent.bind(("127.0.0.2", 0))
    port = silent.getsockname()[1]
    silent.listen(0)
    for _ in range(4):
        client = programs.closes(socket.socket())
        client.setblocking(False)
        client.connect_ex(("127.0.0.2", port))
    hosts = "127.0.0.2 many\n127.0.0.3 many\n127.0.0.4 many\n"
    before = with_file(programs, "/etc/hosts", hosts)
    receiver = programs.closes(peers.Receiver(programs.path("receiver")))
    with socket.create_server(("127.0.0.4", port)) as good:
        sender = programs.start([*before, programs.fdsend_path, "-t", "20", "--connect", f"tcp:many:{port}", "./receiver"])
        _, _, (fd,) = receiver.receive()
        programs.succeeds(sender)
        says_hello(good, socket.socket(fileno=os.dup(fd)))
    silent.close()
    failure(programs, 1, "--connect", f"tcp:many:{port}", "nobody listens there", before=before)


@pytest.mark.needs_root
@pytest.mark.needs_mounts
def test_listen_at_a_name_with_several_addresses(programs):
    """The first that this machine has; one that is taken is an error, and not a reason to go elsewhere."""
    before = with_file(programs, "/etc/hosts", "192.0.2.1 many\n127.0.0.2 many\n127.0.0.3 many\n")
    receiver = programs.closes(peers.Receiver(programs.path("receiver")))
    sender = programs.start([*before, programs.fdsend_path, "--listen", "tcp:many:0", "./receiver"])
    _, _, (fd,) = receiver.receive()
    assert programs.succeeds(sender).startswith("tcp:127.0.0.2:")
    with socket.socket(fileno=os.dup(fd)) as made:
        failure(programs, 1, "--listen", "tcp:many:%d" % made.getsockname()[1], "in use", before=before)


@pytest.mark.needs_root
def test_link_local_address(programs, meeting):
    """What is printed names the link: without it nobody could connect to it."""
    listener = meeting([programs.fdrecv_path, "-f", "3", "./listener", "--run", "python3", "-I", "-c", HTTP])
    sender = meeting([programs.fdsend_path, "-b", "--listen", f"tcp:[{LINK_LOCAL}%lo]:0", "./listener"])
    address = programs.succeeds(sender).strip()
    assert re.fullmatch(rf"tcp:\[{LINK_LOCAL}%\d+\]:\d+", address)
    client = meeting([programs.fdrecv_path, "-f", "0", "./client", "--run", "cat"])
    programs.succeeds(meeting([programs.fdsend_path, "-b", "--connect", address, "./client"]))
    assert programs.succeeds(client) == f"from a process of user {os.geteuid()}"
    programs.succeeds(listener)
