# SPDX-License-Identifier: MIT
"""Bad input gets an error that names the step, the object and the remedy, and loses nothing."""

import os
import stat

import pytest

import peers
from processes import STRANGER
from programs import TRY_FDRECV, TRY_FDSEND

LONGEST = "n" * 255


def served(programs, receiver, name="name", *options):
    """The receiver is still there, and gets what the next sender gives."""
    assert receiver.alive()
    programs.succeeds(programs.fdsend(*options, "-f", "0", name, fds={0: programs.text("served")}))
    assert programs.succeeds(receiver) == "served"


def test_missing_number_is_told_before_waiting(programs):
    programs.fails(programs.fdsend("-b", "-f", "99", "nobody"), 1, "99")


@pytest.mark.parametrize("name", ["", ".", ".."])
@pytest.mark.parametrize("option", [[], ["-b"]])
def test_names_that_are_none(programs, name, option):
    receiver = programs.fdrecv("-f", "0", name, "--run", "cat", ready=None)
    assert programs.fails(receiver, 125).rstrip("\n").endswith(TRY_FDRECV)
    sender = programs.fdsend(*option, "-f", "0", name)
    assert programs.fails(sender, 2).rstrip("\n").endswith(TRY_FDSEND)


@pytest.mark.parametrize("name", ["./", "sub/", "/", "sub/.", "sub/.."])
def test_paths_that_are_folders(programs, name):
    (programs.folder / "sub").mkdir()
    receiver = programs.fdrecv("-f", "0", name, "--run", "cat", ready=None)
    programs.fails(receiver, 125, "fdrecv: ")
    assert programs.fdsend("-f", "0", name).wait().status in (1, 2)


def test_empty_abstract_name(programs):
    programs.fails(programs.fdrecv("-a", "-f", "0", "", "--run", "cat", ready=None), 125, TRY_FDRECV)
    programs.fails(programs.fdsend("-a", "-f", "0", ""), 2, TRY_FDSEND)


def test_reserved_name(programs):
    """Names that our own temporary sockets use."""
    programs.fails(programs.fdrecv("-f", "0", ".fdpass-x", "--run", "cat", ready=None), 125, ".fdpass-")


@pytest.mark.parametrize("name, limit", [(LONGEST + "n", "255"), ("./" + LONGEST + "n", "255"),
                                         ("/" + "d/" * 2100 + "n", "4095")], ids=["name", "path", "whole"])
def test_name_too_long(programs, name, limit):
    """The message says how long it may be."""
    receiver = programs.fdrecv("-f", "0", name, "--run", "cat", ready=None)
    programs.fails(receiver, 125, "fdrecv: ", limit)
    sender = programs.fdsend("-f", "0", name)
    assert sender.wait().status in (1, 2) and limit in sender.stderr


def test_longest_name(programs):
    receiver = programs.fdrecv("-f", "0", LONGEST, "--run", "cat")
    served(programs, receiver, LONGEST)


def test_abstract_name_too_long(programs):
    name = programs.abstract().ljust(108, "x")
    receiver = programs.fdrecv("-a", "-f", "0", name, "--run", "cat", ready=None)
    programs.fails(receiver, 125, name, "107")
    sender = programs.fdsend("-a", "-f", "0", name)
    assert sender.wait().status in (1, 2) and "107" in sender.stderr


def test_folder_is_not_there(programs):
    path = programs.path("no/such/socket")
    programs.fails(programs.fdrecv("-f", "0", path, "--run", "cat", ready=None), 125,
                   programs.path("no/such"), "No such file or directory")
    programs.fails(programs.fdsend("-f", "0", path), 1, path, "No such file or directory", "--blocking")


def test_folder_is_a_file(programs):
    programs.file("plain")
    programs.fails(programs.fdrecv("-f", "0", "plain/socket", "--run", "cat", ready=None), 125,
                   "plain", "Not a directory")
    programs.fails(programs.fdsend("-f", "0", "plain/socket"), 1, "plain", "Not a directory")


def test_nobody_is_there(programs):
    """The full path that a short name stands for, the reason, and what to do."""
    programs.fails(programs.fdsend("-f", "0", "test"), 1, "fdsend: ", programs.named("test"),
                   "No such file or directory", "--blocking")
    name = programs.abstract()
    programs.fails(programs.fdsend("-a", "-f", "0", name), 1, "fdsend: ", name, "nobody is listening",
                   "Connection refused", "--blocking")


def test_nobody_listens_any_more(programs):
    path = programs.path("stale")
    peers.stale(path)
    programs.fails(programs.fdsend("-f", "0", "./stale"), 1, "stale", "nobody is listening",
                   "Connection refused", "--blocking")
    peers.remove(path)


def test_a_file_is_no_receiver(programs):
    programs.file("plain", "content")
    programs.fails(programs.fdsend("-f", "0", "./plain"), 1, "plain", "Connection refused")


