# SPDX-License-Identifier: MIT
"""fdfwd: what comes is passed on, to all or, as far as it can be, to none."""

import os
import signal
import socket
import struct

import pytest

import peers
from processes import LONG, STRANGER
from programs import TRY_FDFWD
from test_big import MAGIC, ROOMY, checks, sender
from test_activate import distinct, placed


def given(programs, *words, fds=None):
    programs.succeeds(programs.fdsend(*(words or ["-f", "10", "from"]), fds=fds or {10: programs.text("hello")}))


@pytest.mark.parametrize("here, there", [
    (["from"], ["to"]), (["./from"], ["./to"]), (["-a", "FROM"], ["./to"]), (["./from"], ["-a", "TO"]),
    (["-a", "FROM"], ["-a", "TO"]),
], ids=lambda words: " ".join(words))
def test_from_here_to_there(programs, here, there):
    names = {"FROM": programs.abstract("from"), "TO": programs.abstract("to")}
    here, there = ([names.get(word, word) for word in words] for words in (here, there))
    receiver = programs.fdrecv("-f", "0", *there, "--run", "cat")
    relay = programs.fdfwd(*here, *there)
    given(programs, "-f", "10", *here)
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == "hello"


def test_one_to_three(programs):
    """All have the same open file description."""
    commands = [programs.listing() for _ in range(3)]
    receivers = [programs.fdrecv("-l", f"to{index}", "--run", *command)
                 for index, (command, _) in enumerate(commands)]
    relay = programs.fdfwd("from", "to0", "to1", "to2")
    fds = distinct(programs, 2)
    given(programs, "-f", "10,11", "from", fds={10: fds[0], 11: fds[1]})
    programs.succeeds(relay, *receivers)
    for _, read in commands:
        placed(read(), {3: fds[0], 4: fds[1]})


def test_names(programs):
    command, read = programs.listing()
    receiver = programs.fdrecv("-l", "to", "--run", *command)
    relay = programs.fdfwd("from", "to")
    fds = distinct(programs, 2)
    given(programs, "-f", "web=10,11", "from", fds={10: fds[0], 11: fds[1]})
    programs.succeeds(relay, receiver)
    assert read()["environment"]["LISTEN_FDNAMES"] == "web:unknown"


@pytest.mark.parametrize("count", [254, 10000])
def test_many(programs, count):
    receiver = programs.fdrecv("-l", "to", "--run", *checks(count, 3), **ROOMY)
    relay = programs.fdfwd("from", "to", **ROOMY)
    programs.succeeds(sender(programs, count, "from"))
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == f"{count} in order\n"


def test_nothing_is_left_of_it(programs):
    """What it has closed is closed: the pipe ends when its other holders do."""
    reader, writer = programs.pipe()
    receiver = programs.fdrecv("-f", "5", "to", "--run", "true")
    relay = programs.fdfwd("--keep", "from", "to")
    given(programs, "-f", "10", "from", fds={10: writer})
    programs.close(writer)
    programs.succeeds(receiver)
    assert os.read(reader, 1) == b""
    assert relay.alive()
    relay.signal(signal.SIGTERM)
    assert relay.wait().status == -signal.SIGTERM
    assert not os.path.lexists(programs.named("from"))


# ---------------------------------------------------------------------------------------- failures

def test_the_sender_hears_why(programs):
    relay = programs.fdfwd("from", "to")
    message = programs.fails(programs.fdsend("-f", "0", "from"), 1, "fdsend: ", "the receiver refused: ",
                             programs.named("to"), "no receiver is there")
    assert "has gone to" not in message
    programs.fails(relay, 1, "fdfwd: ", programs.named("to"), "no receiver is there")


def test_those_that_have_it_are_named(programs):
    receivers = [programs.fdrecv("-f", "0", name, "--run", "true") for name in ("one", "two")]
    last = programs.fdrecv("-f", "0", "four", "--run", "true")
    relay = programs.fdfwd("from", "one", "two", "three", "four")
    there = f"it has gone to {programs.named('one')}, {programs.named('two')}"
    programs.fails(programs.fdsend("-f", "0", "from"), 1, f"refused: {there}")
    programs.fails(relay, 1, f"fdfwd: {there}, but then: {programs.named('three')}: no receiver is there")
    programs.succeeds(*receivers)
    assert last.alive()
    last.signal(signal.SIGTERM)
    last.wait()


