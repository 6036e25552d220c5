# SPDX-License-Identifier: MIT
"""By number, from another process: opened again as it is there, or shared. What comes is looked at here."""

import fcntl
import os
import select
import shutil
import signal
import socket

import pytest

import peers
from holding import neither_takes, take
from processes import LIBC
from programs import READY, identity

DUP = ["-d", "-g", "--dup", "--pidfd-getfd"]
O_LARGEFILE, O_TMPFILE = 0o100000, 0o20000000 | os.O_DIRECTORY
TIOCSCTTY = 0x540E


def flags(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL) & ~O_LARGEFILE


def place(fd):
    return os.lseek(fd, 0, os.SEEK_CUR)


# ------------------------------------------------------------------------------- opened again or shared

def test_opened_again_it_has_a_place_of_its_own(programs, hold):
    file = programs.file("file", "content")
    os.lseek(file, 3, os.SEEK_SET)
    there = hold({7: file})
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert identity(fd) == identity(file)
    assert os.read(fd, 4) == b"cont" and place(file) == 3


@pytest.mark.parametrize("option", DUP)
def test_shared_it_is_at_the_same_place(programs, hold, option):
    file = programs.file("file", "content")
    os.lseek(file, 3, os.SEEK_SET)
    there = hold({7: file})
    fd, = take(programs, option, "-p", str(there.pid), "-f", "7")
    assert os.read(fd, 2) == b"te" and place(file) == 5


@pytest.mark.parametrize("option", [[], ["-d"], ["-g"]], ids=str)
def test_the_same_for_a_command(programs, hold, option):
    file = programs.file("file", "content")
    os.lseek(file, 3, os.SEEK_SET)
    there = hold({7: file})
    receiver = programs.fdrecv("--pid", str(there.pid), *option, "-i", "7", "--run", "head", "-c", "2", ready=None)
    assert programs.succeeds(receiver) == ("te" if option else "co")


def test_lists_and_ranges_in_the_order_that_they_are_written(programs, hold):
    files = {number: programs.file(str(number)) for number in range(7, 12)}
    there = hold(files)
    pid = str(there.pid)
    fds = take(programs, "-f", "9,7-8,7", "-p", pid, "-f", "11", "--fd=10-11")
    assert [identity(fd) for fd in fds] == [identity(files[number]) for number in (9, 7, 8, 7, 11, 10, 11)]
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", pid, "-f", "5,9,3", "11,7-8", "-f", "6", "9-11", "--run", *command,
                                      ready=None))
    found = {number: facts["identity"] for number, facts in read()["fds"].items() if number > 2}
    assert found == {5: identity(files[11]), 9: identity(files[7]), 3: identity(files[8]), 6: identity(files[9])}


def test_the_numbers_are_not_ours(programs, hold):
    """With --pid, 0 is the other's as well."""
    mine, theirs = programs.text("mine"), programs.file("theirs", "theirs")
    there = hold({0: theirs})
    fd, = take(programs, "-p", str(there.pid), "-f", "0", fds={0: mine})
    assert os.read(fd, 10) == b"theirs"


def test_they_add_up_with_what_is_opened(programs, hold):
    files = {number: programs.file(str(number)) for number in (7, 8)}
    there = hold(files)
    fds = take(programs, "--open", "7", "-f", "8", "--listen", "tcp4:127.0.0.1:0", "-p", str(there.pid), "-f7",
               "--open", "8", fds={1: programs.file("out")})
    assert [identity(fds[index]) for index in (0, 1, 3, 4)] == [identity(files[number]) for number in (7, 8, 7, 8)]
    with socket.socket(fileno=os.dup(fds[2])) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


# ----------------------------------------------------------------------------------------- as it was opened

@pytest.mark.parametrize("kept", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND,
                                  os.O_RDWR | os.O_APPEND | os.O_NONBLOCK, os.O_RDWR | os.O_SYNC,
                                  os.O_WRONLY | os.O_DSYNC, os.O_RDONLY | os.O_NOATIME], ids=oct)
