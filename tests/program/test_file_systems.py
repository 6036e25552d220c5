# SPDX-License-Identifier: MIT
"""File systems that take nothing, or nothing more: what fails says so, leaves nothing, and the rest works."""

import os

import pytest

FULL = "No space left on device"
READ_ONLY = "Read-only file system"
# A stale socket, and a file; and then nothing changes there any more. With "none", mount(8) does not repeat options
# of the mount that the user may not give.
FROZEN = """mkdir disk && mount -t tmpfs none disk
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("disk/stale")'
echo hello >disk/file
mount -o remount,ro none disk"""


def full(free):
    """So many files can still be made."""
    return f"""mkdir disk && mount -t tmpfs -o nr_inodes=8 none disk
n=0; while touch disk/$n 2>/dev/null; do n=$((n + 1)); done; test $n -gt {free}
n={free}; while test $n -gt 0; do n=$((n - 1)); rm disk/$n; done"""


def names(inside):
    """What is on the disk but the files that fill it."""
    return {name for name in inside.run("ls -A disk").split() if not name.isdigit()}


@pytest.mark.needs_namespaces
@pytest.mark.parametrize("script, text, there", [(full(0), FULL, set()), (FROZEN, READ_ONLY, {"stale", "file"})],
                         ids=["full", "read-only"])
def test_nothing_can_be_made(programs, sandbox, script, text, there):
    inside = sandbox(script)
    programs.fails(inside.fdrecv("-f", "0", "./disk/socket", "--run", "cat", ready=None), 125, "./disk/socket: ", text)
    programs.fails(inside.fdfwd("./disk/socket", "./to", ready=None), 1, "./disk/socket: ", text)
    for scheme in ("unix", "unix-dgram", "unix-seqpacket"):
        programs.fails(inside.fdsend("--listen", f"{scheme}:./disk/made", "./nobody"), 1,
                       f"--listen {scheme}:./disk/made: ", text)
    # The run directory, which is to be made there.
    env = {"FDPASS_RUNTIME_DIR": programs.path("disk/run")}
    help_ = (f"{programs.path('disk/run')}/name: ", text, "FDPASS_RUNTIME_DIR")
    programs.fails(inside.fdrecv("-f", "0", "name", "--run", "cat", ready=None, env=env), 125, *help_)
    programs.fails(inside.fdfwd("name", "./to", ready=None, env=env), 1, *help_)
    # Who waits there gets no notification of the directory that cannot be made, and no false hope.
    programs.fails(inside.fdsend("-b", "-t", "0.3", "-f", "0", "name", env=env), 124, "nothing was given")
    assert names(inside) == there


@pytest.mark.needs_namespaces
@pytest.mark.parametrize("free", [1, 2])
def test_hardly_anything_can_be_made(programs, sandbox, free):
    """A socket takes one file, and for an instant perhaps a second name: it works, or nothing is left of it."""
    inside = sandbox(full(free))
    receiver = inside.fdrecv("-f", "0", "./disk/socket", "--run", "cat")
    programs.succeeds(inside.fdsend("-f", "0", "./disk/socket", fds={0: programs.text("sent")}))
    assert programs.succeeds(receiver) == "sent"
    assert names(inside) == set()
    programs.fails(inside.fdsend("--listen", "unix:./disk/made", "./nobody"), 1, "fdsend: ./nobody: ")
    assert names(inside) == set()


@pytest.mark.needs_namespaces
def test_what_is_there_on_a_read_only_file_system(programs, sandbox):
    inside = sandbox(FROZEN)
    programs.fails(inside.fdsend("-f", "0", "./disk/stale"), 1, "nobody is listening")
    programs.fails(inside.fdrecv("-f", "0", "./disk/stale", "--run", "cat", ready=None), 125, "./disk/stale", READ_ONLY)
    programs.fails(inside.fdsend("--listen", "unix:./disk/stale", "./nobody"), 1, "./disk/stale", READ_ONLY)
    for mode in ("w", "r+"):
        programs.fails(inside.fdsend("--open", "disk/file", "--mode", mode, "./nobody"), 1, "--open disk/file: ",
                       READ_ONLY)
    receiver = inside.fdrecv("-f", "0", "./socket", "--run", "cat")
    programs.succeeds(inside.fdsend("--open", "disk/file", "./socket"))
    assert programs.succeeds(receiver) == "hello\n"


