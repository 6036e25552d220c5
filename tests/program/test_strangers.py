# SPDX-License-Identifier: MIT
"""Closing what others have sent can take as long as they like (SO_LINGER). Nobody waits for that here."""

import errno
import os
import signal
import socket
import time

import pytest

import peers
from lingering import PROMPT, Lingering
from processes import STRANGER
from tracing import TRACED, tampered

SO_PASSRIGHTS = 83  # Linux 6.16


def prompt(process):
    """Its result, which is there long before such a socket has been closed."""
    start = time.monotonic()
    result = process.wait()
    assert time.monotonic() - start < PROMPT, (process.name, result)
    return result


def gift(programs):
    return programs.closes(Lingering())


def receive(programs, *words, lists="0", **conditions):
    return programs.fdrecv("-v", *words[:-1], "-f", lists, words[-1], "--run", "cat", **conditions)


def intruder(programs, name, stays):
    """A stranger whose connection and message are in the backlog; the end that does not read is theirs."""
    def intrude():
        present = Lingering()
        connection = peers.send("@" + name, [present.fileno()])
        present.leave()
        if not stays:
            connection.close()
        os.write(3, b"\n")
        os.close(3)
        signal.pause()

    return programs.forked(intrude, user=STRANGER, cwd="/", ready=3).wait_ready()


@pytest.mark.needs_root
@pytest.mark.parametrize("stays", [True, False], ids=["stays", "disconnects"])
@pytest.mark.parametrize("end", ["time-out", "signal", "signal before it was seen"])
def test_stranger_sends_one_to_a_receiver(programs, stays, end):
    name = programs.abstract()
    receiver = receive(programs, "-a", "-t", "1" if end == "time-out" else "0", name)
    receiver.stop()
    stranger = intruder(programs, name, stays)
    if end == "signal before it was seen":
        receiver.signal(signal.SIGTERM)
    start = time.monotonic()
    receiver.signal(signal.SIGCONT)
    if end == "signal":
        receiver.said("not admitted")
        receiver.settle()
        receiver.signal(signal.SIGTERM)
    result = receiver.wait()
    assert time.monotonic() - start < PROMPT
    assert result.status == (124 if end == "time-out" else -signal.SIGTERM)
    stranger.kill()


@pytest.mark.needs_root
def test_stranger_sends_one_and_an_honest_sender_comes(programs):
    name = programs.abstract()
    receiver = receive(programs, "-a", name)
    receiver.stop()
    stranger = intruder(programs, name, True)
    receiver.signal(signal.SIGCONT)
    sender = programs.fdsend("-a", "-f", "0", name, fds={0: programs.text("honest")})
    assert prompt(sender).status == 0
    assert prompt(receiver).stdout == "honest"
    stranger.kill()


def test_surplus(programs):
    """More than asked for: what is not wanted is closed, and the command runs at once."""
    receiver = receive(programs, "./socket")
    present = gift(programs)
    connection = programs.closes(peers.send(programs.path("socket"), [programs.text("sent"), present.fileno()]))
    present.leave()
    assert prompt(receiver).stdout == "sent"
    assert connection.fileno() >= 0


@pytest.mark.parametrize("end", ["served", "time-out", "signal"])
def test_refused_handover(programs, end):
    """Fewer than asked for."""
    receiver = receive(programs, "-t", "3" if end == "time-out" else "0", "./socket", lists="0,4")
    present = gift(programs)
    programs.closes(peers.send(programs.path("socket"), [present.fileno()]))
    present.leave()
    start = time.monotonic()
    receiver.said("refused")
    if end == "served":
        programs.succeeds(programs.fdsend("-f", "0,0", "./socket", fds={0: programs.text("honest")}))
    elif end == "signal":
        receiver.signal(signal.SIGTERM)
    result = receiver.wait()
    assert time.monotonic() - start < PROMPT
    assert result.status == {"served": 0, "time-out": 124, "signal": -signal.SIGTERM}[end]


def test_caller_in_the_backlog_when_the_receiver_is_served(programs):
    receiver = receive(programs, "./socket")
    receiver.stop()
    sender = programs.fdsend("-f", "0", "./socket", fds={0: programs.text("first")}).settle()
    present = gift(programs)
    programs.closes(peers.send(programs.path("socket"), [present.fileno()]))
    present.leave()
    receiver.signal(signal.SIGCONT)
    assert prompt(receiver).stdout == "first"
    assert prompt(sender).status == 0


def kernel_refuses_descriptors():
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 0)
        except OSError:
            return False
    return True


@pytest.mark.needs_root
@pytest.mark.parametrize("kernel", ["this", "older"])
@pytest.mark.parametrize("end", ["time-out", "failure"])
def test_stranger_sends_one_to_a_sender(programs, kernel, end):
    """They listen on an abstract name, and are quicker than fdsend, which stops when it is connected. Where
    the kernel can refuse descriptors, nothing gets as far as that."""
    name = programs.abstract()

    def squat():
        present = Lingering()
        receiver = peers.Receiver("@" + name)
        os.write(3, b"\n")
        os.close(3)
        connection = receiver.accept()
        try:
            socket.send_fds(connection, [b"x"], [present.fileno()])
            print("sent", flush=True)
        except PermissionError:
            print("refused", flush=True)
        present.leave()
        signal.pause()

    squatter = programs.forked(squat, user=STRANGER, cwd="/", ready=3).wait_ready()
    older = [f"setsockopt:error={errno.errorcode[errno.ENOPROTOOPT]}"] if kernel == "older" else []
    words = ["-b", "-t", "3"] if end == "time-out" else []
    sender = programs.start([*tampered("connect:signal=SIGSTOP:when=1", *older), programs.fdsend_path, "-a",
                             *words, "-f", "0", name], env=TRACED)
    squatter.said("\n", 1)
    sender.signal(signal.SIGCONT)
    assert prompt(sender).status == (124 if end == "time-out" else 1)
    assert str(STRANGER) in sender.stderr
    refused = kernel == "this" and kernel_refuses_descriptors()
    assert squatter.kill().stdout == ("refused\n" if refused else "sent\n")
