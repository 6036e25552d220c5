# SPDX-License-Identifier: MIT
"""Rogue, idle, malformed and foreign peers: they get nothing, and end or block nobody's wait."""

import os
import socket

import pytest

import peers
from processes import STRANGER
from programs import identity

OTHER = "daemon"  # a user that runs neither the tests nor root
SILENT = 200  # more than there is room for


@pytest.fixture
def receiver(programs):
    return programs.fdrecv("-v", "-f", "0", "./socket", "--run", "cat")


def served(programs, receiver, where="./socket", *options):
    """The next honest sender is served. Returns what the receiver said meanwhile."""
    assert receiver.alive()
    programs.succeeds(programs.fdsend(*options, "-f", "0", where, fds={0: programs.text("honest")}))
    result = receiver.wait()
    assert (result.status, result.stdout) == (0, "honest")
    return result.stderr


def test_bytes_without_a_descriptor(programs, receiver):
    for data in (b"x", b"\0" * 64, b"fdsend\n"):
        with peers.connect(programs.path("socket")) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert peers.hung_up(connection)
    assert served(programs, receiver)


def test_a_byte_without_a_descriptor_and_silence(programs, receiver):
    connections = [programs.closes(peers.connect(programs.path("socket"))) for _ in range(3)]
    for connection in connections:
        connection.sendall(b"x")
    served(programs, receiver)


def test_a_megabyte_of_garbage(programs, receiver):
    """It is turned away long before it has sent all of it, or read without being kept."""
    for _ in range(3):
        with peers.connect(programs.path("socket")) as connection:
            try:
                connection.sendall(os.urandom(1 << 20))
                connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert peers.hung_up(connection)
    served(programs, receiver)


def test_silent_crowd(programs, receiver):
    for _ in range(SILENT):
        programs.closes(peers.connect(programs.path("socket")))
    served(programs, receiver)


def test_silent_crowd_at_a_tiny_limit(programs):
    receiver = programs.fdrecv("-v", "-f", "0", "./socket", "--run", "cat", limits=(32, 32))
    for _ in range(SILENT):
        programs.closes(peers.connect(programs.path("socket")))
    served(programs, receiver)


def test_silent_crowd_on_every_socket(programs):
    receiver = programs.fdrecv("-f", "3", "./one", "-f", "4", "./two", "--run", "sh", "-c", "cat <&3; cat <&4")
    for name in ("one", "two"):
        for _ in range(SILENT // 2):
            programs.closes(peers.connect(programs.path(name)))
    for name in ("two", "one"):
        programs.succeeds(programs.fdsend("-f", "0", f"./{name}", fds={0: programs.text(name)}))
    assert programs.succeeds(receiver) == "onetwo"


def test_waiting_for_idle_callers_costs_nothing(programs, receiver):
    for _ in range(10):
        programs.closes(peers.connect(programs.path("socket"))).sendall(b"x")
    receiver.settle()
    before = receiver.switches(), receiver.cpu_ticks()
    assert receiver.lasts(0.5)
    assert (receiver.switches(), receiver.cpu_ticks()) == before
    served(programs, receiver)


def test_crowd_of_closers_leaves_nothing_open(programs):
    """Whatever callers brought and took away again, the command gets none of it."""
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "3", "./socket", "--run", *listing)
    reader, writer = programs.pipe()
    for _ in range(100):
        peers.connect(programs.path("socket")).close()
    programs.succeeds(programs.fdsend("-f", "3", "./socket", fds={3: reader}), receiver)
    assert set(read()["fds"]) == {0, 1, 2, 3}


def test_descriptors_that_are_refused_are_closed(programs):
    """Fewer than asked for: what came is closed, which its other end sees."""
    reader, writer = programs.pipe()
    receiver = programs.fdrecv("-v", "-f", "0,4", "./socket", "--run", "cat")
    connection = programs.closes(peers.send(programs.path("socket"), [writer]))
    programs.close(writer)
    assert os.read(reader, 1) == b""
    assert peers.hung_up(connection)
    programs.succeeds(programs.fdsend("-f", "3,0", "./socket", fds={3: programs.text("honest")}))
    result = receiver.wait()
    assert (result.status, result.stdout) == (0, "honest")


