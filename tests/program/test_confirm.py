# SPDX-License-Identifier: MIT
"""Exit 0 means delivered: what fdsend makes of every way in which a receiver can behave."""

import os
import signal
import socket

import pytest

import peers

ANSWER_LATE = "-t", "0.5"


@pytest.fixture
def receiver(programs):
    return programs.closes(peers.Receiver(programs.path("socket")))


def send(programs, *options):
    return programs.fdsend(*options, "-f", "0", "./socket", fds={0: programs.text("sent")})


def test_reads_and_closes(programs, receiver):
    sender = send(programs)
    receiver.receive(size=1)
    receiver.close()
    programs.succeeds(sender)


def test_reads_and_keeps_the_connection(programs, receiver):
    """Known at once: fdsend needs no end-of-file."""
    sender = send(programs, "-v")
    receiver.receive(size=1)
    assert sender.wait().status == 0
    assert "read" in sender.stderr  # which is all that is known


def test_reads_long_after(programs, receiver):
    sender = send(programs)
    connection = receiver.accept()
    sender.settle()
    _, fds, _, _ = socket.recv_fds(connection, 100, 10)
    receiver.fds += fds
    programs.succeeds(sender)


def test_closes_unread(programs, receiver):
    sender = send(programs)
    receiver.accept().close()
    programs.fails(sender, 1, "fdsend: ", "socket", "without reading")


def test_closes_the_listener_unaccepted(programs, receiver):
    sender = send(programs)
    assert receiver.connected(20)
    sender.settle()
    receiver.close()
    programs.fails(sender, 1, "fdsend: ", "socket")


def test_only_peeks_and_closes(programs, receiver):
    sender = send(programs)
    connection = receiver.accept()
    assert peers.peek(connection)
    connection.close()
    programs.fails(sender, 1)


def test_only_peeks_and_stays(programs, receiver):
    sender = send(programs, *ANSWER_LATE)
    assert peers.peek(receiver.accept())
    programs.fails(sender, 124, "socket")


def test_never_accepts(programs, receiver):
    """Out of time; the message says that it went out, and may still be read."""
    message = programs.fails(send(programs, *ANSWER_LATE), 124, "socket")
    assert "sent" in message or "still" in message


def test_accepts_and_never_reads(programs, receiver):
    sender = send(programs, *ANSWER_LATE)
    receiver.accept()
    programs.fails(sender, 124, "socket")


@pytest.mark.parametrize("garbage", [b"x", b"\0", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 3000, b"fdpass",
                                     b"ok\n"])
@pytest.mark.parametrize("then", ["reads", "reads and closes", "closes"])
def test_writes_garbage(programs, receiver, garbage, then):
    """It spoke, and what it said is no answer: the kernel's receipt does not count for such a one."""
    sender = send(programs, "-t", "2")
    connection = receiver.accept()
    connection.sendall(garbage)
    if "reads" in then:
        _, fds, _, _ = socket.recv_fds(connection, 100, 10)
        receiver.fds += fds
    if "closes" in then:
        connection.close()
    assert sender.wait().status in (1, 124)
    assert sender.stderr.startswith("fdsend: ")


@pytest.fixture
def greeting(programs):
    """What our receiver says first, taken from one."""
    genuine = programs.fdrecv("-f", "0", "./genuine", "--run", "cat")
    with peers.connect(programs.path("genuine")) as connection:
        said = connection.recv(4096)
    genuine.signal(signal.SIGTERM)
    genuine.wait()
    assert said
    return said


@pytest.mark.parametrize("then", ["closes", "shuts down"])
def test_greets_reads_and_ends_without_an_answer(programs, receiver, greeting, then):
    """One of ours that was killed between reading and answering: that it read proves nothing then."""
    sender = send(programs)
    connection = receiver.accept()
    connection.sendall(greeting)
    _, fds, _, _ = socket.recv_fds(connection, 100, 10)
    receiver.fds += fds
    if then == "closes":
        connection.close()
    else:
        connection.shutdown(socket.SHUT_RDWR)
    programs.fails(sender, 1, "fdsend: ", "socket")


def test_greets_reads_and_stays(programs, receiver, greeting):
    sender = send(programs, *ANSWER_LATE)
    connection = receiver.accept()
    connection.sendall(greeting)
    _, fds, _, _ = socket.recv_fds(connection, 100, 10)
    receiver.fds += fds
    programs.fails(sender, 124, "socket")


