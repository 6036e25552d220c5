# SPDX-License-Identifier: MIT
"""A table of open files that is too small, from where a program can start at all up to where it works.

In between, one of both ends says that it is too small, and nobody claims a success.
"""

import os
import select
import signal

import pytest

from processes import LONG

WAY_OUT = "ulimit"  # in every such message
WORKS = 3  # values in a row: then it always does
ENOUGH = 64


def first_to_end(*processes):
    select.select([process.pidfd for process in processes], [], [], LONG)
    return next(process for process in processes if not process.alive())


def smallest(programs, path):
    """Below, the loader does not find the C library."""
    return next(limit for limit in range(ENOUGH)
                if programs.start([path, "--version"], limits=(limit, limit)).wait().status == 0)


def climb(programs, path, attempt):
    """`attempt` tells of one limit whether it worked, or asserts that it was a clear failure. Returns what happened."""
    tried = []
    for limit in range(smallest(programs, path), ENOUGH):
        tried.append(attempt((limit, limit)))
        if tried[-WORKS:] == [True] * WORKS:
            assert tried == sorted(tried), tried  # once it works it goes on working
            return tried
    raise AssertionError(f"does not even work with {ENOUGH}")


def explained(process, status):
    result = process.wait()
    assert result.status == status and WAY_OUT in result.stderr, result


def ends(process):
    process.signal(signal.SIGTERM)
    assert process.wait().status == -signal.SIGTERM


@pytest.mark.parametrize("words", [[], ["--listen", "unix:./made", "--open", "plain"]], ids=["inherited", "opened"])
def test_fdsend(programs, words):
    programs.close(programs.file("plain"))
    numbers = "0,5,6" if words else "0"

    def attempt(limits):
        receiver = programs.fdrecv("-f", numbers, "./socket", "--run", "cat")
        sender = programs.fdsend("-f", "0", *words, "./socket", fds={0: programs.text("sent")}, limits=limits)
        if sender.wait().status == 0:
            programs.succeeds(sender)
            assert programs.succeeds(receiver) == "sent"
            if words:
                os.unlink(programs.path("made"))
            return True
        explained(sender, 1)
        assert receiver.alive()
        ends(receiver)
        return False

    climb(programs, programs.fdsend_path, attempt)


@pytest.mark.parametrize("count", [1, 5])
def test_fdrecv(programs, count):
    """The command gets the same limit."""
    numbers = ",".join(map(str, [0, *range(4, 3 + count)]))

    def attempt(limits):
        receiver = programs.fdrecv("-f", numbers, "./socket", "--run", "cat", ready=None, limits=limits)
        sender = programs.fdsend("-b", "-f", ",".join(["0"] * count), "./socket", fds={0: programs.text("sent")})
        if first_to_end(receiver, sender) is receiver and receiver.wait().status != 0:
            explained(receiver, 125)
            assert sender.alive()
            ends(sender)
            return False
        programs.succeeds(sender)
        assert programs.succeeds(receiver) == "sent"
        return True

    climb(programs, programs.fdrecv_path, attempt)


def test_fdfwd(programs):
    def attempt(limits):
        receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
        relay = programs.fdfwd("-b", "./from", "./to", ready=None, limits=limits)
        sender = programs.fdsend("-b", "-f", "0", "./from", fds={0: programs.text("sent")})
        first = first_to_end(relay, sender)
        if first.wait().status == 0:
            programs.succeeds(relay, sender)
            assert programs.succeeds(receiver) == "sent"
            return True
        if first is relay:
            explained(relay, 1)
            ends(sender)
        else:  # It can listen, and has no room for what comes: the sender is told.
            assert sender.wait().status == 1 and "table of open files is full" in sender.stderr
            ends(relay)
        ends(receiver)
        return False

    climb(programs, programs.fdfwd_path, attempt)


@pytest.mark.parametrize("words", [["-d"], []], ids=["shared", "opened again"])
def test_out_of_a_process(programs, hold, words):
    there = hold({7: programs.text("sent")})

    def attempt(limits):
        taker = programs.fdrecv("-p", str(there.pid), *words, "-f", "0", "7", "--run", "true", ready=None,
                                limits=limits)
        if taker.wait().status == 0:
            programs.succeeds(taker)
            return True
        explained(taker, 125)
        return False

    climb(programs, programs.fdrecv_path, attempt)


@pytest.mark.parametrize("words", [["--list", "-p"], ["--pidref"]], ids=["list", "pidref"])
def test_asking(programs, hold, words):
    there = hold({7: programs.text("sent")})

    def attempt(limits):
        asking = programs.fdsend(*words, str(there.pid), limits=limits)
        if asking.wait().status == 0:
            assert str(there.pid) in asking.stdout or "7 " in asking.stdout
            return True
        explained(asking, 1)
        return False

    climb(programs, programs.fdsend_path, attempt)
