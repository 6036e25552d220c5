# SPDX-License-Identifier: MIT
"""Where two processes meet: paths, names, abstract names; and how a socket comes and goes there."""

import fcntl
import os
import select
import signal
import socket
import stat

import pytest

import peers
from processes import LONG, STRANGER
from programs import Watch

ROUNDS = 40


def served(programs, receiver, *where, text="served"):
    programs.succeeds(programs.fdsend("-f", "0", *where, fds={0: programs.text(text)}))
    assert programs.succeeds(receiver) == text


def receive(programs, path, *options, **conditions):
    return programs.fdrecv(*options, "-f", "0", path, "--run", "cat", **conditions)


def deep(folder, length):
    """The path of a socket, of that length if it can be so short: absolute, and relative to `folder`."""
    relative = ""
    while (missing := length - len(f"{folder}/{relative}")) > 40:
        relative += "d" * min(200, missing - 20) + "/"
        os.mkdir(folder / relative)
    relative += "s" * max(1, missing)
    return f"{folder}/{relative}", relative


@pytest.mark.parametrize("length", [106, 107, 108, 109, 255, 1000, 3000, 4095])
def test_long_paths(programs, length):
    absolute, relative = deep(programs.folder, length)
    assert len(absolute) == length or length < len(str(programs.folder)) + 2
    receiver = receive(programs, absolute)
    assert stat.S_IMODE(os.lstat(absolute).st_mode) == 0o600
    served(programs, receiver, absolute)
    served(programs, receive(programs, "./" + relative), "./" + relative)
    served(programs, receive(programs, "./" + relative), "-b", absolute)
    served(programs, receive(programs, absolute), "-b", "./" + relative)
    receiver = receive(programs, absolute)
    peers.send(absolute, [programs.text("foreign")]).close()
    assert programs.succeeds(receiver) == "foreign"


NAMES = {"umlaut": "käse-日本", "bytes": b"\xff\xfe\x80", "space": "a b\tc", "newline": "a\nb",
         "quote": "'\"\\$(x)`", "dots": "...", "hidden": ".hidden", "percent": "%s%n", "at": "@name"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_strange_names(programs, name):
    served(programs, receive(programs, name), name)
    path = b"./" + os.fsencode(name)
    served(programs, receive(programs, path), path)
    name = os.fsencode(programs.abstract()) + os.fsencode(name)
    served(programs, receive(programs, name, "-a"), "-a", name)


def test_leading_dash(programs):
    served(programs, receive(programs, "./-f"), "./-f")
    served(programs, receive(programs, "./--help"), "--", "./--help")
    programs.runtime.mkdir(mode=0o700)
    receiver = programs.closes(peers.Receiver(programs.named("-b")))
    sender = programs.fdsend("-f", "0", "--", "-b")
    receiver.receive()
    programs.succeeds(sender)


def test_relative_paths(programs):
    (programs.folder / "sub").mkdir()
    receiver = receive(programs, "../socket", cwd=programs.folder / "sub")
    served(programs, receiver, programs.path("socket"))
    receiver = receive(programs, "./sub/../socket")
    served(programs, receiver, "sub//..//socket")


@pytest.mark.parametrize("length", [1, 80, 106, 107])
def test_abstract_lengths(programs, length):
    name = programs.abstract("").rjust(length, "n")[-length:]
    served(programs, receive(programs, name, "-a"), "-a", name)


def test_abstract_name_is_taken_as_is(programs):
    """A slash, a dot or a leading '-' is nothing special there, and names differ by their length."""
    base = programs.abstract()
    longer = receive(programs, base + "/.x", "-a")
    shorter = receive(programs, base + "/.", "-a")
    served(programs, shorter, "-a", base + "/.", text="shorter")
    served(programs, longer, "-a", base + "/.x", text="longer")


@pytest.mark.parametrize("umask", [0o000, 0o277, 0o777, 0o022], ids=oct)
def test_mode_from_the_first_instant(programs, umask):
    """Every socket that can be seen in the folder at any moment is closed to others; the name has 0600."""
    folder = programs.folder / "sub"
    folder.mkdir()
    for _ in range(8):
        with Watch(folder) as watch:
            receiver = receive(programs, "sub/socket", umask=umask, ready=None)
            published = False
            while not published:
                for name in watch.names(20.0) or pytest.fail("nothing appeared"):
                    try:
                        mode = os.lstat(folder / name).st_mode
                    except FileNotFoundError:
                        continue  # a temporary name
                    assert not stat.S_IMODE(mode) & 0o077, (name, oct(mode))
                    if name == "socket":
                        assert stat.S_IMODE(mode) == 0o600
                        published = True
        served(programs, receiver, "sub/socket")


@pytest.mark.parametrize("kind", ["regular", "folder", "link", "link to a socket", "fifo"])
def test_what_is_no_socket_is_left_alone(programs, kind):
    path, other = programs.path("there"), programs.path("other")
    if kind == "regular":
        programs.file("there", "content")
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        os.symlink(other, path)
    if kind == "link to a socket":
        peers.stale(other)
        programs.leaves(other)
    before = os.lstat(path)
    programs.fails(receive(programs, "./there", ready=None), 125, "there", "not a socket")
    after = os.lstat(path)
    assert (before.st_ino, before.st_mode, before.st_mtime_ns) == (after.st_ino, after.st_mode, after.st_mtime_ns)
    assert (kind == "link to a socket") == os.path.lexists(other)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET],
                         ids=["stream", "datagram", "seqpacket"])
