# SPDX-License-Identifier: MIT
"""fdfwd when things go wrong: never a success that is none, nothing left behind, and --keep goes on."""

import errno
import fcntl
import os
import signal

import pytest

import peers
from processes import LONG, STRANGER, until
from programs import appears
from test_big import ROOMY, checks, sender
from tracing import TRACED, tampered

# Everything that a relay says to either side goes through these.
TALK = ["sendmsg", "recvmsg", "sendto", "recvfrom"]


def relays_of(relay):
    """The processes that relay for it now, those that have ended and were not waited for among them."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == relay.pid:
            found.append(int(name))
    return found


def ends(relay, number=signal.SIGTERM):
    relay.signal(number)
    assert relay.wait().status == -number


def delivers(programs, content="hello", here=("./from",), there=("./to",)):
    receiver = programs.fdrecv("-f", "0", *there, "--run", "cat")
    programs.succeeds(programs.fdsend("-b", "-t", "20", "-f", "10", *here, fds={10: programs.text(content)}))
    assert programs.succeeds(receiver) == content


def on_its_way(programs, relay, **conditions):
    """A sender whose handover waits for a receiver at ./to."""
    started = programs.fdsend("-b", "-f", "10", "./from", fds={10: programs.text("late")}, **conditions)
    relay.said("waiting for a receiver")
    return started


# ------------------------------------------------------------------------------------- killed

@pytest.mark.parametrize("call", TALK)
@pytest.mark.parametrize("step", range(1, 7))
def test_killed_at_any_call(programs, call, step):
    """The sender succeeds only if the receiver has it; the name that is left is stale, and is replaced."""
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    relay = programs.start([*tampered(f"{call}:signal=KILL:when={step}"), programs.fdfwd_path, "./from", "./to"],
                           env=TRACED)
    appears(programs.path("from"))
    there = programs.fdsend("-f", "10", "./from", fds={10: programs.text("hello")})
    sent, relayed = there.wait(), relay.wait()
    assert sent.status in (0, 1)
    if sent.status == 0:
        assert programs.succeeds(receiver) == "hello"
        assert relayed.status in (0, -signal.SIGKILL)
        if os.path.lexists(programs.path("from")):
            peers.remove(programs.path("from"))
        return
    assert relayed.status == -signal.SIGKILL
    again = programs.fdsend("-f", "10", "./to", fds={10: programs.text("hello")}).wait()
    assert again.status == 0 or "no receiver is there" in again.stderr or "another sender was first" in again.stderr
    assert receiver.wait().stdout == "hello"
    relay = programs.fdfwd("./from", "./to")
    delivers(programs)
    programs.succeeds(relay)


@pytest.mark.parametrize("step", range(1, 24, 3))
def test_killed_amid_many(programs, step):
    """5,000 in 20 messages arrive whole or not at all."""
    receiver = programs.fdrecv("-l", "./to", "--run", *checks(5000, 3), **ROOMY)
    relay = programs.start([*tampered(f"sendmsg:signal=KILL:when={step}"), programs.fdfwd_path, "./from", "./to"],
                           env=TRACED, **ROOMY)
    appears(programs.path("from"))
    sent = sender(programs, 5000, "./from").wait()
    assert sent.status == 1 and relay.wait().status == -signal.SIGKILL
    again = sender(programs, 5000, "./to").wait()
    assert again.status == 0 or "no receiver is there" in again.stderr or "another sender was first" in again.stderr
    assert programs.succeeds(receiver) == "5000 in order\n"
    if step == 1:  # the greeting; afterwards FROM has been removed
        peers.remove(programs.path("from"))


def test_relaying_process_killed(programs):
    """The sender hears that nobody knows; those that come after it are relayed."""
    relay = programs.fdfwd("-v", "--keep", "-b", "./from", "./to")
    there = on_its_way(programs, relay)
    child, = relays_of(relay)
    os.kill(child, signal.SIGKILL)
    programs.fails(there, 1, "without an answer")
    delivers(programs)
    ends(relay)


def test_killed_while_others_relay(programs):
    """What is on its way arrives all the same."""
    relay = programs.fdfwd("-v", "--keep", "-b", "./from", "./to")
    there = on_its_way(programs, relay)
    relay.kill()
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    assert programs.succeeds(receiver) == "late"
    programs.succeeds(there)
    peers.remove(programs.path("from"))


def test_keys_of_a_terminal(programs):
    """Ctrl-C reaches the whole group: fdfwd itself waits for those on their way, so they must not end by it."""
    relay = programs.start(["setsid", programs.fdfwd_path, "-v", "--keep", "-b", "./from", "./to"])
    appears(programs.path("from"))
    there = on_its_way(programs, relay)
    os.killpg(relay.pid, signal.SIGINT)
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    assert programs.succeeds(receiver) == "late"
    programs.succeeds(there)
    assert relay.wait().status == -signal.SIGINT


# ------------------------------------------------------------------------------------ resources

@pytest.mark.needs_root
def test_no_more_processes(programs):
    """RLIMIT_NPROC, which does not hold for root: the sender hears why, and fdfwd stays."""
    folder = programs.stranger_folder()
    theirs = {"user": STRANGER, "cwd": folder}
    relay = programs.start(["prlimit", "--nproc=0", programs.fdfwd_path, "--keep", "./from", "./to"], **theirs)
    appears(folder / "from")
    for _ in range(3):
        programs.fails(programs.fdsend("-f", "0", "./from", **theirs), 1, "refused", os.strerror(errno.EAGAIN))
    relay.said("relaying failed")
    ends(relay)


@pytest.mark.needs_glibc
@pytest.mark.parametrize("failure", [errno.EAGAIN, errno.ENOMEM], ids=errno.errorcode.get)
def test_fork_fails_once(programs, failure):
    relay = programs.start([*tampered(f"clone,clone3,fork:error={errno.errorcode[failure]}:when=1"),
                            programs.fdfwd_path, "--keep", "./from", "./to"], env=TRACED)
    appears(programs.path("from"))
    programs.fails(programs.fdsend("-f", "0", "./from"), 1, "refused", os.strerror(failure))
    delivers(programs)
    ends(relay)


def test_no_process_is_left_over(programs):
    """Neither running nor as a zombie, while nothing else happens."""
    relay = programs.fdfwd("--keep", "-b", "./from", "./to")
    for _ in range(3):
        delivers(programs)
    until(lambda: not relays_of(relay), "no relay is left")
    ends(relay)


@pytest.mark.parametrize("how", ["ignored", "blocked"])
def test_caller_does_not_care_for_children(programs, how):
    relay = programs.fdfwd("-v", "--keep", "-b", "./from", "./to", **{how: (signal.SIGCHLD,)})
    there = on_its_way(programs, relay)
    relay.signal(signal.SIGTERM)
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    assert programs.succeeds(receiver) == "late"
    programs.succeeds(there)
    assert relay.wait().status == -signal.SIGTERM


@pytest.mark.needs_root
@pytest.mark.needs_mounts
def test_without_proc(programs):
    """Handovers on their way are waited for there, too."""
    relay = programs.start(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh",
                            programs.fdfwd_path, "-v", "--keep", "-b", "./from", "./to"], env=TRACED)
    appears(programs.path("from"))
    there = on_its_way(programs, relay)
    relay.signal(signal.SIGTERM)
    programs.fails(programs.fdsend("-b", "-t", "0.3", "-f", "0", "./from"), 124)
    assert relay.alive() and there.alive()
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    assert programs.succeeds(receiver) == "late"
    programs.succeeds(there)
    assert relay.wait().status == -signal.SIGTERM


def test_small_table(programs):
    """More handovers than fit, and each of several descriptors: all arrive in the end, or are told why not."""
    relay = programs.fdfwd("--keep", "-b", "./from", "./to", limits=(40, 40))
    text = programs.text("hello")
    senders = [programs.fdsend("-b", "-t", "20", "-f", "10,10,10,10", "./from", fds={10: text}) for _ in range(40)]
    for _ in range(40):
        programs.succeeds(programs.fdrecv("-f", "3-6", "./to", "--run", "true"))
    programs.succeeds(*senders)
    message = programs.fails(programs.fdsend("-b", "-t", "20", *["-f", "0"] * 60, "./from"), 1)
    assert "the receiver" in message
    delivers(programs)
    ends(relay)


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("option", [[], ["--keep"]], ids=str)
def test_standard_descriptors_closed(programs, closed, option):
    relay = programs.fdfwd("-v", *option, "./from", "./to", fds={number: None for number in closed})
    delivers(programs)
    if option:
        delivers(programs)
        relay.signal(signal.SIGTERM)
    assert relay.wait().status == (-signal.SIGTERM if option else 0)


# ------------------------------------------------------------------------------------ --ready-fd

def full_pipe(programs):
    reader, writer = programs.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    return reader, writer


def test_ready_pipe_is_full(programs):
    """Waited for within the time; nothing is left at FROM."""
    _, writer = full_pipe(programs)
    relay = programs.fdfwd("-t", "0.3", "--ready-fd", "9", "./from", "./to", ready=None, fds={9: writer})
    programs.fails(relay, 124, "--ready-fd")
    assert not os.path.lexists(programs.path("from"))


@pytest.mark.parametrize("option", [[], ["--keep"]], ids=str)
def test_ready_pipe_is_full_for_a_while(programs, option):
    reader, writer = full_pipe(programs)
    relay = programs.fdfwd(*option, "--ready-fd", "9", "./from", "./to", ready=None, fds={9: writer})
    appears(programs.path("from"))
    relay.settle()
    programs.close(writer)
    assert len(os.read(reader, 4096)) == 4096
    assert os.read(reader, 10) == b"\n" and os.read(reader, 10) == b""
    ends(relay)


def test_ready_pipe_is_full_and_a_signal_comes(programs):
    _, writer = full_pipe(programs)
    relay = programs.fdfwd("--keep", "--ready-fd", "9", "./from", "./to", ready=None, fds={9: writer})
    appears(programs.path("from"))
    relay.settle()
    ends(relay)


def test_ready_pipe_is_closed(programs):
    reader, writer = programs.pipe()
    programs.close(reader)
    programs.fails(programs.fdfwd("--ready-fd", "9", "./from", "./to", ready=None, fds={9: writer}), 1,
                   "--ready-fd", os.strerror(errno.EPIPE))
    assert not os.path.lexists(programs.path("from"))


# ------------------------------------------------------------------------------------- others

def test_receiver_that_reads_nothing(programs):
    """It costs its own handover the time, and nobody else anything."""
    deaf = programs.closes(peers.Receiver(programs.path("to")))
    relay = programs.fdfwd("-v", "--keep", "-t", "1.5", "./from", "./to")
    there = programs.fdsend("-f", "0", "./from")
    deaf.accept()
    programs.fails(there, 1, "refused", "./to: ", "time ran out")
    deaf.close()
    delivers(programs)
    ends(relay)


def test_more_deaf_receivers_than_relays(programs):
    """All places taken by handovers that nobody takes: the next ones wait for a place, not for ever."""
    deaf = programs.closes(peers.Receiver(programs.path("to"), backlog=100))
    relay = programs.fdfwd("--keep", "-t", "1", "./from", "./to")
    senders = [programs.fdsend("-t", "20", "-f", "0", "./from") for _ in range(40)]
    for there in senders:
        programs.fails(there, 1, "refused", "time ran out")
    deaf.close()
    delivers(programs)
    ends(relay)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400", b"fdpass/1R\0\xff\xff\0\0\0\0", b"fdpass/2A\0\0\0\0\0\0\1",
                                    b"fdpass/1Z\0\0\0\0\0\0\0"], ids=repr)
def test_garbage_from_a_receiver(programs, answer):
    receiver = programs.closes(peers.Receiver(programs.path("to")))
    relay = programs.fdfwd("-v", "--keep", "./from", "./to")
    there = programs.fdsend("-f", "0", "./from")
    connection = receiver.accept()
    connection.sendall(answer)
    connection.close()
    programs.fails(there, 1, "refused", "./to: ")
    receiver.close()
    delivers(programs)
    ends(relay)


@pytest.mark.needs_root
def test_stranger_at_the_receivers_place(programs):
    """Not given to, not waited for in vain: with -b, until the time is over."""
    folder = programs.public_folder()
    (folder / "shared").mkdir()
    (folder / "shared").chmod(0o777)

    def squat():
        _receiver = peers.Receiver("to")
        os.chmod("to", 0o666)
        os.write(3, b"\n")
        os.close(3)
        signal.pause()

    squatter = programs.forked(squat, user=STRANGER, cwd=folder / "shared", ready=3).wait_ready()
    relay = programs.fdfwd("--keep", "-b", "-t", "1.5", "./from", str(folder / "shared/to"))
    programs.fails(programs.fdsend("-f", "0", "./from"), 1, "refused", f"user {STRANGER}")
    squatter.kill()
    os.unlink(folder / "shared/to")
    ends(relay)


@pytest.mark.parametrize("there", ["./from", "{folder}/from", "./sub/../from", "link/from"])
@pytest.mark.parametrize("option", [[], ["--keep"]], ids=str)
def test_to_itself(programs, there, option):
    """Else each handover would come back, for ever."""
    os.symlink(programs.folder, programs.path("link"))
    os.mkdir(programs.path("sub"))
    there = there.format(folder=programs.folder)
    programs.fails(programs.fdfwd(*option, "-b", "./from", there, ready=None), 2, there, "twice")
    assert not os.path.lexists(programs.path("from"))


def test_sender_goes_while_it_is_relayed(programs):
    """And nobody is left to be told."""
    relay = programs.fdfwd("-v", "--keep", "-b", "./from", "./to")
    connection = peers.send(programs.path("from"), [programs.text("hello")])
    relay.said("waiting for a receiver")
    connection.close()
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    assert programs.succeeds(receiver) == "hello"
    delivers(programs)
    ends(relay)


def test_senders_connection_shared_with_no_one(programs):
    """A relay has no copy of another's connection: who ends without an answer is seen at once."""
    relay = programs.fdfwd("-v", "--keep", "-b", "./from", "./to")
    first = on_its_way(programs, relay)
    child, = relays_of(relay)
    second = programs.closes(peers.send(programs.path("from"), [programs.text("hello")]))
    until(lambda: len(relays_of(relay)) == 2, "two relays")
    other, = set(relays_of(relay)) - {child}
    os.kill(child, signal.SIGKILL)
    programs.fails(first, 1, "without an answer")
    os.kill(other, signal.SIGKILL)
    assert peers.hung_up(second, LONG)
    ends(relay)