def test_full_table(programs):
    """A handover that does not fit is refused whole, and its sender told."""
    receiver = programs.fdrecv("-v", "-f", "3", "./socket", "--run", "sh", "-c", "cat <&3", limits=(32, 32))
    sender = programs.fdsend("-f", ",".join(["0"] * 253), "./socket")
    programs.fails(sender, 1, "fdsend: ")
    connection = programs.closes(peers.send(programs.path("socket"), [0] * 253))
    assert peers.hung_up(connection)
    served(programs, receiver)


def as_stranger(programs, function, **conditions):
    return programs.forked(function, user=STRANGER, cwd="/", **conditions)


@pytest.mark.needs_root
@pytest.mark.parametrize("place", ["path", "abstract"])
def test_strange_sender(programs, place):
    """Turned away, with a word from the kernel's credentials; the wait goes on."""
    path, name = programs.public_folder() / "socket", programs.abstract()
    if place == "path":
        where, address, admit = [path], path, ["--from-user", "root", "--from-user", OTHER]
    else:
        where, address, admit = ["-a", name], "@" + name, []
    receiver = programs.fdrecv("-v", *admit, "-f", "0", *where, "--run", "cat")

    def intrude():
        connection = peers.connect(address)
        try:
            socket.send_fds(connection, [b"x"], [0])
        except (BrokenPipeError, ConnectionResetError):
            pass  # turned away already
        assert peers.hung_up(connection)

    intruder = as_stranger(programs, intrude)
    assert intruder.wait().status == 0
    sender = programs.fdsend("-t", "20", "-f", "0", *where, user=STRANGER, cwd="/")
    programs.fails(sender, 1, "fdsend: ")
    assert str(STRANGER) in served(programs, receiver, where[-1], *where[:-1])


@pytest.mark.needs_root
def test_admitted_caller_with_a_strange_writer(programs):
    """root calls connect(), and hands the connection to somebody else, who writes."""
    name = programs.abstract()
    receiver = programs.fdrecv("-v", "-a", "-f", "0", name, "--run", "cat")
    connection = programs.closes(peers.connect("@" + name))

    def write():
        with socket.socket(fileno=4) as inherited:
            socket.send_fds(inherited, [b"x"], [0])

    writer = as_stranger(programs, write, fds={4: connection.fileno()})
    assert writer.wait().status == 0
    assert peers.hung_up(connection)
    served(programs, receiver, name, "-a")


@pytest.mark.needs_root
def test_strange_caller_with_an_admitted_writer(programs):
    """The other way round: both have to be admitted."""
    name = programs.abstract()
    receiver = programs.fdrecv("-v", "-a", "-f", "0", name, "--run", "cat")
    mine, theirs = socket.socketpair()
    programs.closes(mine)
    programs.closes(theirs)

    def call():
        connection = peers.connect("@" + name)
        socket.send_fds(socket.socket(fileno=4), [b"x"], [connection.fileno()])

    caller = as_stranger(programs, call, fds={4: theirs.fileno()})
    assert caller.wait().status == 0
    _, (fd,), _, _ = socket.recv_fds(mine, 1, 1)
    with socket.socket(fileno=fd) as connection:
        try:
            socket.send_fds(connection, [b"x"], [0])
        except (BrokenPipeError, ConnectionResetError):
            pass  # turned away already
        assert peers.hung_up(connection)
    served(programs, receiver, name, "-a")


@pytest.mark.needs_root
@pytest.mark.parametrize("admit", [["--from-user", str(STRANGER)], ["--from-group", str(STRANGER)],
                                   ["--from-user", OTHER, "--from-user=nobody"], ["--from-user", "any"]])
@pytest.mark.parametrize("place", ["path", "abstract"])
def test_strange_sender_is_admitted(programs, place, admit):
    path = programs.public_folder() / "socket"
    where = [path] if place == "path" else ["-a", programs.abstract()]
    receiver = programs.fdrecv(*admit, "-f", "0", *where, "--run", "cat")
    if place == "path":
        assert os.lstat(path).st_mode & 0o777 == 0o666
    sender = programs.fdsend("-f", "3", *where, fds={3: programs.text("theirs")}, user=STRANGER, cwd="/")
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == "theirs"