def test_live_socket_of_any_kind_is_never_stolen(programs, kind):
    path = programs.path("socket")
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(path)  # and does not listen: bound is alive
        inode = os.lstat(path).st_ino
        programs.fails(receive(programs, "./socket", ready=None), 125, "socket", "already in use")
        assert os.lstat(path).st_ino == inode
    peers.remove(path)


def test_live_receiver_is_never_stolen(programs):
    first = receive(programs, "name")
    programs.fails(receive(programs, "name", ready=None), 125, programs.named("name"), "already in use",
                   str(first.pid))
    name = programs.abstract()
    second = receive(programs, name, "-a")
    programs.fails(receive(programs, name, "-a", ready=None), 125, name, "already in use", str(second.pid))
    served(programs, first, "name")
    served(programs, second, "-a", name)


def test_full_backlog_counts_as_live(programs):
    receiver = programs.closes(peers.Receiver(programs.path("socket"), backlog=0))
    waiting = peers.fill(receiver.address)
    programs.fails(receive(programs, "./socket", ready=None), 125, "already in use")
    for connection in waiting:
        connection.close()


def test_the_name_is_gone_when_the_command_runs(programs):
    receiver = programs.fdrecv("-f", "0", "name", "--run", "cat")
    reader, writer = programs.pipe()
    programs.succeeds(programs.fdsend("-f", "0", "name", fds={0: reader}))
    os.write(writer, b"x")
    receiver.said("x", 1)
    assert not os.path.lexists(programs.named("name"))
    programs.close(writer)
    programs.succeeds(receiver)


def test_two_receivers_race_for_a_stale_socket(programs):
    """Exactly one of them gets it, every time."""
    path = programs.path("socket")
    for _ in range(ROUNDS):
        peers.stale(path)
        barrier, gate = programs.pipe()
        racers = [receive(programs, "./socket", barrier=barrier) for _ in range(2)]
        programs.close(gate)
        ended, _, _ = select.select([racer.pidfd for racer in racers], [], [], LONG)
        loser, winner = sorted(racers, key=lambda racer: racer.pidfd not in ended)
        programs.fails(loser, 125, "already in use")
        served(programs, winner.wait_ready(), "./socket")
        assert not os.path.lexists(path)
        programs.close(barrier)