def test_greets_in_pieces_and_closes_unread(programs, receiver, greeting):
    """Half a greeting is a greeting that is not complete yet, and nothing was given."""
    sender = send(programs)
    connection = receiver.accept()
    for byte in greeting[:-1]:
        connection.sendall(bytes([byte]))
    connection.close()
    programs.fails(sender, 1, "fdsend: ", "socket")


def test_greets_beyond_end(programs, receiver, greeting):
    """The greeting again and again is not an answer, and costs bounded time and memory."""
    sender = send(programs, *ANSWER_LATE)
    connection = receiver.accept()
    connection.settimeout(5)
    try:
        while True:
            connection.sendall(greeting * 100)
    except (TimeoutError, BrokenPipeError, ConnectionResetError):
        pass
    assert sender.wait().status in (1, 124)


def foreign_process(programs, behave):
    """The same in another process, which can be killed and stopped. It is ready when it listens."""
    def listen():
        receiver = peers.Receiver(programs.path("socket"))
        os.write(3, b"\n")
        os.close(3)
        behave(receiver)
        signal.pause()

    return programs.forked(listen, ready=3).wait_ready()


@pytest.mark.parametrize("moment", ["before accept", "after accept", "after a peek"])
def test_killed_unread(programs, moment):
    def behave(receiver):
        if moment != "before accept":
            connection = receiver.accept()
            if moment == "after a peek":
                peers.peek(connection)
            print("there", flush=True)

    process = foreign_process(programs, behave)
    sender = send(programs)
    if moment == "before accept":
        sender.settle()
    else:
        process.said("there", 1)
    process.kill()
    programs.fails(sender, 1, "socket")
    peers.remove(programs.path("socket"))


def test_stopped(programs):
    process = foreign_process(programs, lambda receiver: receiver.receive())
    process.stop()
    programs.fails(send(programs, *ANSWER_LATE), 124)
    process.kill()
    peers.remove(programs.path("socket"))


def test_answer_is_asked_of_a_foreign_receiver(programs, receiver):
    """It was read, and that is not enough here."""
    sender = send(programs, "--confirm=answer")
    receiver.receive()
    programs.fails(sender, 1, "socket", "--confirm=answer")


def test_answer_is_asked_and_it_closes(programs, receiver):
    sender = send(programs, "--confirm=answer")
    receiver.receive()
    receiver.close()
    programs.fails(sender, 1)


def test_answer_is_asked_of_ours(programs):
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    programs.succeeds(send(programs, "--confirm=answer"))
    assert programs.succeeds(receiver) == "sent"


def test_no_confirmation(programs, receiver):
    """Done when the message is in the receiver's socket."""
    programs.succeeds(send(programs, "--no-confirm"))
    _, _, fds = receiver.receive()
    assert fds


def test_no_confirmation_with_ours(programs):
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    programs.succeeds(send(programs, "--no-confirm"))
    assert programs.succeeds(receiver) == "sent"


def ours(programs, **conditions):
    return programs.fdrecv("-f", "0", "./socket", "--run", "cat", **conditions)


def test_ours_is_stopped(programs):
    receiver = ours(programs)
    receiver.stop()
    programs.fails(send(programs, *ANSWER_LATE), 124)
    receiver.signal(signal.SIGCONT)
    receiver.kill()
    programs.leaves(programs.path("socket"))


def test_ours_goes_on_after_a_stop(programs):
    """The first sender gave up, unread; the second is served."""
    receiver = ours(programs)
    receiver.stop()
    programs.fails(send(programs, *ANSWER_LATE), 124)
    second = programs.fdsend("-f", "0", "./socket", fds={0: programs.text("second")})
    second.settle()
    receiver.signal(signal.SIGCONT)
    programs.succeeds(receiver)
    assert (receiver.stdout, second.wait().status) in (("second", 0), ("sent", 1))


def test_ours_is_terminated_with_a_sender_in_its_backlog(programs):
    receiver = ours(programs)
    receiver.stop()
    sender = send(programs)
    sender.settle()
    receiver.signal(signal.SIGTERM)
    receiver.signal(signal.SIGCONT)
    ended = receiver.wait().status
    assert ended in (0, -signal.SIGTERM)
    assert (sender.wait().status == 0) == (ended == 0)


def test_blocking_sender_outlives_a_receiver_that_dies_unread(programs):
    receiver = ours(programs)
    receiver.stop()
    sender = send(programs, "-b").settle()
    receiver.kill()
    sender.settle()
    programs.succeeds(second := ours(programs), sender)
    assert second.result.stdout == "sent"