@pytest.mark.parametrize("admit", [["--from-user", OTHER], ["--from-group", OTHER]])
def test_admitting_others_replaces_the_default(programs, admit):
    """Exactly those who were named: not the caller's own user, not even root."""
    receiver = programs.fdrecv(*admit, "-f", "0", "./socket", "--run", "cat")
    programs.fails(programs.fdsend("-f", "0", "./socket"), 1, "fdsend: ")
    assert receiver.alive()
    receiver.signal(15)
    assert receiver.wait().status == -15


def test_own_user_and_group_by_number(programs):
    for admit in (["--from-user", str(os.geteuid())], ["--from-group", str(os.getegid())]):
        receiver = programs.fdrecv(*admit, "-f", "0", "./socket", "--run", "cat")
        sender = programs.fdsend("-f", "0", "./socket", fds={0: programs.text("mine")})
        programs.succeeds(sender)
        assert programs.succeeds(receiver) == "mine"


@pytest.mark.parametrize("to", [["--to-user", OTHER], ["--to-group", OTHER]])
def test_receiver_that_is_not_the_one_named(programs, receiver, to):
    """Nothing is given, and our receiver is there for the next one."""
    sender = programs.fdsend(*to, "-f", "0", "./socket")
    programs.fails(sender, 1, "fdsend: ", "socket", str(receiver.pid))
    served(programs, receiver)


def squatter(programs, address):
    """Another user who listens there, and reports what he gets."""
    def squat():
        with peers.Receiver(address).socket as listener:
            if not address.startswith("@"):
                os.chmod(address, 0o666)
            os.write(3, b"\n")
            os.close(3)
            connection, _ = listener.accept()
            try:
                data, fds, _, _ = socket.recv_fds(connection, 100, 10)
            except ConnectionResetError:
                data, fds = b"", []
            print(len(data), len(fds), *(identity(fd) for fd in fds))

    return as_stranger(programs, squat, ready=3).wait_ready()


@pytest.mark.needs_root
@pytest.mark.parametrize("to", [[], ["--to-user", OTHER], ["--to-group", OTHER], ["--no-confirm"]])
@pytest.mark.parametrize("place", ["path", "abstract"])
def test_squatter_gets_nothing(programs, place, to):
    path = str(programs.stranger_folder(0o777) / "socket")
    name = programs.abstract()
    address, where = (path, [path]) if place == "path" else ("@" + name, ["-a", name])
    process = squatter(programs, address)
    programs.fails(programs.fdsend(*to, "-f", "0", *where), 1, "fdsend: ", where[-1], str(STRANGER))
    assert process.wait().stdout == "0 0\n"
    if place == "path":
        peers.remove(path)


@pytest.mark.needs_root
@pytest.mark.parametrize("to", [["--to-user", "nobody"], ["--to-group", str(STRANGER)], ["--to-user", "any"],
                                ["--to-user", OTHER, "--to-user", str(STRANGER)]])
def test_stranger_who_was_named_gets_it(programs, to):
    name = programs.abstract()
    process = squatter(programs, "@" + name)
    reader, _ = programs.pipe()
    programs.succeeds(programs.fdsend(*to, "-f", "0", "-a", name, fds={0: reader}))
    assert process.wait().stdout == "1 1 {}\n".format(identity(reader))


@pytest.mark.needs_root
def test_root_is_admitted_by_a_user(programs):
    """Both defaults: root's sender to a user's receiver, and a user's sender to root's receiver."""
    path = programs.stranger_folder(0o755) / "socket"
    receiver = programs.fdrecv("-f", "0", path, "--run", "cat", user=STRANGER, cwd="/")
    sender = programs.fdsend("--to-user", "nobody", "-f", "0", path, fds={0: programs.text("from root")})
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == "from root"
    name = programs.abstract()
    receiver = programs.fdrecv("-a", "--from-user", "any", "-f", "0", name, "--run", "cat")
    sender = programs.fdsend("-a", "-f", "0", name, fds={0: programs.text("to root")}, user=STRANGER, cwd="/")
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == "to root"