def locked(programs):
    """The lock of the folder, held by somebody else."""
    fd = programs.own(os.open(programs.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def test_stale_socket_is_replaced_only_under_the_lock(programs):
    path = programs.path("socket")
    peers.stale(path)
    inode = os.lstat(path).st_ino
    lock = locked(programs)
    receiver = receive(programs, "./socket", ready=None).settle()
    assert os.lstat(path).st_ino == inode
    programs.close(lock)
    sender = programs.fdsend("-b", "-f", "0", "./socket", fds={0: programs.text("served")})
    programs.succeeds(sender, receiver)


def test_lock_that_is_never_released(programs):
    """A stranger can hold the lock of a shared folder: the wait for it is bounded."""
    path = programs.path("socket")
    peers.stale(path)
    inode = os.lstat(path).st_ino
    locked(programs)
    programs.fails(receive(programs, "./socket", ready=None), 125, "lock")
    assert os.lstat(path).st_ino == inode
    programs.fails(receive(programs, "./socket", "-t", "0.2", ready=None), 124, "lock")
    receiver = receive(programs, "./socket", ready=None).settle()
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM
    peers.remove(path)


def test_lock_does_not_keep_a_receiver_from_removing_its_name(programs):
    receiver = receive(programs, "./socket")
    locked(programs)
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM
    assert not os.path.lexists(programs.path("socket"))


def temporary_name(programs, folder):
    """The name that a receiver uses on its way, seen from outside."""
    with Watch(folder) as watch:
        served(programs, receive(programs, f"{folder}/socket"), f"{folder}/socket")
        names = [name for name in watch.names() if name.startswith(".fdpass-")]
    assert names
    return names[0]


def test_left_over_temporary_names(programs):
    """The next receiver removes what a killed one left, but nothing that is alive."""
    folder = programs.folder / "sub"
    folder.mkdir()
    name = temporary_name(programs, folder)
    peers.stale(folder / name)
    receiver = receive(programs, "sub/socket")
    assert os.listdir(folder) == ["socket"]
    served(programs, receiver, "sub/socket")
    alive = peers.bound(folder / name)
    served(programs, receive(programs, "sub/socket"), "sub/socket")
    assert os.listdir(folder) == [name]
    alive.close()
    peers.remove(folder / name)


def test_run_folder_is_made(programs):
    for umask in (0o000, 0o022, 0o777):
        served(programs, receive(programs, "name", umask=umask), "name")
        status = os.lstat(programs.runtime)
        assert stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
        os.rmdir(programs.runtime)


def test_fdsend_alone_makes_no_run_folder(programs):
    programs.fails(programs.fdsend("-f", "0", "name"), 1, programs.named("name"))
    assert not os.path.lexists(programs.runtime)


def refused_run_folder(programs, *texts, **conditions):
    for process, status in ((receive(programs, "name", ready=None, **conditions), 125),
                            (programs.fdsend("-f", "0", "name", **conditions), 1),
                            (programs.fdsend("-b", "-t", "20", "-f", "0", "name", **conditions), 1)):
        programs.fails(process, status, *texts)


@pytest.mark.parametrize("mode", [0o770, 0o720, 0o702, 0o777, 0o1777], ids=oct)
def test_run_folder_that_others_can_write(programs, mode):
    programs.runtime.mkdir()
    programs.runtime.chmod(mode)
    refused_run_folder(programs, str(programs.runtime))
    assert os.listdir(programs.runtime) == []


def test_run_folder_that_is_a_link(programs):
    (programs.folder / "real").mkdir(mode=0o700)
    programs.runtime.symlink_to("real")
    refused_run_folder(programs, str(programs.runtime))
    assert os.listdir(programs.folder / "real") == []


def test_run_folder_that_is_a_file(programs):
    programs.runtime.write_text("")
    refused_run_folder(programs, str(programs.runtime))


def test_run_folder_of_another_user(programs):
    if os.geteuid() == 0:
        programs.runtime.mkdir(mode=0o700)
        os.chown(programs.runtime, STRANGER, STRANGER)
        refused_run_folder(programs, str(programs.runtime))
    else:
        refused_run_folder(programs, "/usr", env={"FDPASS_RUNTIME_DIR": "/usr"})


def test_run_folder_that_others_can_read_is_fine(programs):
    programs.runtime.mkdir()
    programs.runtime.chmod(0o755)
    served(programs, receive(programs, "name"), "name")


def test_relative_run_folder_is_refused(programs):
    refused = {"FDPASS_RUNTIME_DIR": "run"}
    assert receive(programs, "name", ready=None, env=refused).wait().status == 125
    sender = programs.fdsend("-f", "0", "name", env=refused)
    assert sender.wait().status in (1, 2) and "FDPASS_RUNTIME_DIR" in sender.stderr


@pytest.mark.needs_root
def test_default_run_folders_of_a_user(programs):
    """$XDG_RUNTIME_DIR/fdsend; and when there is neither that nor /run/user/UID, the message helps."""
    folder = programs.stranger_folder(0o700)
    theirs = {"user": STRANGER, "cwd": "/", "env": {"FDPASS_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": str(folder)}}
    receiver = receive(programs, "name", **theirs)
    assert os.listdir(folder) == ["fdsend"] and os.listdir(folder / "fdsend") == ["name"]
    programs.succeeds(programs.fdsend("-f", "0", "name", **theirs), receiver)
    theirs["env"]["XDG_RUNTIME_DIR"] = None
    helps = (f"/run/user/{STRANGER}", "FDPASS_RUNTIME_DIR")
    programs.fails(receive(programs, "name", ready=None, **theirs), 125, *helps)
    programs.fails(programs.fdsend("-f", "0", "name", **theirs), 1, *helps)
    # It may still come, by a login; who waits in vain is told.
    programs.fails(programs.fdsend("-b", "-t", "0.2", "-f", "0", "name", **theirs), 124, *helps)


def test_several_sockets_and_a_failure(programs):
    """When the second cannot be made, the first goes again."""
    programs.file("plain")
    receiver = programs.fdrecv("-f", "3", "./one", "-f", "4", "./plain", "--run", "cat", ready=None)
    programs.fails(receiver, 125, "plain")
    receiver = programs.fdrecv("-f", "3", "./same", "-f", "4", "./same", "--run", "cat", ready=None)
    programs.fails(receiver, 125, "same")


def test_the_folder_vanishes_under_a_receiver(programs):
    """It cannot be reached any more, but ends as told."""
    folder = programs.folder / "sub"
    folder.mkdir()
    receiver = receive(programs, "sub/socket")
    os.unlink(folder / "socket")
    folder.rmdir()
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM
