# SPDX-License-Identifier: MIT
"""Handovers of more than one message: all of it arrives, in order, or nothing."""

import os
import re
import resource
import socket
import struct
import sys

import pytest

import peers
from processes import LONG, STRANGER
from programs import HERE
from tracing import TRACED, tampered

NUMBERED = [sys.executable, "-I", "-S", str(HERE / "numbered.py")]
FIRST = 500
TABLE = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
ROOMY = {"limits": (1024, TABLE)}


def sender(programs, count, *words, **conditions):
    """fdsend of that many descriptors, which can be told apart."""
    return programs.start([*NUMBERED, "open", str(count), programs.fdsend_path, "-f",
                           f"{FIRST}-{FIRST + count - 1}", *words], **{**ROOMY, **conditions})


def checks(count, number):
    return [*NUMBERED, "check", str(count), str(number)]


@pytest.mark.parametrize("count", [253, 254, 506, 507, 5000, 10000])
def test_by_numbers(programs, count):
    receiver = programs.fdrecv("-f", f"10-{9 + count}", "name", "--run", *checks(count, 10), **ROOMY)
    programs.succeeds(sender(programs, count, "name"))
    assert programs.succeeds(receiver) == f"{count} in order\n"


@pytest.mark.parametrize("count", [254, 10000])
def test_as_an_activation(programs, count):
    receiver = programs.fdrecv("-l", "name", "--run", "sh", "-c", 'echo $LISTEN_FDS; exec "$@"', "sh",
                               *checks(count, 3), **ROOMY)
    programs.succeeds(sender(programs, count, "name"))
    assert programs.succeeds(receiver) == f"{count}\n{count} in order\n"


def test_onto_the_numbers_on_which_they_arrive(programs):
    """Backwards, so that everything is in the way of something else."""
    count = 3000
    targets = ",".join(str(2 + count - index) for index in range(count))
    command, read = programs.listing()
    receiver = programs.fdrecv("-f", targets, "name", "--run", *command, **ROOMY)
    programs.succeeds(sender(programs, count, "name"))
    programs.succeeds(receiver)
    assert len(read()["fds"]) == 3 + count


def test_surplus_is_closed(programs):
    receiver = programs.fdrecv("-f", "5,6", "name", "--run", *checks(2, 5), **ROOMY)
    programs.succeeds(sender(programs, 1000, "name"))
    assert programs.succeeds(receiver) == "2 in order\n"


def test_out_of_another_process(programs):
    """As many as that, by number, reopened."""
    holder = programs.start([*NUMBERED, "open", "1000", "sh", "-c", "echo; exec sleep 60"], **ROOMY)
    holder.said("\n", number=1)
    receiver = programs.fdrecv("-p", str(holder.pid), "-l", f"{FIRST}-{FIRST + 999}", "--run", *checks(1000, 3),
                               ready=None, **ROOMY)
    assert programs.succeeds(receiver) == "1000 in order\n"
    receiver = programs.fdrecv("-l", "name", "--run", *checks(1000, 3), **ROOMY)
    programs.succeeds(programs.fdsend("-p", str(holder.pid), "-d", "-f", f"{FIRST}-{FIRST + 999}", "name", **ROOMY))
    assert programs.succeeds(receiver) == "1000 in order\n"
    holder.kill()


def test_refused_before_anything_is_taken(programs):
    """The hard limit cannot hold what is announced: the sender is told, and the wait goes on."""
    receiver = programs.fdrecv("-l", "name", "--run", "true", limits=(300, 300))
    programs.fails(sender(programs, 400, "name"), 1, "the receiver refused", "hard limit on open files, 300")
    receiver.said("")
    assert receiver.alive()
    programs.succeeds(programs.fdsend("-f", "0", "name"), receiver)


