# SPDX-License-Identifier: MIT
"""--timeout: one deadline for the whole run, 124 when it passes, and none when it is 0."""

import os
import time

import pytest

import peers


def timed(process):
    """Its result, and how long it took from now."""
    start = time.monotonic()
    return process.wait(), time.monotonic() - start


@pytest.mark.parametrize("option", [["-t", "0.3"], ["-t.3"], ["--timeout=0.300000000000001"], ["--timeout", "00.3"]],
                         ids=" ".join)
def test_both_sides(programs, option):
    for start, *words in ((programs.fdrecv, "-f", "0", "./socket", "--run", "cat"),
                          (programs.fdsend, "-b", "-f", "0", "./other")):
        ready = {"ready": None} if start == programs.fdrecv else {}
        result, elapsed = timed(start(*option, *words, **ready))
        assert result.status == 124, result
        assert 0.2 < elapsed < 15
        assert "tim" in result.stderr.lower()
    assert not os.path.lexists(programs.path("socket"))


def test_message_names_the_place(programs):
    programs.fails(programs.fdrecv("-t", "0.1", "-f", "0", "name", "--run", "cat", ready=None), 124,
                   "fdrecv: ", programs.named("name"))
    programs.fails(programs.fdsend("-b", "-t", "0.1", "-f", "0", "name"), 124, "fdsend: ", programs.named("name"))


def test_message_names_only_what_is_missing(programs):
    receiver = programs.fdrecv("-t", "2", "-f", "3", "./one", "-f", "4", "./two", "--run", "cat")
    programs.succeeds(programs.fdsend("-f", "0", "./one"))
    message = programs.fails(receiver, 124, "two")
    assert "one" not in message.replace("no one", "")


@pytest.mark.parametrize("zero", ["0", "0.0", ".000"])
def test_zero_is_no_deadline(programs, zero):
    receiver = programs.fdrecv("-t", zero, "-f", "0", "./socket", "--run", "cat")
    sender = programs.fdsend("-t", zero, "-b", "-f", "0", "./other")
    assert receiver.lasts(0.3) and sender.alive()
    programs.succeeds(programs.fdsend("-f", "0", "./socket"), receiver)
    programs.succeeds(programs.fdrecv("-f", "0", "./other", "--run", "cat"), sender)


@pytest.mark.parametrize("long", ["1000000", "9223372036", "9223372037", "99999999999999999999999", "1" + "0" * 400])
def test_far_away_is_no_overflow(programs, long):
    receiver = programs.fdrecv("-t", long, "-f", "0", "./socket", "--run", "cat").settle()
    programs.succeeds(programs.fdsend("-t", long, "-b", "-f", "0", "./socket"), receiver)


def test_it_does_not_imply_waiting(programs):
    """Nobody there is an error at once."""
    result, elapsed = timed(programs.fdsend("-t", "25", "-f", "0", "./nobody"))
    assert result.status == 1 and elapsed < 15


def test_one_deadline_for_several_sockets(programs):
    """A handover in the meantime does not start it anew."""
    receiver = programs.fdrecv("-t", "2.5", "-f", "3", "./one", "-f", "4", "./two", "--run", "cat", ready=None)
    start = time.monotonic()
    assert receiver.lasts(1.7)
    programs.succeeds(programs.fdsend("-b", "-f", "0", "./one"))
    result, _ = timed(receiver)
    assert result.status == 124
    assert 2.3 < time.monotonic() - start < 4.1


def test_callers_do_not_extend_it(programs):
    receiver = programs.fdrecv("-t", "0.6", "-f", "0", "./socket", "--run", "cat")
    start = time.monotonic()
    while receiver.lasts(0.01):
        try:
            peers.connect(programs.path("socket")).close()
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            pass
        assert time.monotonic() - start < 15
    assert receiver.wait().status == 124


def test_wakes_do_not_extend_it(programs):
    """Files that come and go wake a waiting sender, and do not move its deadline."""
    sender = programs.fdsend("-b", "-t", "0.6", "-f", "0", "./socket")
    start = time.monotonic()
    path = programs.folder / "socket"
    while sender.lasts(0.01):
        path.write_text("")
        path.unlink()
        assert time.monotonic() - start < 15
    assert sender.wait().status == 124


def test_deadline_does_not_reach_the_command(programs):
    receiver = programs.fdrecv("-t", "0.5", "-f", "0", "./socket", "--run", "cat")
    reader, writer = programs.pipe()
    programs.succeeds(programs.fdsend("-f", "0", "./socket", fds={0: reader}))
    assert receiver.lasts(0.8)
    os.write(writer, b"late")
    programs.close(writer)
    assert programs.succeeds(receiver) == "late"


def test_after_the_message_went_out(programs):
    """It may still be read, which the message says; and here it is."""
    receiver = programs.closes(peers.Receiver(programs.path("socket")))
    message = programs.fails(programs.fdsend("-t", "0.3", "-f", "0", "./socket"), 124)
    assert "sent" in message or "may still" in message
    _, data, fds = receiver.receive()
    assert data and fds
