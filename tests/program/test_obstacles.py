# SPDX-License-Identifier: MIT
"""Messages that name what stands in the way, once each, and only to those who want them."""

import os
import signal

import pytest

import peers
from processes import STRANGER
from programs import TRY_FDRECV, TRY_FDSEND

WAIT = ["-b", "-t", "0.4"]


def squatter(programs, address):
    """A stranger who listens there."""
    def squat():
        _receiver = peers.Receiver(address)
        if not address.startswith("@"):
            os.chmod(address, 0o666)
        os.write(3, b"\n")
        os.close(3)
        signal.pause()

    return programs.forked(squat, user=STRANGER, cwd="/", ready=3).wait_ready()


@pytest.mark.needs_root
@pytest.mark.parametrize("place", ["path", "abstract"])
def test_stranger(programs, place):
    """Named by process and user when they are met, but not again and again, and when the time is over."""
    name = programs.abstract()
    path = str(programs.stranger_folder(0o777) / "socket")
    address, where = (path, [path]) if place == "path" else ("@" + name, ["-a", name])
    process = squatter(programs, address)
    met, over = programs.fails(programs.fdsend(*WAIT, "-f", "0", *where), 124).splitlines()
    assert met == f"fdsend: {address}: process {process.pid} of user {STRANGER} listens there, who may not have them; " \
        "waiting for another receiver (--to-user says who may)"
    for word in (f"process {process.pid} ", f"user {STRANGER}", "--to-user", "othing was given"):
        assert word in over
    message = programs.fails(programs.fdsend("-v", *WAIT, "-f", "0", *where), 124)
    assert message.count(f"process {process.pid} of user {STRANGER} listens there") == 1
    assert programs.fails(programs.fdsend("-q", *WAIT, "-f", "0", *where), 124) == ""
    process.kill()
    if place == "path":
        peers.remove(path)


@pytest.mark.parametrize("what", ["folder", "socket"])
def test_permission_denied(programs, what):
    theirs = {"cwd": "/"}
    folder = programs.folder / "sub"
    if os.geteuid() == 0:
        folder = programs.public_folder() / "sub"
        theirs["user"] = STRANGER
    folder.mkdir(mode=0o755)
    receiver = programs.closes(peers.Receiver(folder / "socket"))
    os.chmod(receiver.address if what == "socket" else folder, 0)
    message = programs.fails(programs.fdsend(*WAIT, "-f", "0", folder / "socket", **theirs), 124,
                             "not allowed to connect", "nothing was given")
    assert "before there was a receiver" not in message
    folder.chmod(0o755)


@pytest.mark.parametrize("options", [WAIT, WAIT[1:]], ids=" ".join)
def test_full_backlog(programs, options):
    receiver = programs.closes(peers.Receiver(programs.path("socket"), backlog=0))
    for connection in peers.fill(receiver.address):
        programs.closes(connection)
    message = programs.fails(programs.fdsend(*options, "-f", "0", "./socket"), 124, "accepts nobody",
                             "othing was given")
    assert "before there was a receiver" not in message


def test_receiver_that_closes_without_reading(programs):
    receiver = programs.closes(peers.Receiver(programs.path("socket")))
    sender = programs.fdsend(*WAIT, "-f", "0", "./socket")
    while sender.lasts(0.001):
        if receiver.connected():
            receiver.accept().close()
    programs.fails(sender, 124, "closed without reading")


def test_nobody(programs):
    programs.fails(programs.fdsend(*WAIT, "-f", "0", "./socket"), 124, "before there was a receiver")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_is_no_socket(programs, what):
    if what == "folder":
        os.mkdir(programs.path("there"))
    else:
        programs.file("there")
    message = programs.fails(programs.fdsend("-f", "0", "./there"), 1, "there", "this is not a socket")
    assert "start the receiver" not in message
    programs.fails(programs.fdrecv("-f", "0", "./there", "--run", "cat", ready=None), 125, "there", "not a socket")


SEND_WRONG = [["-f", "x", "name"], ["-f", "0", "name", "--nonsense"], ["-f", "0"], ["-t", "x", "-f", "0", "name"],
              ["-f", "0", "name", "more"], ["--to-user", "no-such-user", "-f", "0", "name"], ["-f", "0", ".."]]
RECEIVE_WRONG = [["-f", "x", "name"], ["-f", "0", "--nonsense"], ["-f", "0", "--run", "cat"], ["-f", "0", "name"],
                 ["--from-user", "no-such-user", "-a", "-f", "0", "name", "--run", "cat"],
                 ["-f", "0", "one", "-f", "0", "two", "--run", "cat"]]


@pytest.mark.parametrize("words", SEND_WRONG, ids=" ".join)
def test_wrong_usage_of_fdsend_is_said_with_quiet(programs, words):
    message = programs.fails(programs.fdsend(*words), 2, TRY_FDSEND)
    for quiet in ("-q", "--quiet"):
        assert programs.fdsend(quiet, *words).wait() == (2, "", message)


@pytest.mark.parametrize("words", RECEIVE_WRONG, ids=" ".join)
def test_wrong_usage_of_fdrecv_is_said_with_quiet(programs, words):
    message = programs.fails(programs.fdrecv(*words, ready=None), 125, TRY_FDRECV)
    for quiet in ("-q", "--quiet"):
        assert programs.fdrecv(quiet, *words, ready=None).wait() == (125, "", message)


def test_every_line_of_fdrecv_names_its_socket(programs):
    """Of several, whatever happens there."""
    name = programs.abstract()
    receiver = programs.fdrecv("-v", "-f", "3,4", "./one", "-a", "-f", "5", name, "--run", "true")
    for address in (programs.path("one"), "@" + name):
        with peers.connect(address) as connection:
            connection.sendall(b"x")
        with peers.connect(address):
            pass
    programs.fails(programs.fdsend("-f", "0", "./one"), 1, "refused")
    programs.succeeds(programs.fdsend("-a", "-f", "0", name), programs.fdsend("-f", "0,0", "./one"))
    result = receiver.wait()
    assert result.status == 0
    lines = result.stderr.splitlines()
    assert [line for line in lines if not line.startswith(("fdrecv: ./one: ", f"fdrecv: @{name}: "))] == []
    for where in ("./one", "@" + name):
        for what in ("listening", "connected", "received"):
            assert any(line.startswith(f"fdrecv: {where}: ") and what in line for line in lines), (where, what)


def test_options_that_need_another(programs):
    """What would have no effect is wrong usage, not silence."""
    for option in (("--backlog", "5"), ("--reuseport",), ("--socket-mode", "660"), ("--socket-owner", "0")):
        programs.fails(programs.fdsend(*option, "-f", "0", "name"), 2, option[0], "--listen")
    programs.fails(programs.fdsend("--listen", "tcp4:127.0.0.1:0", "-c", "1"), 2, "descriptor 1")
    programs.fails(programs.fdrecv("--ready-fd", "0", "-f", "5", "-c", "0", "--run", "true", ready=None), 125,
                   "--ready-fd", "connection")