def test_not_permitted(programs):
    """A folder that may not be searched or written: another user's for root, else an own one."""
    if os.geteuid() == 0:
        folder, user = programs.public_folder() / "closed", STRANGER
        folder.mkdir(mode=0o700)
        path = folder / "socket"
    else:
        folder, user = programs.folder / "closed", None
        folder.mkdir()
        path = folder / "socket"
    folder.chmod(0)
    sender = programs.fdsend("-f", "0", path, user=user, cwd="/")
    programs.fails(sender, 1, str(path), "Permission denied")
    receiver = programs.fdrecv("-f", "0", path, "--run", "cat", ready=None, user=user, cwd="/")
    programs.fails(receiver, 125, str(folder), "Permission denied")
    folder.chmod(0o500 if user is None else 0o755)
    receiver = programs.fdrecv("-f", "0", path, "--run", "cat", ready=None, user=user, cwd="/")
    programs.fails(receiver, 125, str(folder), "Permission denied")
    folder.chmod(0o700)


@pytest.mark.needs_root
def test_socket_of_another_user(programs):
    """0600: a stranger cannot even connect, with and without his wish to wait bounded."""
    path = programs.public_folder() / "socket"
    receiver = programs.fdrecv("-v", "-f", "0", path, "--run", "cat")
    sender = programs.fdsend("-f", "0", path, user=STRANGER, cwd="/")
    programs.fails(sender, 1, str(path), "Permission denied")
    programs.succeeds(programs.fdsend("-f", "0", path))
    assert receiver.wait().status == 0 and str(STRANGER) not in receiver.stderr


def test_command_is_not_there(programs):
    """127 before anything is taken: no socket is ever made."""
    for command in ("no-such-command", "./no-such-command", "/no/such/command"):
        receiver = programs.fdrecv("-f", "0", "./socket", "--run", command, ready=None)
        programs.fails(receiver, 127, "fdrecv: ", command, "No such file or directory")
    assert not os.path.lexists(programs.path("socket"))


def test_command_cannot_be_run(programs):
    programs.file("plain", "#!/bin/sh\n")
    (programs.folder / "folder").mkdir()
    for command in ("./plain", "./folder"):
        receiver = programs.fdrecv("-f", "0", "./socket", "--run", command, ready=None)
        programs.fails(receiver, 126, "fdrecv: ", command)
    assert not os.path.lexists(programs.path("socket"))


def test_command_that_the_kernel_refuses(programs):
    """What only execve(2) can tell, it tells: 126 and 127 as in env(1)."""
    open_for_writing = programs.file("strange", "#!/no/such/interpreter\n")
    os.chmod(programs.path("strange"), 0o755)
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "./strange")
    programs.fdsend("-f", "0", "./socket").wait()
    programs.fails(receiver, 126, "fdrecv: ", "./strange", "Text file busy")
    programs.close(open_for_writing)
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", "./strange")
    programs.fdsend("-f", "0", "./socket").wait()
    programs.fails(receiver, 127, "fdrecv: ", "./strange", "No such file or directory")


def test_what_is_no_socket_stays(programs):
    path = programs.path("there")
    os.mkdir(path)
    programs.fails(programs.fdrecv("-f", "0", "./there", "--run", "cat", ready=None), 125, "there")
    assert stat.S_ISDIR(os.lstat(path).st_mode)


@pytest.mark.parametrize("name", ["listen:80", "listen:127.0.0.1:80", "listen:[::]:443", "udp:53",
                                  "tcp:80", "unix:x", "file:x"])
def test_what_looks_like_an_address(programs, name):
    receiver = programs.fdrecv("-f", "0", name, "--run", "cat", ready=None)
    programs.fails(receiver, 125, name, "./", TRY_FDRECV)


@pytest.mark.parametrize("name", ["./listen:80", "a:b", "listener", "tcp"])
def test_what_only_resembles_an_address(programs, name):
    receiver = programs.fdrecv("-f", "0", name, "--run", "cat")
    served(programs, receiver, name)


def test_target_beyond_the_hard_limit(programs):
    """Refused before anything is taken: the sender has not given it away."""
    receiver = programs.fdrecv("-f", "3000", "./socket", "--run", "cat", ready=None, limits=(512, 1024))
    programs.fails(receiver, 125, "3000")
    assert not os.path.lexists(programs.path("socket"))


def test_fewer_than_asked_for(programs):
    receiver = programs.fdrecv("-f", "0,3,4", "name", "--run", "sh", "-c", "echo ran")
    sender = programs.fdsend("-f", "0,1", "name")
    programs.fails(sender, 1, "fdsend: ", "refused", "3", "2")
    assert receiver.alive()
    programs.succeeds(programs.fdsend("-f", "0,1,0", "name"))
    result = receiver.wait()
    assert (result.status, result.stdout) == (0, "ran\n")
    assert programs.named("name") in result.stderr and str(sender.pid) in result.stderr  # an error, without -v


def test_control_characters_are_not_echoed(programs):
    """A name cannot paint the terminal through an error message."""
    message = programs.fails(programs.fdsend("-f", "0", "\x1b[31mred\n\x07"), 1)
    assert "\x1b" not in message and "\x07" not in message and message.count("\n") <= 2
