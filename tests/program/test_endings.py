# SPDX-License-Identifier: MIT
"""What others are told when a wait ends, and what is left of it."""

import os
import signal
import time

import pytest

import peers
from tracing import TRACED, tampered

# musl begins one later than glibc, whose number Python knows.
REAL_TIME = [signal.SIGRTMIN + 1, signal.SIGRTMIN + 5, signal.SIGRTMAX]


def heard(connection):
    """Everything that the other end wrote before it closed."""
    text = b""
    while piece := connection.recv(4096):
        text += piece
    return text


@pytest.mark.parametrize("place", ["path", "abstract"])
def test_receiver_that_is_ended_says_so(programs, place):
    """To those who are connected as to those who are still in the backlog."""
    name = programs.abstract()
    address, where = (programs.path("socket"), ["./socket"]) if place == "path" else ("@" + name, ["-a", name])
    receiver = programs.fdrecv("-v", "-f", "0", *where, "--run", "cat")
    early = programs.closes(peers.connect(address))
    greeting = early.recv(4096)
    receiver.stop()
    late = programs.closes(peers.connect(address))
    receiver.signal(signal.SIGTERM)
    receiver.signal(signal.SIGCONT)
    assert receiver.wait().status == -signal.SIGTERM
    for text in (greeting + heard(early), heard(late)):
        assert b"the receiver has ended" in text and b"first" not in text
    assert receiver.stderr.count("the receiver has ended") == 2


def test_sender_hears_that_the_receiver_has_ended(programs):
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    receiver.stop()
    sender = programs.fdsend("-v", "-b", "-t", "20", "-f", "0", "./socket", fds={0: programs.text("sent")}).settle()
    receiver.signal(signal.SIGTERM)
    receiver.signal(signal.SIGCONT)
    receiver.wait()
    sender.said("the receiver has ended")
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat")
    assert sender.wait().status == 0
    assert programs.succeeds(receiver) == "sent"


@pytest.mark.parametrize("number", REAL_TIME, ids=["the second", "a middle one", "SIGRTMAX"])
def test_real_time_signals_end_like_others(programs, number):
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat").settle()
    sender = programs.fdsend("-b", "-f", "0", "./other").settle()
    for process in (receiver, sender):
        process.signal(number)
        assert process.wait().status == -number
    assert not os.path.lexists(programs.path("socket"))


def test_folder_that_comes_while_the_way_is_looked_at(programs):
    """Folder by folder, and then the receiver, all before the sender watches the last one: it is woken by none
    of that, and has to look again by itself."""
    took = []
    for number in range(3):
        top = programs.folder / f"top{number}"
        sender = programs.start([*tampered("inotify_add_watch:delay_enter=30000"), programs.fdsend_path, "-b", "-f",
                                 "0", f"top{number}/middle/end/socket"], fds={0: programs.text("sent")},
                                env=TRACED).settle()
        top.mkdir()
        (top / "middle").mkdir()
        (top / "middle/end").mkdir()
        receiver = programs.fdrecv("-f", "0", f"top{number}/middle/end/socket", "--run", "cat")
        start = time.monotonic()
        assert sender.wait().status == 0
        took.append(time.monotonic() - start)
        assert receiver.wait().stdout == "sent"
    # The pause that it makes when it has missed something is a second.
    assert min(took) < 0.8, took