def test_access_mode_and_status_flags_stay(programs, hold, kept):
    """Also when root, who could open it for anything, does the work."""
    there = hold({7: programs.file("file", "content", kept)})
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert flags(fd) == kept
    if kept & os.O_ACCMODE == os.O_RDONLY:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(fd, b"x")
    if kept & os.O_APPEND:
        os.write(fd, b"!")
        assert (programs.folder / "file").read_text() == "content!"


def test_creating_and_truncating_do_not_happen_again(programs, hold):
    there = hold({7: programs.file("file", flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC)})
    (programs.folder / "file").write_text("written later")
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert flags(fd) == os.O_WRONLY and (programs.folder / "file").read_text() == "written later"
    created = programs.own(os.open(programs.path("new"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
    fd, = take(programs, "-p", str(hold({7: created}).pid), "-f", "7")
    assert identity(fd) == identity(created)


@pytest.mark.parametrize("mode, access", [("r", os.O_RDONLY), ("w", os.O_WRONLY), ("r+", os.O_RDWR)])
@pytest.mark.parametrize("kept", [os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_NONBLOCK], ids=oct)
def test_mode_is_what_was_asked_for(programs, hold, mode, access, kept):
    there = hold({7: programs.file("file", "content", kept)})
    fd, = take(programs, "-m", mode, "-p", str(there.pid), "-f", "7")
    assert flags(fd) == access | kept & ~os.O_ACCMODE
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", str(there.pid), f"--mode={mode}", "-f", "5", "7", "--run", *command,
                                      ready=None))
    assert read()["fds"][5]["flags"] & ~O_LARGEFILE == access | kept & ~os.O_ACCMODE


def test_the_last_mode_holds(programs, hold):
    there = hold({7: programs.file("file", "content", os.O_RDONLY)})
    fd, = take(programs, "-m", "w", "-p", str(there.pid), "-f", "7", "-mr+")
    assert flags(fd) == os.O_RDWR


def test_mode_is_for_opened_files_where_the_others_are_shared(programs, hold):
    (programs.folder / "opened").touch()
    there = hold({7: programs.file("file", "content", os.O_RDONLY)})
    shared, opened = take(programs, "-p", str(there.pid), "-d", "-m", "w", "-f", "7", "--open", "opened")
    assert flags(shared) == os.O_RDONLY and flags(opened) == os.O_WRONLY


def test_a_pipe_opened_again_still_ends(programs, hold):
    """The end that is read is not opened for writing as well."""
    reader, writer = programs.pipe()
    there = hold({7: reader})
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert flags(fd) == os.O_RDONLY
    os.write(writer, b"last")
    programs.close(writer)
    assert os.read(fd, 10) == b"last"
    assert select.select([fd], [], [], 0)[0] and os.read(fd, 10) == b""


def test_the_other_end_of_a_pipe(programs, hold):
    reader, writer = programs.pipe()
    fd, = take(programs, "-p", str(hold({7: writer}).pid), "-f", "7")
    assert flags(fd) == os.O_WRONLY
    os.write(fd, b"here")
    assert os.read(reader, 10) == b"here"


def test_folders(programs, hold):
    for kept in (os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY):
        folder = programs.own(os.open(programs.folder, kept | os.O_CLOEXEC))
        fd, = take(programs, "-p", str(hold({7: folder}).pid), "-f", "7")
        assert flags(fd) == kept and "receiver" not in os.listdir(fd) and identity(fd) == identity(folder)


@pytest.mark.parametrize("kind", [os.O_PATH, os.O_PATH | os.O_DIRECTORY, os.O_PATH | os.O_NOFOLLOW], ids=oct)
def test_what_only_names_a_file(programs, hold, kind):
    """O_PATH: it only names it afterwards as well, unless --mode asks for more."""
    (programs.folder / "file").write_text("content")
    path = programs.folder if kind & os.O_DIRECTORY else programs.folder / "file"
    named = programs.own(os.open(path, kind | os.O_CLOEXEC))
    there = hold({7: named})
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert flags(fd) & os.O_PATH and identity(fd) == identity(named)
    if not kind & os.O_DIRECTORY:
        fd, = take(programs, "-p", str(there.pid), "-f", "7", "-m", "r")
        assert not flags(fd) & os.O_PATH and os.read(fd, 10) == b"content"


def test_a_file_without_a_name(programs, hold):
    unnamed = programs.own(os.open(programs.folder, O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))
    os.write(unnamed, b"content")
    fd, = take(programs, "-p", str(hold({7: unnamed}).pid), "-f", "7")
    assert os.read(fd, 10) == b"content" and flags(fd) & os.O_ACCMODE == os.O_RDWR


def test_a_deleted_file(programs, hold):
    file = programs.file("file", "content", os.O_RDONLY)
    there = hold({7: file})
    (programs.folder / "file").unlink()
    (programs.folder / "file").write_text("another")
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert os.read(fd, 10) == b"content"


def test_a_running_program(programs, hold):
    """What is being executed can be opened for reading, as it was, and not for writing."""
    shutil.copy("/bin/sleep", programs.path("busy"))
    own = programs.own(os.open(programs.path("busy"), os.O_RDONLY | os.O_CLOEXEC))
    there = programs.start(["./busy", "1000"], fds={7: own})
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert os.read(fd, 4) == b"\x7fELF"
    neither_takes(programs, ["-p", str(there.pid), "-m", "r+"], "7", "Text file busy")
    there.kill()


def test_memory(programs, hold):
    memory = programs.own(os.memfd_create("memory"))
    os.write(memory, b"content")
    fd, = take(programs, "-p", str(hold({7: memory}).pid), "-f", "7")
    assert os.read(fd, 10) == b"content"


# -------------------------------------------------------------------------------------------------- FIFOs

def fifo(programs, kind):
    path = programs.path("fifo")
    if not os.path.exists(path):
        os.mkfifo(path)
    return programs.own(os.open(path, kind | os.O_CLOEXEC))


@pytest.mark.parametrize("words", [[], ["-m", "r"], ["-m", "r+"]], ids=str)
def test_a_fifo_waits_for_no_writer(programs, hold, words):
    reader = fifo(programs, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    fd, = take(programs, "-p", str(hold({7: reader}).pid), "-f", "7", *words)
    assert flags(fd) == (os.O_RDWR if "r+" in words else os.O_RDONLY)


def test_a_fifo_waits_for_no_reader(programs, hold):
    both = fifo(programs, os.O_RDWR)
    writer = fifo(programs, os.O_WRONLY)
    there = hold({7: writer})
    fd, = take(programs, "-p", str(there.pid), "-f", "7")
    assert flags(fd) == os.O_WRONLY
    os.write(fd, b"x")
    assert os.read(both, 1) == b"x"
    programs.close(both, fd)
    neither_takes(programs, ["-p", str(there.pid)], "7", "nobody reads from this FIFO", "--dup")
    shared, = take(programs, "-dp", str(there.pid), "-f", "7")
    assert identity(shared) == identity(writer)


# ---------------------------------------------------------------------------- what there is only once

def anonymous():
    yield "eventfd", lambda: os.eventfd(0, os.EFD_CLOEXEC)
    yield "epoll", lambda: LIBC.epoll_create1(os.O_CLOEXEC)
    yield "pidfd", lambda: os.pidfd_open(os.getpid())
    yield "inotify", lambda: LIBC.inotify_init1(os.O_CLOEXEC)
    yield "timerfd", lambda: LIBC.timerfd_create(1, os.O_CLOEXEC)


@pytest.mark.parametrize("make", [make for _, make in anonymous()], ids=[name for name, _ in anonymous()])
def test_what_has_no_file_can_only_be_shared(programs, hold, make):
    made = programs.own(make())
    there = hold({7: made})
    neither_takes(programs, ["-p", str(there.pid)], "7", f"descriptor 7 of process {there.pid}: ",
                  "use --dup")
    fd, = take(programs, "-dp", str(there.pid), "-f", "7")
    assert os.readlink(f"/proc/self/fd/{fd}") == os.readlink(f"/proc/self/fd/{made}")


@pytest.mark.parametrize("family, kind", [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM),
                                          (socket.AF_UNIX, socket.SOCK_SEQPACKET)])
def test_a_socket_by_number_can_only_be_shared(programs, hold, family, kind):
    with socket.socket(family, kind) as made:
        there = hold({7: made.fileno()})
        for words in ([], ["-m", "r"]):
            neither_takes(programs, ["-p", str(there.pid), *words], "7", f"descriptor 7 of process {there.pid}: ",
                          "a socket cannot be opened a second time", "use --dup")
        fd, = take(programs, "--dup", "-p", str(there.pid), "-f", "7")
        assert identity(fd) == identity(made.fileno())


def test_a_master_of_a_terminal_can_only_be_shared(programs, hold):
    """Opened again, it would be another terminal's; the other side of it would not."""
    master, slave = map(programs.own, os.openpty())
    there = hold({7: master, 8: slave})
    neither_takes(programs, ["-p", str(there.pid)], "7", "another one of it", "use --dup")
    again, = take(programs, "-p", str(there.pid), "-f", "8")
    shared, = take(programs, "-p", str(there.pid), "-df7")
    os.write(again, b"out\n")
    assert os.read(shared, 10) == b"out\r\n"


def test_the_terminal_of_a_process_can_only_be_shared(programs):
    """/dev/tty is another one for everybody who opens it."""
    master, slave = map(programs.own, os.openpty())

    def hold():
        os.setsid()
        fcntl.ioctl(7, TIOCSCTTY, 0)
        os.dup2(os.open("/dev/tty", os.O_RDWR), 8)
        os.write(READY, b"\n")
        os.close(READY)
        signal.pause()

    there = programs.forked(hold, ready=READY, fds={7: slave}).wait_ready()
    neither_takes(programs, ["-p", str(there.pid)], "8", "another one of it", "use --dup")
    shared, = take(programs, "-p", str(there.pid), "-df8")
    os.write(shared, b"out\n")
    assert os.read(master, 10) == b"out\r\n"
    there.kill()


@pytest.mark.needs_root
@pytest.mark.parametrize("name, minor", [("tun", 200), ("fuse", 229)])
def test_devices_that_each_opener_has_his_own_of(programs, hold, name, minor):
    """Held without being opened, since the driver may not be there: it would be opened here."""
    os.mknod(programs.path(name), 0o600 | 0o020000, os.makedev(10, minor))
    device = programs.own(os.open(programs.path(name), os.O_PATH | os.O_CLOEXEC))
    neither_takes(programs, ["-p", str(hold({7: device}).pid), "-m", "r+"], "7", "another one of it", "use --dup")


def test_an_ordinary_device(programs, hold):
    null = programs.own(os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC))
    fd, = take(programs, "-p", str(hold({7: null}).pid), "-f", "7")
    assert flags(fd) == os.O_WRONLY and os.fstat(fd).st_rdev == os.makedev(1, 3)


# ---------------------------------------------------------------------------------------------------- when

@pytest.mark.parametrize("option", [[], ["-d"]], ids=str)
def test_it_is_taken_before_the_wait(programs, option):
    """What the number stands for later does not count, nor whether the process is still there."""
    first, second = programs.file("first", "first"), programs.file("second", "second")

    def change():
        os.write(READY, b"\n")
        os.close(READY)
        signal.sigwait({signal.SIGUSR1})
        os.dup2(8, 7)
        os.write(1, b"changed\n")
        signal.pause()

    there = programs.forked(change, ready=READY, fds={7: first, 8: second}, blocked={signal.SIGUSR1}).wait_ready()
    senders = [programs.fdsend("-b", "-p", str(there.pid), *option, "-f", "7", f"./{name}").settle() for name in "ab"]
    there.signal(signal.SIGUSR1)
    there.said("changed", 1)
    for name, sender in zip("ab", senders):
        with_receiver = programs.closes(peers.Receiver(programs.path(name)))
        _, _, (fd,) = with_receiver.receive()
        programs.succeeds(sender)
        assert os.pread(fd, 10, 0) == b"first"
        there.kill()
