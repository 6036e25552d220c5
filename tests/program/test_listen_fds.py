# SPDX-License-Identifier: MIT
"""fdsend --listen-fds: what an activation gave is passed on, if it is meant for us."""

import os
import socket

import pytest

import peers
from programs import TRY_FDSEND, identity

WRAPPER = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"]


def activated(programs, *words, env, fds, **conditions):
    """fdsend with LISTEN_PID as whoever activates it sets it."""
    return programs.start([*WRAPPER, programs.fdsend_path, *words], env=env, fds=fds, **conditions)


def gives(programs, *words, env, fds):
    """What arrives."""
    receiver = programs.closes(peers.Receiver(programs.path("receiver")))
    sender = activated(programs, *words, "./receiver", env=env, fds=fds)
    _, _, fds = receiver.receive()
    programs.succeeds(sender)
    receiver.disconnect()
    receiver.socket.close()
    os.unlink(receiver.address)
    return fds


def files(programs, count):
    return {number: programs.file(str(number)) for number in range(3, 3 + count)}


def fails(programs, env, fds, *texts, status=1, words=("-l",)):
    """Nobody was connected to."""
    with peers.Receiver(programs.path("receiver")).socket as receiver:
        receiver.setblocking(False)
        sender = activated(programs, *words, "./receiver", env=env, fds=fds)
        message = programs.fails(sender, status, "fdsend: ", *texts)
        with pytest.raises(BlockingIOError):
            receiver.accept()
    os.unlink(programs.path("receiver"))
    return message


@pytest.mark.parametrize("option", ["-l", "--listen-fds"])
@pytest.mark.parametrize("count", [1, 3, 253])
def test_all_that_is_announced(programs, option, count):
    fds = files(programs, count)
    extra = programs.file("extra")
    given = gives(programs, option, env={"LISTEN_FDS": str(count)}, fds={**fds, 3 + count: extra})
    assert [identity(fd) for fd in given] == [identity(fd) for fd in fds.values()]


@pytest.mark.parametrize("names, told", [("web:unknown:admin", "web:unknown:admin"), ("::", None),
                                         ("a:a:a", "a:a:a"), (":x:", "unknown:x:unknown")])
def test_names_go_with_them(programs, names, told):
    receiver = programs.fdrecv("-l", "name", "--run", "sh", "-c", "echo $LISTEN_FDS ${LISTEN_FDNAMES-none}")
    programs.succeeds(activated(programs, "-l", "name", env={"LISTEN_FDS": "3", "LISTEN_FDNAMES": names},
                                fds=files(programs, 3)))
    assert programs.succeeds(receiver) == f"3 {told or 'none'}\n"


def test_more_than_one_message(programs):
    receiver = programs.fdrecv("-l", "name", "--run", "sh", "-c", "echo $LISTEN_FDS")
    programs.succeeds(activated(programs, "-l", *["-f", "0"] * 54, "name", env={"LISTEN_FDS": "200"},
                                fds={number: programs.text("") for number in range(3, 203)}))
    assert programs.succeeds(receiver) == "254\n"


def test_in_the_order_of_the_command_line(programs):
    fds = files(programs, 3)
    there = programs.file("opened")
    given = gives(programs, "--open", "opened", "-f", "4", "-l", "-f", "3,7", "--listen", "tcp4:127.0.0.1:0",
                  env={"LISTEN_FDS": "2"}, fds={**fds, 7: programs.file("seven"), 1: programs.file("out")})
    expected = [there, fds[4], fds[3], fds[4], fds[3]]
    assert [identity(fd) for fd in given[:5]] == [identity(fd) for fd in expected]
    assert identity(given[5]) == [os.stat(programs.path("seven")).st_dev, os.stat(programs.path("seven")).st_ino]
    assert len(given) == 7


def test_beside_those_of_a_process(programs, hold):
    """-f is the process's then, and -l still ours."""
    fds, theirs = files(programs, 1), programs.file("theirs")
    there = hold({3: theirs})
    given = gives(programs, "-p", str(there.pid), "-f", "3", "-l", env={"LISTEN_FDS": "1"}, fds=fds)
    assert [identity(fd) for fd in given] == [identity(theirs), identity(fds[3])]


