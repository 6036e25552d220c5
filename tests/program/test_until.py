# SPDX-License-Identifier: MIT
"""--until-run and --until-exit: more than that the receiver has them."""

import os
import signal
import socket

import pytest

import peers
from processes import LONG
from programs import TRY_FDSEND
from tracing import TRACED, tampered


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


def accepted(programs, option, *words, wanted="3", **conditions):
    """One of two sockets has got its descriptor, and the receiver waits for the other: sender, receiver."""
    receiver = programs.fdrecv("-f", "0", "name", "-f", wanted, *words, "--run", "true", **conditions)
    sender = programs.fdsend("-v", option, "-f", "0", "name")
    sender.said("has them")
    return sender, receiver


def test_receiver_whose_time_runs_out_before_it_runs(programs):
    sender, receiver = accepted(programs, "--until-run", "other", "-t", "4")
    programs.fails(sender, 1, "accepted", "could not be started", programs.named("other"), "the time ran out")
    programs.fails(receiver, 124)


@pytest.mark.parametrize("option", ["--until-run", "--until-exit"])
@pytest.mark.parametrize("how", ["closes", "is refused"])
def test_receiver_that_fails_before_it_runs(programs, option, how):
    """What was to come by a connection never will: nothing runs."""
    ours, theirs = (programs.closes(end) for end in socket.socketpair())
    sender, receiver = accepted(programs, option, "-c", "5", fds={5: theirs.fileno()})
    theirs.close()
    reason = "closed it without sending"
    if how == "is refused":
        reason = "no descriptor came with it"
        ours.sendall(b"x")
    ours.close()
    programs.fails(sender, 1, "accepted", "could not be started", reason)
    programs.fails(receiver, 125, reason)


def test_receiver_that_gets_too_few_before_it_runs(programs):
    ours, theirs = (programs.closes(end) for end in socket.socketpair())
    sender, receiver = accepted(programs, "--until-run", "-c", "5", wanted="3,4", fds={5: theirs.fileno()})
    programs.fails(programs.fdsend("-f", "0", "-c", "5", fds={5: ours.fileno()}), 1, "refused")
    programs.fails(sender, 1, "accepted", "could not be started", "2 descriptors are wanted, and 1 came")
    programs.fails(receiver, 125, "refused", "2 descriptors are wanted, and 1 came")


def first_process(programs, *words):
    """PID 1 of a namespace, which no signal kills: it exits instead. unshare(1), which ends as it does."""
    return programs.start(["unshare", "--pid", "--fork", *words], env=TRACED)


def children(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


@pytest.mark.needs_root
def test_first_process_that_is_ended_before_it_runs(programs):
    receiver = first_process(programs, programs.fdrecv_path, "-f", "0", "name", "-f", "3", "other", "--run", "true")
    sender = programs.fdsend("-v", "-b", "--until-run", "-f", "0", "name")
    sender.said("has them")
    for pid in children(receiver):
        os.kill(pid, signal.SIGTERM)
    programs.fails(sender, 1, "accepted", "could not be started", "interrupted (TERM)")
    assert receiver.wait().status == 128 + signal.SIGTERM


@pytest.mark.needs_root
def test_first_process_that_is_ended_while_it_places(programs):
    """A signal after the last wait: it is found right before execve(2)."""
    receiver = first_process(programs, *tampered("dup2,dup3:signal=TERM:when=1"), programs.fdrecv_path, "-f", "7", "name",
                             "--run", "true")
    sender = programs.fdsend("-v", "-b", "--until-run", "-f", "0", "name")
    programs.fails(sender, 1, "accepted", "could not be started", "interrupted (TERM)")
    assert receiver.wait().status == 128 + signal.SIGTERM


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