def test_a_receivers_own_reason(programs):
    receiver = programs.fdrecv("-f", "5,6", "to", "--run", "true")
    relay = programs.fdfwd("from", "to")
    programs.fails(programs.fdsend("-f", "0", "from"), 1, "2 descriptors are wanted, and 1 came")
    programs.fails(relay, 1, "2 descriptors are wanted, and 1 came")
    given(programs, "-f", "10,10", "to")
    assert receiver.wait().status == 0


def test_receiver_killed_while_it_has_it(programs):
    """Accepted, says nobody: never a success that is not one."""
    receiver = programs.closes(peers.Receiver(programs.path("to")))
    relay = programs.fdfwd("./from", "./to")
    there = programs.fdsend("-f", "10", "./from", fds={10: programs.text("x")})
    connection = receiver.accept()
    connection.sendall(b"fdpass/1")
    data, fds, _, _ = socket.recv_fds(connection, 1, 1)
    assert data and len(fds) == 1
    os.close(fds[0])
    receiver.disconnect()
    programs.fails(there, 1, "refused", "ended without an answer")
    programs.fails(relay, 1, "ended without an answer")


def test_sender_that_is_killed(programs):
    """What came is passed on all the same, as nobody can know."""
    receiver = programs.closes(peers.Receiver(programs.path("to"), listen=False))
    relay = programs.fdfwd("-v", "-b", "./from", "./to")
    there = programs.fdsend("-f", "10", "./from", fds={10: programs.text("x")})
    relay.said("waiting for a receiver")
    there.kill()
    receiver.listen()
    assert receiver.connected(LONG)
    _, _, fds = receiver.receive()
    assert len(fds) == 1
    assert relay.wait().status == 0


@pytest.mark.parametrize("option", [[], ["--keep"]], ids=str)
def test_the_time_runs_out(programs, option):
    """Of one handover, from when it came, with --keep."""
    relay = programs.fdfwd(*option, "-b", "-t", "1.5", "from", "to")
    message = programs.fails(programs.fdsend("-f", "0", "from"), 1, "refused", "the time ran out")
    assert programs.named("to") in message
    if not option:
        programs.fails(relay, 124, "the time ran out")
        return
    receiver = programs.fdrecv("-f", "0", "to", "--run", "cat")
    given(programs)
    assert programs.succeeds(receiver) == "hello"
    relay.signal(signal.SIGTERM)
    assert relay.wait().status == -signal.SIGTERM


def test_the_time_runs_out_without_a_sender(programs):
    programs.fails(programs.fdfwd("-t", "0.2", "from", "to"), 124, programs.named("from"), "the time ran out")


def test_signal(programs):
    relay = programs.fdfwd("from", "to")
    relay.settle()
    relay.signal(signal.SIGTERM)
    assert relay.wait() == (-signal.SIGTERM, "", "")
    assert not os.path.lexists(programs.named("from"))


# -------------------------------------------------------------------------------------------- keep

def test_one_after_the_other(programs):
    relay = programs.fdfwd("--keep", "from", "to")
    for index in range(20):
        receiver = programs.fdrecv("-f", "0", "to", "--run", "cat")
        given(programs, "-f", "10", "from", fds={10: programs.text(str(index))})
        assert programs.succeeds(receiver) == str(index)
    programs.fails(programs.fdsend("-f", "0", "from"), 1, "no receiver is there")
    relay.said("no receiver is there")
    assert relay.alive()
    relay.signal(signal.SIGINT)
    assert relay.wait().status == -signal.SIGINT