def test_to_a_server(programs):
    """From one activation to the next."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        command, read = programs.listing()
        receiver = programs.fdrecv("-l", "web", "--run", *command)
        programs.succeeds(activated(programs, "-l", "web", env={"LISTEN_FDS": "1"}, fds={3: made.fileno()}), receiver)
        report = read()
        assert report["fds"][3]["identity"] == identity(made.fileno())
        assert report["environment"]["LISTEN_PID"] == str(report["pid"])


def test_what_is_meant_for_another(programs):
    """A shell between: the message says how it hands it on, and that is right."""
    fds = files(programs, 1)
    sender = programs.fdsend("-l", "./nobody", env={"LISTEN_FDS": "1", "LISTEN_PID": "1"}, fds=fds)
    message = programs.fails(sender, 1, "--listen-fds: it is meant for process 1 (LISTEN_PID)", str(sender.pid),
                             "'LISTEN_PID=$$ exec fdsend'")
    assert message.count("\n") == 1
    receiver = programs.closes(peers.Receiver(programs.path("receiver")))
    sender = programs.shell("LISTEN_PID=$$ exec fdsend -l ./receiver", fds=fds,
                            env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    _, _, (fd,) = receiver.receive()
    programs.succeeds(sender)
    assert identity(fd) == identity(fds[3])


def test_for_nobody_in_particular(programs):
    sender = programs.fdsend("-l", "./nobody", env={"LISTEN_FDS": "1"}, fds=files(programs, 1))
    programs.fails(sender, 1, "--listen-fds: ", "LISTEN_PID does not say for whom", "'LISTEN_PID=$$ exec fdsend'")


@pytest.mark.needs_64_bits
def test_of_an_earlier_process(programs):
    fails(programs, {"LISTEN_FDS": "1", "LISTEN_PIDFDID": "1"}, files(programs, 1), "earlier process", "LISTEN_PIDFDID")


@pytest.mark.parametrize("env", [{}, {"LISTEN_FDS": "0"}, {"LISTEN_FDNAMES": "web"},
                                 {"LISTEN_FDS": "0", "LISTEN_FDNAMES": ""}], ids=str)
def test_nothing_is_announced(programs, env):
    fails(programs, env, files(programs, 1), "--listen-fds: LISTEN_FDS announces nothing")


@pytest.mark.parametrize("env, texts", [
    ({"LISTEN_FDS": ""}, ["LISTEN_FDS"]),
    ({"LISTEN_FDS": "x"}, ["LISTEN_FDS", "'x'"]),
    ({"LISTEN_FDS": "-1"}, ["LISTEN_FDS", "'-1'"]),
    ({"LISTEN_FDS": "1 "}, ["LISTEN_FDS"]),
    ({"LISTEN_FDS": "99999999999999999999"}, ["LISTEN_FDS"]),
    ({"LISTEN_FDS": "3"}, ["3 to 5", "5 is not open"]),
    ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"}, ["LISTEN_FDNAMES has 1 names", "LISTEN_FDS is 2"]),
    ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b:c"}, ["LISTEN_FDNAMES has 3 names"]),
    ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:" + "x" * 300}, ["LISTEN_FDNAMES", "is not a name"]),
    ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b\tc"}, ["LISTEN_FDNAMES", "is not a name"]),
    ({"LISTEN_FDS": "2", "LISTEN_PIDFDID": "x"}, ["LISTEN_PIDFDID", "'x'"]),
], ids=str)
def test_malformed(programs, env, texts):
    fails(programs, env, files(programs, 2), "--listen-fds: ", *texts)


@pytest.mark.parametrize("pid", ["", "x", "0", "-1", "1x"])
def test_malformed_pid(programs, pid):
    sender = programs.fdsend("-l", "./nobody", env={"LISTEN_FDS": "1", "LISTEN_PID": pid}, fds=files(programs, 1))
    programs.fails(sender, 1, "--listen-fds: ", "LISTEN_PID", f"'{pid}'")


@pytest.mark.parametrize("words", [("-l", "-l"), ("-l", "-f", "0", "--listen-fds"), ("-ll",)], ids=str)
def test_given_twice(programs, words):
    message = fails(programs, {"LISTEN_FDS": "1"}, files(programs, 1), "given already", status=2, words=words)
    assert message.rstrip("\n").endswith(TRY_FDSEND)
