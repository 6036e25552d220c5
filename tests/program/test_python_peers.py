# SPDX-License-Identifier: MIT
"""Handovers between fdpass and Python's socket.send_fds and socket.recv_fds, an independent implementation."""

import os
import socket

import pytest

import peers
from programs import identity


@pytest.fixture(params=["path", "long path", "abstract"])
def place(request, programs):
    """The words for the programs, and the address for Python."""
    if request.param == "abstract":
        name = programs.abstract()
        return ["-a", name], "@" + name
    name = "socket" if request.param == "path" else "d" * 150 + "/socket"
    if request.param == "long path":
        (programs.folder / ("d" * 150)).mkdir()
    return ["./" + name], programs.path(name)


def to_fdrecv(programs, place, fds, some, command, data=b"x"):
    """Python hands `fds` over. Returns the output of the command."""
    where, address = place
    receiver = programs.fdrecv("-f", some, *where, "--run", *command)
    connection = programs.closes(peers.send(address, fds, data))
    output = programs.succeeds(receiver)
    assert peers.hung_up(connection)  # the command does not keep the connection
    return output


def from_fdsend(programs, place, fds):
    """Python receives. Returns the bytes and the descriptors of the message."""
    where, address = place
    receiver = programs.closes(peers.Receiver(address))
    sender = programs.fdsend("-f", ",".join(map(str, range(3, 3 + len(fds)))), *where,
                             fds=dict(enumerate(fds, start=3)))
    _, data, received = receiver.receive()
    programs.succeeds(sender)
    return data, received


def test_pipe_to_fdrecv(programs, place):
    assert to_fdrecv(programs, place, [programs.text("through a pipe")], "0", ["cat"]) == "through a pipe"


def test_pipe_from_fdsend(programs, place):
    data, (fd,) = from_fdsend(programs, place, [programs.text("through a pipe")])
    assert len(data) == 1
    assert os.read(fd, 100) == b"through a pipe"


def test_writing_end_to_fdrecv(programs, place):
    reader, writer = programs.pipe()
    assert to_fdrecv(programs, place, [writer], "1", ["echo", "written"]) == ""
    programs.close(writer)
    with open(reader, closefd=False) as file:
        assert file.read() == "written\n"


def test_file_to_fdrecv_shares_its_offset(programs, place):
    fd = programs.file("file", "0123456789")
    os.lseek(fd, 3, os.SEEK_SET)
    assert to_fdrecv(programs, place, [fd], "5", ["sh", "-c", "head -c 4 <&5; echo more >&5"]) == "3456"
    assert os.lseek(fd, 0, os.SEEK_CUR) == 12
    assert (programs.folder / "file").read_text() == "0123456more\n"


def test_file_from_fdsend_shares_its_offset(programs, place):
    fd = programs.file("file", "0123456789")
    _, (received,) = from_fdsend(programs, place, [fd])
    assert os.read(received, 4) == b"0123"
    assert os.read(fd, 3) == b"456"
    assert os.read(received, 10) == b"789"


ANSWER = """
import socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
connection, _ = listener.accept()
connection.sendall(b"answered by the successor to " + connection.recv(100))
"""


def listening():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()


def ask(address):
    connection = socket.create_connection(address, 30)
    connection.sendall(b"a question")
    return connection


def test_listening_socket_to_fdrecv(programs, place):
    """The successor answers, also who connected before and whoever connects after the first one let go."""
    listener, address = listening()
    early = programs.closes(ask(address))
    command = ["/usr/bin/python3", "-I", "-S", "-c", ANSWER, "7"]
    where, rendezvous = place
    receiver = programs.fdrecv("-f", "7", *where, "--run", *command)
    programs.closes(peers.send(rendezvous, [listener.fileno()]))
    listener.close()
    assert early.recv(100) == b"answered by the successor to a question"
    programs.succeeds(receiver)


def test_listening_socket_from_fdsend(programs, place):
    listener, address = listening()
    _, (fd,) = from_fdsend(programs, place, [listener.fileno()])
    listener.close()
    client = programs.closes(ask(address))
    with socket.socket(fileno=os.dup(fd)) as received:
        connection, _ = received.accept()
        with connection:
            assert connection.recv(100) == b"a question"
            connection.sendall(b"an answer")
    assert client.recv(100) == b"an answer"