@pytest.mark.needs_namespaces
def test_file_system_that_becomes_read_only(programs, sandbox):
    """A receiver that listens there is reached; only its name stays, and -v says why."""
    inside = sandbox("mkdir disk && mount -t tmpfs none disk")
    receiver = inside.fdrecv("-v", "-f", "0", "./disk/socket", "--run", "cat")
    inside.run("mount -o remount,ro none disk")
    programs.succeeds(inside.fdsend("-f", "0", "./disk/socket", fds={0: programs.text("sent")}))
    result = receiver.wait()
    assert (result.status, result.stdout) == (0, "sent")
    assert names(inside) == {"socket"}
    inside.run("mount -o remount,rw none disk")
    receiver = inside.fdrecv("-f", "0", "./disk/socket", "--run", "cat")
    programs.succeeds(inside.fdsend("-f", "0", "./disk/socket", fds={0: programs.text("again")}))
    assert programs.succeeds(receiver) == "again" and names(inside) == set()


@pytest.fixture
def nowhere(programs):
    """Where nothing can be written any more."""
    return programs.own(os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC))


def test_messages_that_cannot_be_written(programs, nowhere):
    """Change nothing about what happens."""
    silent = {2: nowhere}
    receiver = programs.fdrecv("-v", "-f", "0", "./to", "--run", "cat", fds=dict(silent))
    relay = programs.fdfwd("-v", "./from", "./to", fds=dict(silent))
    sender = programs.fdsend("-v", "-f", "5", "./from", fds={5: programs.text("sent"), **silent})
    assert [process.wait().status for process in (sender, relay, receiver)] == [0, 0, 0]
    assert receiver.stdout == "sent"
    for process, status in ((programs.fdsend("-f", "0", "./nobody", fds=dict(silent)), 1),
                            (programs.fdsend("--nonsense", fds=dict(silent)), 2),
                            (programs.fdrecv("-f", "0", "./missing/x", "--run", "cat", ready=None, fds=dict(silent)), 125),
                            (programs.fdfwd("./missing/x", "./to", ready=None, fds=dict(silent)), 1)):
        assert process.wait().status == status


def test_answers_that_cannot_be_written(programs, nowhere, hold):
    """What was asked for has not been told, so that it is no success."""
    there = hold({7: programs.text("held")})
    for words in (["--help"], ["--version"], ["--pidref", str(there.pid)], ["--list", "-p", str(there.pid)]):
        programs.fails(programs.fdsend(*words, fds={1: nowhere}), 1, "fdsend: ", "standard output", FULL)
    for words in (["--help"], ["--version"]):
        programs.fails(programs.fdrecv(*words, ready=None, fds={1: nowhere}), 125, "fdrecv: ", "standard output", FULL)
        programs.fails(programs.fdfwd(*words, ready=None, fds={1: nowhere}), 1, "fdfwd: ", "standard output", FULL)


def test_address_that_cannot_be_written(programs, nowhere):
    """Nobody is given a socket whose port nobody knows."""
    receiver = programs.fdrecv("-f", "3", "./socket", "--run", "true")
    programs.fails(programs.fdsend("--listen", "tcp:127.0.0.1:0", "./socket", fds={1: nowhere}), 1, "address", FULL)
    assert receiver.alive()
    programs.succeeds(programs.fdsend("-f", "0", "./socket"), receiver)


def test_readiness_that_cannot_be_told(programs, nowhere):
    """Whoever waits for it would wait for ever."""
    for start, status in ((programs.fdrecv, 125), (programs.fdfwd, 1)):
        words = ["-f", "0", "./socket", "--run", "cat"] if status == 125 else ["./socket", "./to"]
        programs.fails(start("--ready-fd", "3", *words, ready=None, fds={3: nowhere}), status, "--ready-fd", FULL)
        assert not os.path.lexists(programs.path("socket"))