def test_none_waits_for_another(programs):
    """Forty handovers, more than are relayed at once, wait for receivers; each gets one in the end."""
    relay = programs.fdfwd("--keep", "-b", "from", "to")
    senders = [programs.fdsend("-f", "10", "from", fds={10: programs.text(f"{index} ")}) for index in range(40)]
    got = []
    for _ in range(40):
        receiver = programs.fdrecv("-f", "0", "to", "--run", "cat")
        got.append(int(programs.succeeds(receiver)))
    programs.succeeds(*senders)
    assert sorted(got) == list(range(40))
    relay.signal(signal.SIGTERM)
    assert relay.wait().status == -signal.SIGTERM


def test_bad_handovers_do_not_end_it(programs):
    relay = programs.fdfwd("-v", "--keep", "./from", "./to")
    connection = programs.closes(peers.connect(programs.path("from")))
    connection.sendall(MAGIC + struct.pack(">II", 0xffffffff, 0))
    assert peers.hung_up(connection)
    relay.said("turned away")
    idle = programs.closes(peers.connect(programs.path("from")))
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    given(programs, "-f", "10", "./from")
    assert programs.succeeds(receiver) == "hello"
    idle.close()
    relay.signal(signal.SIGTERM)
    assert relay.wait().status == -signal.SIGTERM


def test_a_signal_lets_those_on_their_way_finish(programs):
    relay = programs.fdfwd("-v", "--keep", "-b", "from", "to")
    on_its_way = programs.fdsend("-f", "10", "from", fds={10: programs.text("late")})
    relay.said("waiting for a receiver")
    relay.signal(signal.SIGTERM)
    # Nobody else is received.
    programs.fails(programs.fdsend("-b", "-t", "0.3", "-f", "0", "from"), 124)
    assert relay.alive() and on_its_way.alive()
    receiver = programs.fdrecv("-f", "0", "to", "--run", "cat")
    assert programs.succeeds(receiver) == "late"
    programs.succeeds(on_its_way)
    assert relay.wait().status == -signal.SIGTERM


def test_within_the_time(programs):
    """What is still on its way then is given up, and its sender told."""
    relay = programs.fdfwd("-v", "--keep", "-b", "-t", "1.5", "from", "to")
    on_its_way = programs.fdsend("-f", "10", "from", fds={10: programs.text("late")})
    relay.said("waiting for a receiver")
    relay.signal(signal.SIGTERM)
    programs.fails(on_its_way, 1, "refused")
    assert relay.wait().status == -signal.SIGTERM


def test_a_second_signal_ends_it_at_once(programs):
    relay = programs.fdfwd("-v", "--keep", "-b", "from", "to")
    on_its_way = programs.fdsend("-f", "10", "from", fds={10: programs.text("late")})
    relay.said("waiting for a receiver")
    relay.signal(signal.SIGTERM)
    programs.fails(programs.fdsend("-b", "-t", "0.2", "-f", "0", "from"), 124)
    relay.signal(signal.SIGINT)
    programs.fails(on_its_way, 1, "refused", "interrupted")
    assert relay.wait().status in (-signal.SIGTERM, -signal.SIGINT)


# --------------------------------------------------------------------------------------- who, where

@pytest.mark.needs_root
def test_to_another_user(programs):
    folder = programs.stranger_folder()
    receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat", user=STRANGER, cwd=folder)
    refused = programs.fdfwd("./from", str(folder / "to"))
    programs.fails(programs.fdsend("-f", "0", "./from"), 1, "refused", "who may not have this")
    refused.wait()
    relay = programs.fdfwd("--to-user", str(STRANGER), "./from", str(folder / "to"))
    given(programs, "-f", "10", "./from")
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == "hello"


@pytest.mark.needs_root
def test_from_another_user(programs):
    folder = programs.public_folder()
    relay = programs.fdfwd("--from-user", str(STRANGER), str(folder / "from"), "to")
    receiver = programs.fdrecv("-f", "0", "to", "--run", "cat")
    programs.fails(programs.fdsend("-f", "0", str(folder / "from")), 1, "refused")
    programs.succeeds(programs.fdsend("-f", "10", str(folder / "from"), user=STRANGER,
                                      fds={10: programs.text("from a stranger")}))
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == "from a stranger"


