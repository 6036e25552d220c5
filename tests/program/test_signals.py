# SPDX-License-Identifier: MIT
"""A fatal signal ends every wait at once and cleanly; what the caller ignores stays ignored."""

import os
import signal

import pytest

import peers
from processes import until

FATAL = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
by_name = {"ids": lambda number: number.name}


def wait_options(programs):
    """Command lines that wait for ever."""
    return {"path": ["./socket"], "name": ["name"], "abstract": ["-a", programs.abstract()]}


@pytest.mark.parametrize("number", FATAL, **by_name)
@pytest.mark.parametrize("place", ["path", "name", "abstract"])
def test_receiver_dies_by_the_signal(programs, place, number):
    where = wait_options(programs)[place]
    receiver = programs.fdrecv(*where[:-1], "-f", "0", where[-1], "--run", "cat").settle()
    receiver.signal(number)
    assert receiver.wait().status == -number
    assert receiver.result.stdout == ""


@pytest.mark.parametrize("number", FATAL, **by_name)
@pytest.mark.parametrize("place", ["path", "name", "abstract"])
def test_sender_dies_by_the_signal(programs, place, number):
    sender = programs.fdsend("-b", "-f", "0", *wait_options(programs)[place]).settle()
    sender.signal(number)
    assert sender.wait().status == -number


def test_sender_dies_while_it_waits_for_the_answer(programs):
    receiver = programs.closes(peers.Receiver(programs.path("socket")))
    sender = programs.fdsend("-f", "0", "./socket").settle()
    assert receiver.connected(20)
    sender.signal(signal.SIGTERM)
    assert sender.wait().status == -signal.SIGTERM


def test_receiver_with_several_sockets_removes_all(programs):
    receiver = programs.fdrecv("-f", "3", "./one", "-f", "4", "./two", "-f", "5", "name", "--run", "cat")
    programs.succeeds(programs.fdsend("-f", "0", "./two"))
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM
    assert not [name for name in ("one", "two", "run/name") if os.path.lexists(programs.path(name))]


def test_descriptors_that_had_come_are_closed(programs):
    """A receiver that got the first of two and is ended lets go of it."""
    reader, writer = programs.pipe()
    receiver = programs.fdrecv("-f", "3", "./one", "-f", "4", "./two", "--run", "cat")
    programs.succeeds(programs.fdsend("-f", "3", "./one", fds={3: writer}))
    programs.close(writer)
    receiver.signal(signal.SIGINT)
    assert receiver.wait().status == -signal.SIGINT
    assert os.read(reader, 1) == b""


@pytest.mark.parametrize("number", FATAL, **by_name)
def test_ignored_signals_are_survived(programs, number):
    receiver = programs.fdrecv("-f", "0", "./one", "--run", "cat", ignored=[number]).settle()
    sender = programs.fdsend("-b", "-f", "0", "./two", ignored=[number]).settle()
    for process in (receiver, sender):
        process.signal(number)
        process.settle()
    programs.succeeds(programs.fdsend("-f", "0", "./one"), receiver)
    programs.succeeds(programs.fdrecv("-f", "0", "./two", "--run", "cat"), sender)


def test_blocked_signal_stays_pending_for_the_command(programs):
    """The caller blocked it; it is neither lost nor taken by fdrecv."""
    receiver = programs.fdrecv("-f", "5", "./socket", "--run", "grep", "^S[hi]", "/proc/self/status",
                               blocked=[signal.SIGTERM]).settle()
    receiver.signal(signal.SIGTERM)
    receiver.settle()
    programs.succeeds(programs.fdsend("-f", "0", "./socket"))
    fields = dict(line.split(":", 1) for line in programs.succeeds(receiver).splitlines())
    assert int(fields["ShdPnd"], 16) & 1 << signal.SIGTERM - 1


def test_suspended_and_continued(programs):
    """A stop and a continue in the middle of a wait change nothing."""
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "cat").settle()
    sender = programs.fdsend("-b", "-f", "0", "./other").settle()
    for process in (receiver, sender):
        process.stop()
        process.signal(signal.SIGCONT)
        process.settle()
    programs.succeeds(programs.fdsend("-f", "0", "./socket"), receiver)
    programs.succeeds(programs.fdrecv("-f", "0", "./other", "--run", "cat"), sender)


@pytest.mark.parametrize("program", ["fdsend", "fdrecv"])
def test_nobody_reads_the_messages(programs, program):
    """stderr is a pipe without a reader: no SIGPIPE, and the work is done."""
    reader, writer = programs.pipe()
    programs.close(reader)
    fds = {2: writer}
    receiver = programs.fdrecv("-v", "-f", "0", "./socket", "--run", "cat", fds=fds if program == "fdrecv" else {})
    peers.connect(programs.path("socket")).close()
    sender = programs.fdsend("-v", "-f", "0", "./socket", fds=dict(fds) if program == "fdsend" else {})
    assert sender.wait().status == 0
    assert receiver.wait().status == 0


def test_receiver_goes_away_under_the_sender(programs):
    """Writing to a closed connection is an error with a message, not a death by SIGPIPE."""
    receiver = peers.Receiver(programs.path("socket"))
    for _ in range(20):
        sender = programs.fdsend("-f", "0", "./socket")
        receiver.accept().close()
        programs.fails(sender, 1, "fdsend: ")
    receiver.close()


def test_fatal_signal_ends_even_a_start_without_messages(programs):
    receiver = programs.fdrecv("-q", "-f", "0", "./socket", "--run", "cat", fds={2: None}).settle()
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM


@pytest.mark.needs_root
@pytest.mark.parametrize("number", FATAL, **by_name)
def test_as_the_first_process_of_a_container(programs, number):
    """PID 1 cannot die by a signal of its own: it cleans up, and exits 128+N."""
    container = programs.start(["unshare", "--pid", "--fork", programs.fdrecv_path, "-f", "0", "./socket",
                                "--run", "cat"])
    until(lambda: os.path.lexists(programs.path("socket")), "it listens")
    with open(f"/proc/{container.pid}/task/{container.pid}/children", encoding="ascii") as file:
        first = int(file.read())
    os.kill(first, number)
    assert container.wait().status == 128 + number
    assert not os.path.lexists(programs.path("socket"))