def test_connected_socket_through_both_programs(programs, place):
    where, _ = place
    mine, theirs = socket.socketpair()
    programs.closes(mine)
    receiver = programs.fdrecv("-f", "0,1", *where, "--run", "cat")
    sender = programs.fdsend("-f", "3,3", *where, fds={3: theirs.fileno()})
    theirs.close()
    mine.sendall(b"echo")
    mine.shutdown(socket.SHUT_WR)
    assert mine.recv(100) == b"echo"
    programs.succeeds(sender, receiver)


@pytest.mark.parametrize("data", [b"\0", b"a", b"fd", b"\n", b"FDPASS", b"\xff" * 16, b"payload of several bytes",
                                  b"y" * 4096, bytes(range(256)) * 40])
def test_any_payload_to_fdrecv(programs, data):
    place = ["./socket"], programs.path("socket")
    assert to_fdrecv(programs, place, [programs.text("sent")], "0", ["cat"], data) == "sent"


def test_plain_bytes_before_the_message(programs):
    """A stream may glue them to it."""
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    receiver.stop()
    connection = programs.closes(peers.connect(programs.path("socket")))
    connection.sendall(b"earlier")
    socket.send_fds(connection, [b"x"], [programs.text("sent")])
    receiver.signal(18)
    assert peers.hung_up(connection)
    if receiver.alive():
        programs.fdsend("-f", "0", "./socket", fds={0: programs.text("sent")}).wait()
    assert programs.succeeds(receiver) == "sent"


def test_sender_that_closes_at_once(programs):
    """As socat-like senders do: the message is in the socket, and its sender has gone."""
    for _ in range(20):
        receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
        peers.send(programs.path("socket"), [programs.text("sent")]).close()
        assert programs.succeeds(receiver) == "sent"


def test_sender_that_shuts_down_and_waits(programs):
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    connection = programs.closes(peers.send(programs.path("socket"), [programs.text("sent")]))
    connection.shutdown(socket.SHUT_WR)
    assert peers.hung_up(connection)
    assert programs.succeeds(receiver) == "sent"


@pytest.mark.parametrize("count", [1, 2, 100, 252, 253])
def test_many_to_fdrecv(programs, count):
    fds = [programs.pipe()[0] for _ in range(count)]
    listing, read = programs.listing()
    place = ["./socket"], programs.path("socket")
    to_fdrecv(programs, place, fds, f"3-{2 + count}", listing)
    report = read()["fds"]
    assert [report[number]["identity"] for number in range(3, 3 + count)] == [identity(fd) for fd in fds]
    assert len(report) == 3 + count


@pytest.mark.parametrize("count", [1, 2, 100, 252, 253])
def test_many_from_fdsend(programs, count):
    """One byte and all of them in one message, in order: what every receiver understands."""
    fds = [programs.pipe()[0] for _ in range(count)]
    data, received = from_fdsend(programs, (["./socket"], programs.path("socket")), fds)
    assert len(data) == 1
    assert [identity(fd) for fd in received] == [identity(fd) for fd in fds]


def test_nothing_follows_the_message_of_fdsend(programs):
    """One byte, then silence, then end-of-file: a foreign receiver is not confused by more."""
    receiver = programs.closes(peers.Receiver(programs.path("socket")))
    sender = programs.fdsend("-v", "-f", "0", "./socket", fds={2: None})
    connection, data, fds = receiver.receive()
    assert (len(data), len(fds)) == (1, 1)
    assert connection.recv(100) == b""
    assert sender.wait().status == 0


def test_kinds_of_descriptors(programs):
    """Whatever the kernel passes, passes."""
    kinds = [os.memfd_create("m"), os.eventfd(3), os.pidfd_open(os.getpid()), os.open("/", os.O_PATH),
             os.open("/proc/self/ns/net", os.O_RDONLY), os.open("/", os.O_RDONLY | os.O_DIRECTORY)]
    for fd in kinds:
        programs.own(fd)
    place = ["./socket"], programs.path("socket")
    _, received = from_fdsend(programs, place, kinds)
    assert [identity(fd) for fd in received] == [identity(fd) for fd in kinds]
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "3-8", "./other", "--run", *listing)
    programs.succeeds(programs.fdsend("-f", "3-8", "./other", fds=dict(enumerate(kinds, start=3))), receiver)
    report = read()["fds"]
    assert [report[number]["identity"] for number in range(3, 9)] == [identity(fd) for fd in kinds]
