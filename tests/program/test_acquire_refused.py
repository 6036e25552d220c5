# SPDX-License-Identifier: MIT
"""Processes that nothing is taken from: why not, and what would help. Nobody is connected to for it."""

import fcntl
import os
import signal
import socket
import threading

import pytest

from holding import neither_takes, take
from processes import LIBC, LONG, STRANGER, until
from programs import READY, identity

PR_SET_DUMPABLE = 4
NO_SUCH = 4194305  # more than the largest pid_max, PID_MAX_LIMIT in the kernel's threads.h
HOW = [[], ["-d"], ["-m", "r"]]


def inode(pid):
    pidfd = os.pidfd_open(pid)
    try:
        return os.fstat(pidfd).st_ino
    finally:
        os.close(pidfd)


# ---------------------------------------------------------------------------------------- another one

@pytest.mark.parametrize("how", HOW, ids=str)
def test_another_inode(programs, hold, how):
    """Also where the file would be opened again: it is that process or none."""
    file = programs.file("file", "content")
    there, other = hold({7: file}), hold({7: file})
    for number in (inode(other.pid), inode(there.pid) + 1, 1, 2**64 - 1):
        neither_takes(programs, ["-p", f"{there.pid}:{number}", *how], "7", f"{there.pid}:{number}: ",
                      f"the process with the number {there.pid} is another one by now", "fdsend --pidref")
    neither_takes(programs, ["-p", f"{there.pid}:{inode(other.pid)}", *how], "file:file", "is another one by now")
    fd, = take(programs, "-p", f"{there.pid}:{inode(there.pid)}", *how, "-f", "7")
    assert identity(fd) == identity(file) and there.alive()


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_number_of_no_process(programs, how):
    neither_takes(programs, ["-p", str(NO_SUCH), *how], "7", f"{NO_SUCH}: there is no such process, or no more",
                  "No such process")


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_process_that_has_ended(programs, hold, how):
    there = hold({7: programs.file("file")})
    was = f"{there.pid}:{inode(there.pid)}"
    there.kill()
    neither_takes(programs, ["-p", str(there.pid), *how], "7", f"{there.pid}: there is no such process, or no more")
    neither_takes(programs, ["-p", was, *how], "7", f"{was}: ", "no such process")


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_zombie(programs, hold, how):
    """It has ended, and its parent has not asked for its status yet."""
    there = hold({7: programs.file("file")})
    there.signal(signal.SIGKILL)
    until(lambda: there._stat()[0] == "Z", "it is a zombie")
    neither_takes(programs, ["-p", str(there.pid), *how], "7", f"{there.pid}: process {there.pid} has ended",
                  "its parent has not asked for its status yet")
    neither_takes(programs, ["-p", str(there.pid)], "listen", "has ended")


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_thread(programs, how):
    """Its number is no process's; it is said where that stands."""
    def threads():
        thread = threading.Thread(target=signal.pause, daemon=True)
        thread.start()
        os.write(READY, b"\n")
        os.close(READY)
        thread.join()

    there = programs.forked(threads, ready=READY, fds={7: programs.file("file")}).wait_ready()
    other, = {int(name) for name in os.listdir(f"/proc/{there.pid}/task")} - {there.pid}
    neither_takes(programs, ["-p", str(other), *how], "7", f"{other}: {other} is a thread",
                  f"Tgid in /proc/{other}/status")
    assert identity(take(programs, "-p", str(there.pid), "-f", "7")[0]) == [os.stat(programs.path("file")).st_dev,
                                                                           os.stat(programs.path("file")).st_ino]
    there.kill()


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_number_that_is_not_open(programs, hold, how):
    there = hold({7: programs.file("file")})
    for number in ("6", "99", "2147483647", "7,6", "5-7"):
        neither_takes(programs, ["-p", str(there.pid), *how], number, f"of process {there.pid}: nothing is open there",
                      f"'fdsend --list -p {there.pid}'")
    assert there.alive()


# ---------------------------------------------------------------------------------------- not allowed

@pytest.mark.needs_root
@pytest.mark.parametrize("what", ["7", "file:/dev/null", "listen"])
@pytest.mark.parametrize("how", HOW[:2], ids=str)
def test_of_another_user(programs, hold, what, how):
    there = hold({7: programs.file("file")})
    folder = programs.stranger_folder()
    neither_takes(programs, ["-p", str(there.pid), *how], what, f"{what if not what[0].isdigit() else 'descriptor 7'}",
                  "not allowed", "runs, or began, as another user (0)", "CAP_SYS_PTRACE", folder=folder, user=STRANGER)
    theirs = hold({7: programs.file("other")}, user=STRANGER)
    assert take(programs, "-p", str(theirs.pid), *how, "-f", "7")


@pytest.mark.needs_root
@pytest.mark.parametrize("how", HOW[:2], ids=str)
def test_that_began_as_another_user(programs, hold, how):
    """The real, effective and saved id count, all of them."""
    def become():
        os.setgroups([])
        os.setresgid(STRANGER, STRANGER, STRANGER)
        os.setresuid(STRANGER, STRANGER, 0)

    there = hold({7: programs.file("file")}, become)
    neither_takes(programs, ["-p", str(there.pid), *how], "7", "not allowed", "runs, or began, as another user",
                  folder=programs.stranger_folder(), user=STRANGER)