@pytest.mark.needs_root
@pytest.mark.needs_mounts
def test_across_mount_namespaces(programs):
    """The receiver sees another file system; an abstract name reaches it."""
    name = programs.abstract()
    receiver = programs.start(["unshare", "--mount", "sh", "-c",
                               'mount -t tmpfs none "$1" && shift && exec "$@"', "sh", str(programs.folder),
                               programs.fdrecv_path, "-a", "-f", "0", name, "--run", "cat"])
    relay = programs.fdfwd("-b", "./from", "-a", name)
    given(programs, "-f", "10", "./from")
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == "hello"


@pytest.mark.needs_root
def test_across_network_namespaces(programs):
    """An abstract name ends at the namespace; a path does not."""
    name = programs.abstract()
    receiver = programs.start(["unshare", "--net", programs.fdrecv_path, "-f", "0", "./to", "--run", "cat"])
    relay = programs.fdfwd("-b", "-a", name, "./to")
    given(programs, "-f", "10", "-a", name)
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == "hello"


@pytest.mark.parametrize("end", ["from", "to", "both"])
def test_inherited_connections(programs, end):
    words, fds, conditions = ["./from", "./to"], {}, {}
    receiver = None
    if end in ("from", "both"):
        mine, theirs = socket.socketpair()
        words[0:1], fds[7] = ["-c", "7"], theirs.fileno()
    if end in ("to", "both"):
        my_to, their_to = socket.socketpair()
        words[-1:], fds[8] = ["-c", "8"], their_to.fileno()
        conditions = {8: my_to.fileno()}
    if conditions:
        receiver = programs.fdrecv("-f", "0", "-c", "8", "--run", "cat", fds=conditions)
    else:
        receiver = programs.fdrecv("-f", "0", "./to", "--run", "cat")
    relay = programs.fdfwd(*words, fds=fds)
    if 7 in fds:
        given(programs, "-f", "10", "-c", "7", fds={7: mine.fileno(), 10: programs.text("hello")})
        mine.close()
        theirs.close()
    else:
        given(programs, "-f", "10", "./from")
    if 8 in fds:
        my_to.close()
        their_to.close()
    programs.succeeds(relay)
    assert programs.succeeds(receiver) == "hello"


# ------------------------------------------------------------------------------------------- usage

@pytest.mark.parametrize("line, texts", [
    ("", ["no FROM"]),
    ("from", ["no TO"]),
    ("-a", ["no SOCKSPEC after -a"]),
    ("from to -c", ["no SOCKSPEC after -c"]),
    ("-a -c from to", ["-c", "-a was given"]),
    ("from from", ["'from'", "twice"]),
    ("from to ./x to", ["'to'", "twice"]),
    ("listen:80 to", ["listen:80", "looks like"]),
    ("from tcp:80", ["tcp:80", "looks like"]),
    ("--from-user root from to", ["'from'", "run directory"]),
    ("--keep -c 5 to", ["--keep", "'5'"]),
    ("--keep from -c 5", ["--keep", "'5'"]),
    ("-t soon from to", ["-t", "soon"]),
    ("--ready-fd x from to", ["--ready-fd", "'x'"]),
    ("--nonsense from to", ["--nonsense"]),
    ("-f 3 from to", ["-f"]),
    ("--to-user no-such-user from to", ["--to-user", "no-such-user"]),
    ("-c x to", ["x"]),
])
def test_wrong_usage(programs, line, texts):
    message = programs.fails(programs.fdfwd(*line.split(), ready=None), 2, "fdfwd: ", *texts)
    assert message.rstrip("\n").endswith(TRY_FDFWD)
    assert not os.path.lexists(programs.runtime)


@pytest.mark.parametrize("line", ["from to -b -v", "-bv -- from to", "--blocking --time=20 from to",
                                  "-b from -q to", "-b -t 0 from to"])
def test_usage(programs, line):
    relay = programs.fdfwd(*line.split())
    receiver = programs.fdrecv("-f", "0", "to", "--run", "cat")
    given(programs)
    assert relay.wait().status == 0
    assert programs.succeeds(receiver) == "hello"


def test_ready_fd_that_is_closed(programs):
    programs.fails(programs.fdfwd("--ready-fd", "44", "from", "to", ready=None), 1, "--ready-fd", "44 is not open")