def test_fewer_than_wanted(programs):
    receiver = programs.fdrecv("-f", "10-609", "name", "--run", "true", **ROOMY)
    programs.fails(sender(programs, 599, "name"), 1, "600 descriptors are wanted, and 599 came")
    programs.succeeds(sender(programs, 600, "name"), receiver)


@pytest.mark.parametrize("step", range(1, 22))
def test_receiver_killed_at_any_message(programs, step):
    """Of 5,000 in 20 messages, and the header: the sender fails, nothing runs."""
    receiver = programs.start([*tampered(f"recvmsg:signal=KILL:when={step}"), programs.fdrecv_path, "-l", "./name",
                               "--run", "echo", "it runs"], env=TRACED, **ROOMY)
    started = sender(programs, 5000, "-b", "-t", "20", "./name")
    result = receiver.wait()
    assert result.stdout == "" and result.status < 0, result
    # Before "go on" the next receiver gets it; after it, the sender cannot know that there will be one.
    next_one = programs.fdrecv("-l", "./name", "--run", *checks(5000, 3), **ROOMY)
    result = started.wait()
    if result.status == 0:
        assert programs.succeeds(next_one) == "5000 in order\n"
        return
    assert result.status == 1 and "fdsend: ./name: " in result.stderr, result
    programs.succeeds(sender(programs, 5000, "./name"))
    assert programs.succeeds(next_one) == "5000 in order\n"


@pytest.mark.parametrize("step", [1, 2, 3, 10, 21])
def test_sender_killed_at_any_message(programs, step):
    """The receiver closes what had come, and takes the next one."""
    receiver = programs.fdrecv("-l", "name", "--run", *checks(600, 3), **ROOMY)
    killed = programs.start([*NUMBERED, "open", "5000", *tampered(f"sendmsg:signal=KILL:when={step}"),
                             programs.fdsend_path, "-f", f"{FIRST}-{FIRST + 4999}", "name"], env=TRACED, **ROOMY)
    assert killed.wait().status < 0
    programs.succeeds(sender(programs, 600, "name"))
    assert programs.succeeds(receiver) == "600 in order\n"


@pytest.mark.needs_root
def test_two_at_once_under_a_small_soft_limit(programs):
    """The kernel counts what a user has on its way, against the sender's soft limit (ETOOMANYREFS)."""
    folder = programs.stranger_folder()
    as_user = {"user": STRANGER, "cwd": folder, "limits": (300, 4096)}
    receivers = [programs.fdrecv("-l", f"./name{index}", "--run", "sh", "-c", "echo $LISTEN_FDS", **as_user)
                 for index in range(2)]
    words = [word for _ in range(200) for word in ("-f", "0")]
    senders = [programs.fdsend(*words, f"./name{index}", **as_user) for index in range(2)]
    programs.succeeds(*senders)
    assert [programs.succeeds(receiver) for receiver in receivers] == ["200\n"] * 2


@pytest.mark.needs_root
def test_held_up_by_what_is_on_its_way(programs):
    """What another handover of the same user has on its way is waited for, until the deadline."""
    folder = programs.stranger_folder()
    limits = (300, 300)

    def fill():
        """Two messages that nobody reads: 400 descriptors on their way."""
        ends = socket.socketpair()
        for _ in range(2):
            socket.send_fds(ends[0], [b"x"], [ends[1].fileno()] * 200)
        os.write(1, b"filled\n")
        os.read(0, 1)

    end, hold = programs.pipe()
    filler = programs.forked(fill, user=STRANGER, cwd=folder, limits=limits, fds={0: end})
    filler.said("filled", number=1)
    receiver = programs.fdrecv("-l", "./name", "--run", "sh", "-c", "echo $LISTEN_FDS", user=STRANGER, cwd=folder,
                               limits=(300, 4096))
    words = [word for _ in range(100) for word in ("-f", "0")]
    late = programs.fdsend(*words, "-t", "0.3", "./name", user=STRANGER, cwd=folder, limits=limits)
    programs.fails(late, 124, "the time ran out")
    patient = programs.fdsend("-v", *words, "./name", user=STRANGER, cwd=folder, limits=limits)
    patient.said("connected")
    assert patient.lasts(0.2) and receiver.alive()
    programs.close(hold)
    filler.wait()
    assert patient.wait().status == 0
    assert programs.succeeds(receiver) == "100\n"