@pytest.mark.needs_root
@pytest.mark.parametrize("how", HOW[:2], ids=str)
def test_of_another_group(programs, hold, how):
    def become():
        os.setgroups([])
        os.setresgid(1, 1, 1)
        os.setresuid(STRANGER, STRANGER, STRANGER)
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)

    there = hold({7: programs.file("file")}, become)
    neither_takes(programs, ["-p", str(there.pid), *how], "7", "not allowed", "with another group", "CAP_SYS_PTRACE",
                  folder=programs.stranger_folder(), user=STRANGER)


@pytest.mark.needs_root
@pytest.mark.parametrize("what", ["7", "listen"])
@pytest.mark.parametrize("how", HOW[:2], ids=str)
def test_that_has_protected_itself(programs, hold, what, how):
    def protect():
        assert LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0

    there = hold({7: programs.file("file")}, protect, user=STRANGER)
    neither_takes(programs, ["-p", str(there.pid), *how], what, "not allowed", "has protected itself (PR_SET_DUMPABLE",
                  "CAP_SYS_PTRACE", folder=programs.stranger_folder(), user=STRANGER)
    assert take(programs, "-p", str(there.pid), "-f", "7")  # root may


@pytest.mark.needs_root
def test_that_is_not_visible(programs, hold):
    """There is such a socket; it is not claimed that nobody holds it. One's own process that holds it, too, is found."""
    folder = programs.stranger_folder()
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        hold({7: made.fileno()})
        text = f"listen:{made.getsockname()[1]}"
        neither_takes(programs, ["-p", text], text, f"{text}: it is there, but no process that holds it is visible",
                      "as root", folder=folder, user=STRANGER)
        programs.fails(programs.fdsend("--pidref", text, user=STRANGER, cwd=folder), 1, "visible to this user")
        own = programs.start(["sleep", "infinity"], fds={7: made.fileno()}, user=STRANGER)
    told = programs.succeeds(programs.fdsend("--pidref", text, user=STRANGER, cwd=folder))
    assert told.split(":")[0] == str(own.pid)
    own.kill()


@pytest.mark.needs_root
@pytest.mark.parametrize("how", HOW[:2], ids=str)
def test_root_without_that_capability(programs, hold, how):
    """As in a container: it is said that the process can do more."""
    there = hold({7: programs.file("file")})
    dropped = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "--"]
    with_words = programs.start([*dropped, programs.fdsend_path, "-p", str(there.pid), *how, "-f", "7", "./nobody"])
    programs.fails(with_words, 1, "not allowed", "has capabilities that this one has not", "CAP_SYS_PTRACE")
    with_words = programs.start([*dropped, programs.fdrecv_path, "-p", str(there.pid), *how, "-f", "7", "7", "--run",
                                 "touch", "ran"])
    programs.fails(with_words, 125, "not allowed", "has capabilities that this one has not")
    assert not os.path.lexists(programs.path("ran"))


@pytest.mark.needs_root
def test_a_file_that_may_not_be_opened(programs, hold):
    """Its permissions are asked again; sharing it asks nothing."""
    folder = programs.stranger_folder()
    file = programs.file("file", "content", os.O_RDONLY)
    os.fchmod(file, 0o600)
    there = hold({7: file}, lambda: LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), user=STRANGER)
    neither_takes(programs, ["-p", str(there.pid)], "7", f"descriptor 7 of process {there.pid}: ", "Permission denied",
                  "--dup", folder=folder, user=STRANGER)
    shared, = take(programs, "-dp", str(there.pid), "-f", "7", folder=folder, user=STRANGER)
    assert os.read(shared, 10) == b"content"


def test_a_lease_of_another(programs, hold):
    """It is not waited for until that one gives it up."""
    file = programs.file("file", "content")
    reader = programs.own(os.open(programs.path("file"), os.O_RDONLY | os.O_CLOEXEC))
    programs.close(file)

    def lease():
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        fcntl.fcntl(7, fcntl.F_SETLEASE, fcntl.F_RDLCK)

    there = hold({7: reader}, lease)
    neither_takes(programs, ["-p", str(there.pid), "-m", "w"], "7", "has a lease on this file", "--dup")


def test_the_table_is_full(programs, hold):
    there = hold({7: programs.file("file")})
    fds = {number: programs.text("") for number in range(3, 16)}
    sender = programs.fdsend("-p", str(there.pid), "-f", "7", "./nobody", fds=fds, limits=(17, 17))
    programs.fails(sender, 1, "table of open files is full", "ulimit -n")


@pytest.mark.parametrize("user", [None, pytest.param(STRANGER, marks=pytest.mark.needs_root)], ids=["same", "another"])
def test_a_process_that_ends_meanwhile(programs, hold, user):
    """Killed while it is looked at, over and over: a success, or a message about that and nothing else. To those who
    are not root it looks for a moment as if it had protected itself."""
    folder = programs.folder if user is None else programs.stranger_folder()
    for turn in range(60):
        reader, writer = programs.pipe()
        there = hold({7: programs.file("file")}, lambda: LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), user=user)
        words = ["-m", "r", "-f", "3-102", ",".join(["7"] * 100)] if turn % 2 else ["-l", "file:/dev/null"]
        taker = programs.fdrecv("-p", str(there.pid), *words, "--run", "true", ready=None, barrier=reader, user=user,
                                cwd=folder)
        programs.close(writer, reader)
        there.signal(signal.SIGKILL)
        result = taker.wait(LONG)
        there.wait()
        assert result.status in (0, 125), result
        if result.status == 125:
            assert "has ended" in result.stderr or "there is no such process" in result.stderr, result
