# SPDX-License-Identifier: MIT
"""fdfwd: what its sender hears of those who have it now is no more than what is known."""

import signal

import pytest

import peers


@pytest.mark.parametrize("until", ["--until-run", "--until-exit"])
@pytest.mark.parametrize("keep", [[], ["--keep"]], ids=str)
@pytest.mark.parametrize("interpreter, status", [("#!/nonexistent", 127), ("#!/bin/sh", 0)], ids=["fails", "runs"])
def test_what_becomes_of_it_is_not_known(programs, until, keep, interpreter, status):
    """The end of fdfwd's connection is no start of a command."""
    command = programs.folder / "command"
    command.write_text(f"{interpreter}\n")
    command.chmod(0o755)
    receiver = programs.fdrecv("-f", "0", "to", "--run", "./command")
    relay = programs.fdfwd(*keep, "from", "to")
    message = programs.fails(programs.fdsend("-v", until, "-f", "0", "from"), 1, "accepted", "cannot be told",
                             f"process {relay.pid} passes them on")
    assert "runs its command" not in message
    assert receiver.wait().status == status
    if keep:
        relay.signal(signal.SIGTERM)
    assert relay.wait().status == (-signal.SIGTERM if keep else 0)


def loses(programs, name):
    """A receiver that reads as one does who knows nothing of descriptors: they are lost. Nobody is told."""
    receiver = programs.closes(peers.Receiver(programs.path(name)))

    def lose():
        assert receiver.accept().recv(1)

    return lose


def test_receiver_that_does_not_answer(programs):
    """What it has is not known, and so not told: neither to who wants an answer nor to who does not."""
    lose = loses(programs, "to")
    for option, status in ([], 0), (["--confirm=answer"], 1), (["--until-run"], 1):
        relay = programs.fdfwd("./from", "./to")
        there = programs.fdsend("-v", *option, "-f", "0", "./from")
        lose()
        result = there.wait()
        assert result.status == status and "keeps" not in result.stderr, result
        assert "read" in result.stderr and " answer" in result.stderr, result
        programs.succeeds(relay)


@pytest.mark.parametrize("places", [["mute", "speaks"], ["speaks", "mute"]], ids=" ".join)
@pytest.mark.parametrize("through", [[], ["./far"]], ids=["one", "two"])
def test_one_of_them_does_not_answer(programs, places, through):
    lose = loses(programs, "mute")
    receiver = programs.fdrecv("-f", "0", "./speaks", "--run", "cat")
    relays = [programs.fdfwd(*(through or ["./from"]), *(f"./{name}" for name in places))]
    if through:
        relays.append(programs.fdfwd("./from", *through))
    there = programs.fdsend("--confirm=answer", "-f", "10", "./from", fds={10: programs.text("hello")})
    lose()
    programs.fails(there, 1, "read", "does not answer")
    programs.succeeds(*relays)
    assert programs.succeeds(receiver) == "hello"


def test_names_take_an_answer(programs):
    """Of those nothing is given to who does not answer, and the sender hears it."""
    receiver = programs.closes(peers.Receiver(programs.path("to")))
    relay = programs.fdfwd("./from", "./to")
    there = programs.fdsend("-f", "web=0", "./from")
    _, _, fds = receiver.receive()
    assert not fds
    programs.fails(there, 1, "refused", "./to: ", "without asking", "Nothing was given")
    programs.fails(relay, 1, "./to: ", "Nothing was given")


@pytest.mark.parametrize("wanted", [["3", "3,4", "3-5"], ["3-5", "3,4"]], ids=" ".join)
def test_the_least_that_one_keeps(programs, wanted):
    receivers = [programs.fdrecv("-f", targets, f"to{index}", "--run", "true") for index, targets in enumerate(wanted)]
    relay = programs.fdfwd("from", *(f"to{index}" for index in range(len(wanted))))
    there = programs.fdsend("-v", "-f", "0,0,0", "from")
    assert there.wait().status == 0
    assert f"keeps {1 if '3' in wanted else 2} of 3" in there.stderr
    programs.succeeds(relay, *receivers)