MAGIC = b"\x89fdpass\x01"


@pytest.mark.parametrize("header", [
    MAGIC + struct.pack(">II", 0, 0),                     # nothing
    MAGIC + struct.pack(">II", 0xffffffff, 0),            # too many
    MAGIC + struct.pack(">II", 1, 0xffffffff),            # names without end
    b"\x89fdpass\x02" + struct.pack(">II", 1, 0),         # a later version
], ids=["none", "too-many", "names", "version"])
def test_broken_headers_are_refused(programs, header):
    """With a reason; and the receiver goes on waiting. The rest of what can be broken is in the unit tests."""
    receiver = programs.fdrecv("-v", "-l", "./name", "--run", "sh", "-c", "echo $LISTEN_FDS")
    connection = programs.closes(peers.connect(programs.path("name")))
    connection.sendall(header)
    said = connection.makefile("rb").read()
    assert said.startswith(b"fdpass/1") and said[8:9] == b"R" and len(said) > 16, said
    receiver.said("turned away")
    programs.succeeds(programs.fdsend("-f", "0", "./name"))
    assert receiver.wait().stdout == "1\n"


def progress(screen, said):
    """The lines "N of 5000" on the terminal, or in `said`."""
    shown = b""
    try:
        while piece := os.read(screen, 4096):
            shown += piece
    except OSError:  # EIO: nobody has it open any more
        pass
    lines = re.findall(r": (\d+) of 5000\r?$", shown.decode() or said, re.MULTILINE)
    assert lines == sorted(lines, key=int)
    return lines


@pytest.mark.parametrize("on_terminal", [True, False], ids=["terminal", "pipe"])
def test_progress_of_what_comes(programs, on_terminal):
    """With -v on a terminal, a transfer that takes longer than a second shows how far it is, each second."""
    screen, terminal = map(programs.own, os.openpty())
    receiver = programs.fdrecv("-v", "-l", "name", "--run", "true", fds={2: terminal} if on_terminal else {}, **ROOMY)
    there = programs.start([*NUMBERED, "open", "5000", *tampered("sendmsg:delay_enter=150000"), programs.fdsend_path,
                            "-f", f"{FIRST}-{FIRST + 4999}", "name"], env=TRACED, **ROOMY)
    assert there.wait().status == 0 and receiver.wait().status == 0
    programs.close(terminal)
    assert (1 <= len(progress(screen, receiver.result.stderr)) <= 4) == on_terminal


@pytest.mark.needs_root
@pytest.mark.parametrize("on_terminal", [True, False], ids=["terminal", "pipe"])
def test_progress_of_what_is_sent(programs, on_terminal):
    """The same where no more than 300 may be on their way, and the receiver takes its time."""
    folder = programs.stranger_folder()
    screen, terminal = map(programs.own, os.openpty())
    receiver = programs.start([*tampered("recvmsg:delay_enter=150000"), programs.fdrecv_path, "-l", "./name", "--run",
                               "true"], env=TRACED, user=STRANGER, cwd=folder, **ROOMY)
    there = programs.fdsend("-v", "-b", "-f", ",".join(["10"] * 5000), "./name", user=STRANGER, cwd=folder,
                            limits=(300, 300), fds={10: programs.text("x")} | ({2: terminal} if on_terminal else {}))
    assert there.wait().status == 0 and receiver.wait().status == 0
    programs.close(terminal)
    assert (1 <= len(progress(screen, there.text[2].decode() if 2 in there.text else "")) <= 6) == on_terminal
