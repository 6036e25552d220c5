# SPDX-License-Identifier: MIT
"""--until-run and --until-exit: more than that the receiver has them."""

import os
import signal
import socket

import pytest

import peers
from processes import LONG
from programs import TRY_FDSEND


def waiting(programs, *words):
    """A command that tells its start on a pipe and ends when another one does: receiver, start, end."""
    started, says = programs.pipe()
    end, hold = programs.pipe()
    receiver = programs.fdrecv("-f", "5", "name", "--run", "sh", "-c", "echo >&7; read -r line <&8; exit 3",
                               fds={7: says, 8: end}, *words)
    programs.close(says, end)
    return receiver, started, hold


def test_until_run(programs):
    receiver, started, hold = waiting(programs)
    sender = programs.fdsend("-v", "--until-run", "-f", "0", "name")
    assert sender.wait().status == 0
    assert f"process {receiver.pid} runs its command" in sender.result.stderr
    assert os.read(started, 1) == b"\n" and receiver.alive()
    programs.close(hold)
    assert receiver.wait().status == 3


def test_until_exit(programs):
    receiver, started, hold = waiting(programs)
    sender = programs.fdsend("--until-exit", "-f", "0", "name")
    assert os.read(started, 1) == b"\n"
    assert sender.lasts(0.2)
    programs.close(hold)
    programs.succeeds(sender)
    assert receiver.wait().status == 3


def test_both_are_the_longer_one(programs):
    receiver, started, hold = waiting(programs)
    sender = programs.fdsend("--until-exit", "--until-run", "-f", "0", "name")
    assert os.read(started, 1) == b"\n"
    assert sender.lasts(0.1)
    programs.close(hold)
    programs.succeeds(sender)
    receiver.wait()


def test_until_exit_of_what_is_killed(programs):
    """However it ended: it was started."""
    receiver, _, _ = waiting(programs)
    sender = programs.fdsend("-v", "--until-exit", "-f", "0", "name")
    # Killed before the sender has looked, it could not be told whether it had been started.
    sender.said("runs its command")
    receiver.kill()
    assert sender.wait().status == 0


@pytest.mark.parametrize("script, texts", [
    ("#!/no/such/interpreter\n", ["could not be started", "No such file"]),
    ("\x7fELF", ["could not be started", "Exec format"]),
])
def test_command_that_cannot_be_started(programs, script, texts):
    """What only execve(2) can tell: the sender hears it, and fails."""
    path = programs.folder / "command"
    path.write_text(script)
    path.chmod(0o755)
    for option in ("--until-run", "--until-exit"):
        receiver = programs.fdrecv("-f", "0", "name", "--run", "./command")
        sender = programs.fdsend(option, "-f", "0", "name")
        result = sender.wait()
        assert result.status == 1 and "running ./command failed" in result.stderr, result
        assert receiver.wait().status in (126, 127)


def test_receiver_that_ends_before_it_runs(programs):
    """Another socket is never served: what came was accepted, and nothing runs."""
    receiver = programs.fdrecv("-f", "0", "name", "-f", "3", "other", "--run", "true")
    sender = programs.fdsend("-v", "--until-run", "-f", "0", "name")
    sender.said("has them")
    receiver.signal(signal.SIGTERM)
    result = sender.wait()
    assert result.status == 1, result
    assert receiver.wait().status == -signal.SIGTERM


def test_receiver_that_is_killed_before_it_runs(programs):
    receiver = programs.fdrecv("-f", "0", "name", "-f", "3", "other", "--run", "true")
    sender = programs.fdsend("-v", "--until-run", "-f", "0", "name")
    sender.said("has them")
    receiver.kill()
    assert sender.wait().status == 1
    for name in ("name", "other"):
        if os.path.lexists(programs.named(name)):
            os.unlink(programs.named(name))


def test_the_time_runs_out(programs):
    receiver, started, hold = waiting(programs)
    sender = programs.fdsend("--until-exit", "-t", "0.3", "-f", "0", "name")
    programs.fails(sender, 124, "the time ran out")
    assert os.read(started, 1) == b"\n"
    programs.close(hold)
    receiver.wait()


def test_a_signal_ends_it(programs):
    receiver, started, hold = waiting(programs)
    sender = programs.fdsend("--until-exit", "-f", "0", "name")
    assert os.read(started, 1) == b"\n"
    sender.settle()
    sender.signal(signal.SIGTERM)
    assert sender.wait().status == -signal.SIGTERM
    programs.close(hold)
    receiver.wait()


def test_receiver_that_does_not_answer(programs):
    """It has read them, which is all that can be known: not enough."""
    receiver = programs.closes(peers.Receiver(programs.path("receiver")))
    sender = programs.fdsend("--until-run", "-f", "0", "./receiver")
    assert receiver.connected(LONG)
    receiver.receive()
    programs.fails(sender, 1, "fdsend: ./receiver: ")


@pytest.mark.parametrize("option", ["--until-run", "--until-exit"])
@pytest.mark.parametrize("count", [1, 300])
def test_over_an_inherited_connection(programs, option, count):
    ends = [programs.closes(end) for end in socket.socketpair()]
    receiver = programs.fdrecv("-l", "-c", "5", "--run", "sh", "-c", "echo $LISTEN_FDS", fds={5: ends[0].fileno()})
    ends[0].close()
    words = [word for _ in range(count) for word in ("-f", "0")]
    sender = programs.fdsend(option, *words, "-c", "5", fds={5: ends[1].fileno()})
    ends[1].close()
    programs.succeeds(sender)
    assert receiver.wait().stdout == f"{count}\n"


@pytest.mark.parametrize("words", [["--until-run", "--no-confirm"], ["--no-confirm", "--until-exit"]])
def test_wrong_usage(programs, words):
    message = programs.fails(programs.fdsend(*words, "-f", "0", "name"), 2, "--no-confirm", "--until-")
    assert message.rstrip("\n").endswith(TRY_FDSEND)


def test_blocking_waits_for_the_start(programs):
    """With -b the next receiver may come later; what it runs is waited for all the same."""
    sender = programs.fdsend("-b", "--until-exit", "-f", "0", "./late")
    sender.settle()
    receiver = programs.fdrecv("-f", "0", "./late", "--run", "true", ready=None)
    programs.succeeds(sender, receiver)
    assert not os.path.lexists(programs.path("late"))
