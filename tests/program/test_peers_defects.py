# SPDX-License-Identifier: MIT
"""What util-linux's proposal was seen to do wrong: a test for each number of the list in PEERS.md."""

import os
import random
import signal
import socket
import stat
import time

import pytest

import peers
from processes import STRANGER, until
from programs import Watch, identity

FATAL = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
RUNS = 100  # for each of three situations
START = 0.004  # seconds in which a program starts and begins to wait


def receive(programs, *where, **conditions):
    """One descriptor, whose content is the output."""
    return programs.fdrecv("-v", *where[:-1], "-f", "0", where[-1], "--run", "cat", **conditions)


def send(programs, *where, text="sent", **conditions):
    return programs.fdsend("-f", "0", *where, fds={0: programs.text(text)}, **conditions)


def served(programs, receiver, *where, text="served"):
    """The receiver is still there, and gets what the next sender gives. Returns what it said."""
    assert receiver.alive()
    programs.succeeds(send(programs, "-b", *where, text=text))
    result = receiver.wait()
    assert (result.status, result.stdout) == (0, text), result
    return result.stderr


@pytest.mark.parametrize("numbers, missing", [("3", 3), ("99", 99), ("0,98", 98), ("0-5", 3), ("1048575", 1048575),
                                              ("0", 0), ("1", 1), ("2", 2), ("5,1", 1)])
def test_01_closed_number(programs, numbers, missing):
    """Said before anything is connected: the receiver does not even see a caller."""
    receiver = receive(programs, "name")
    listing = programs.own(os.open(programs.folder, os.O_RDONLY | os.O_CLOEXEC))
    fds = {5: listing} if numbers == "5,1" else {}
    if missing < 3:
        fds[missing] = None
    sender = programs.fdsend("-f", numbers, "name", fds=fds)
    texts = [] if missing == 2 else ["fdsend: ", str(missing), "Bad file descriptor"]
    programs.fails(sender, 1, *texts)
    assert f"process {sender.pid} " not in served(programs, receiver, "name")


def test_02_receiver_is_stopped_and_then_killed(programs):
    receiver = receive(programs, "./socket")
    receiver.stop()
    sender = send(programs, "./socket").settle()
    receiver.kill()
    programs.fails(sender, 1, "fdsend: ", "socket")
    peers.remove(programs.path("socket"))


@pytest.mark.parametrize("place", ["path", "abstract"])
def test_02_two_senders_to_a_one_shot_receiver(programs, place):
    """Both are in its backlog with their message sent; one is served, the other hears why it was not."""
    where = ["./socket"] if place == "path" else ["-a", programs.abstract()]
    receiver = receive(programs, *where)
    receiver.stop()
    senders = [send(programs, *where, text=text).settle() for text in ("one", "two", "three")]
    receiver.signal(signal.SIGCONT)
    results = [sender.wait() for sender in senders]
    assert sorted(result.status for result in results) == [0, 1, 1]
    assert [receiver.wait().stdout] == [text for text, result in zip(("one", "two", "three"), results)
                                        if result.status == 0]
    for result in results:
        assert result.status == 0 or "another sender was first" in result.stderr


@pytest.mark.parametrize("command, status", [("/no/such", 127), ("/etc/passwd", 126)])
def test_02_command_that_cannot_be_run(programs, command, status):
    """Found out before anything is taken."""
    receiver = programs.fdrecv("-f", "0", "./socket", "--run", command, ready=None)
    programs.fails(receiver, status, command)
    programs.fails(send(programs, "./socket"), 1, "socket")


def test_02_receiver_without_room(programs):
    """Ten targets and a hard limit of 40, then 200 descriptors: refused, never 0, and it goes on."""
    receiver = programs.fdrecv("-f", "3-12", "./socket", "--run", "sh", "-c", "echo ran", limits=(40, 40))
    sender = programs.fdsend("-t", "20", "-f", ",".join(["0"] * 200), "./socket")
    message = programs.fails(sender, 1, "fdsend: ")
    assert "Invalid argument" not in message
    programs.succeeds(programs.fdsend("-f", ",".join("0" * 10), "./socket"))
    assert programs.succeeds(receiver) == "ran\n"


@pytest.mark.parametrize("count", [2, 5, 253])
def test_03_more_descriptors_than_asked_for(programs, count):
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "7", "./socket", "--run", *listing)
    reader, writer = programs.pipe()
    connection = programs.closes(peers.send(programs.path("socket"), [reader] + [writer] * (count - 1)))
    programs.succeeds(receiver)
    report = read()["fds"]
    assert set(report) == {0, 1, 2, 7}
    assert report[7]["identity"] == identity(reader) and report[7]["flags"] & os.O_ACCMODE == os.O_RDONLY
    assert connection.fileno() >= 0


def test_03_message_that_is_cut_short(programs):
    """The receiver's table cannot hold them all: none is kept, and no part counts as the whole."""
    reader, writer = programs.pipe()
    receiver = programs.fdrecv("-f", "7", "./socket", "--run", "sh", "-c", "cat <&7", limits=(30, 30))
    connection = programs.closes(peers.send(programs.path("socket"), [writer] * 100))
    programs.close(writer)
    assert os.read(reader, 1) == b""
    assert peers.hung_up(connection)
    programs.succeeds(send(programs, "./socket"))
    assert programs.succeeds(receiver) == "sent"


@pytest.mark.parametrize("umask", [0, 0o111, 0o477], ids=oct)
def test_07_mode_does_not_depend_on_the_umask(programs, umask):
    receiver = receive(programs, "./socket", umask=umask)
    assert stat.S_IMODE(os.lstat(programs.path("socket")).st_mode) == 0o600
    served(programs, receiver, "./socket")


@pytest.mark.needs_root
def test_07_stranger_feeds_a_file_to_root(programs):
    name = programs.abstract()
    receiver = receive(programs, "-a", name)

    def intrude():
        with peers.connect("@" + name) as connection:
            try:
                socket.send_fds(connection, [b"x"], [0])
            except (BrokenPipeError, ConnectionResetError):
                pass  # turned away already
            assert peers.hung_up(connection)

    assert programs.forked(intrude, user=STRANGER).wait().status == 0
    assert str(STRANGER) in served(programs, receiver, "-a", name)


@pytest.mark.needs_root
def test_07_squatter_is_given_a_file_of_root(programs):
    name = programs.abstract()

    def squat():
        receiver = peers.Receiver("@" + name)
        os.write(3, b"\n")
        os.close(3)
        data, fds, _, _ = socket.recv_fds(receiver.accept(), 100, 10)
        print(len(data), len(fds))

    squatter = programs.forked(squat, user=STRANGER, ready=3).wait_ready()
    secret = programs.file("secret", "of root")
    programs.fails(programs.fdsend("-a", "-f", "3", name, fds={3: secret}), 1, name, str(STRANGER))
    assert squatter.wait().stdout == "0 0\n"


def test_08_idle_client_and_one_that_closes(programs):
    receiver = receive(programs, "./socket")
    programs.closes(peers.connect(programs.path("socket")))
    for _ in range(50):
        peers.connect(programs.path("socket")).close()
    with peers.connect(programs.path("socket")) as connection:
        connection.sendall(b"x")
    served(programs, receiver, "./socket")


@pytest.mark.parametrize("way", ["served", "signal", "time-out"])
def test_09_socket_of_another_receiver_in_its_place(programs, way):
    """Ours was moved away, another took the name: it stays, whatever way ours ends."""
    path, moved = programs.path("socket"), programs.path("moved")
    programs.leaves(moved)
    receiver = receive(programs, *(["-t", "2"] if way == "time-out" else []), "./socket")
    os.rename(path, moved)
    other = programs.closes(peers.Receiver(path))
    inode = os.lstat(path).st_ino
    if way == "served":
        served(programs, receiver, "./moved")
    elif way == "signal":
        receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == {"served": 0, "signal": -signal.SIGTERM, "time-out": 124}[way]
    assert os.lstat(path).st_ino == inode
    assert not other.connected()


def test_10_stale_socket_of_a_killed_receiver(programs):
    """It refuses for ever, and the next receiver simply takes its place; a waiting sender waits for that."""
    receive(programs, "name").kill()
    assert os.path.lexists(programs.named("name"))
    programs.fails(send(programs, "name"), 1, programs.named("name"), "nobody is listening", "Connection refused")
    sender = send(programs, "-b", "name").settle()
    receiver = receive(programs, "name")
    programs.succeeds(sender)
    assert receiver.wait().stdout == "sent"


def test_10_no_instant_between_bind_and_listen(programs):
    """From the instant the name is there, a connect succeeds."""
    folder = programs.folder / "sub"
    folder.mkdir()
    for _ in range(40):
        with Watch(folder) as watch:
            receiver = receive(programs, "sub/socket", ready=None)
            while "socket" not in watch.names(20.0):
                assert receiver.alive()
            peers.send(folder / "socket", [programs.text("x")]).close()
        assert receiver.wait().stdout == "x"


@pytest.mark.parametrize("place", ["path", "abstract"])
def test_11_eight_waiting_senders(programs, place):
    """One receiver after the other: each sender succeeds once, and none before its time."""
    where = ["./socket"] if place == "path" else ["-a", programs.abstract()]
    senders = [send(programs, "-b", *where, text=f"{number}.").settle() for number in range(8)]
    came = []
    for count in range(8):
        assert sum(sender.alive() for sender in senders) >= 8 - count
        receiver = receive(programs, *where)
        assert receiver.wait().status == 0
        came.append(receiver.stdout)
    programs.succeeds(*senders)
    assert sorted(came) == [f"{number}." for number in range(8)]


def hold(seconds):
    """Passes a span of time below what a timer can be trusted with: this is the thing under test."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


@pytest.mark.parametrize("situation", ["receiver", "sender", "abstract sender"])
def test_12_no_signal_is_lost_around_the_start(programs, situation):
    """Hit at random instants: always ends, by the signal, with nothing left. (Lost before blocking: it hangs.)"""
    path = programs.path("socket")
    for run in range(RUNS):
        if situation == "receiver":
            process = programs.fdrecv("-f", "0", "./socket", "--run", "cat", ready=None)
        elif situation == "sender":
            process = programs.fdsend("-b", "-f", "0", "./socket")
        else:
            process = programs.fdsend("-b", "-f", "0", "-a", programs.abstract())
        hold(random.uniform(0, START))
        process.signal(FATAL[run % 3])
        assert process.wait().status == -FATAL[run % 3]
        assert not os.path.lexists(path)
    assert not list(programs.debris())


def test_12_nohup_reaches_the_wait_and_the_command(programs):
    receiver = programs.start(["nohup", programs.fdrecv_path, "-f", "5", "./socket", "--run",
                               "grep", "SigIgn", "/proc/self/status"])
    until(lambda: os.path.lexists(programs.path("socket")), "it listens")
    receiver.signal(signal.SIGHUP)
    programs.succeeds(programs.fdsend("-f", "0", "./socket"))
    assert receiver.wait().status == 0
    assert int(receiver.result.stdout.split()[1], 16) & 1 << signal.SIGHUP - 1



def test_13_all_sockets_are_there_from_the_start(programs):
    """A blocking sender to the second goes first, and the receiver listens on both from one moment on."""
    second = send(programs, "-b", "./two", text="2").settle()
    receiver = programs.fdrecv("-f", "3", "./one", "-f", "4", "./two", "--run", "sh", "-c", "cat <&3; cat <&4")
    programs.succeeds(second)
    programs.succeeds(send(programs, "./one", text="1"))
    assert programs.succeeds(receiver) == "12"


def test_14_renamed_into_place(programs):
    sender = send(programs, "-b", "./socket").settle()
    receiver = programs.closes(peers.Receiver(programs.path("other")))
    os.rename(programs.path("other"), programs.path("socket"))
    receiver.receive()
    programs.succeeds(sender)
    peers.remove(programs.path("socket"))


def test_14_folder_is_made_again(programs):
    folder = programs.folder / "sub"
    folder.mkdir()
    sender = send(programs, "-b", "sub/socket").settle()
    for _ in range(3):
        folder.rmdir()
        sender.settle()
        folder.mkdir()
        sender.settle()
    receiver = receive(programs, "sub/socket")
    programs.succeeds(sender)
    assert receiver.wait().stdout == "sent"


def test_14_path_beyond_107_bytes(programs):
    folder = programs.folder / ("d" * 200)
    sender = send(programs, "-b", folder / "socket").settle()
    folder.mkdir()
    sender.settle()
    receiver = receive(programs, folder / "socket")
    programs.succeeds(sender)
    assert receiver.wait().stdout == "sent"


def test_14_parent_folder_is_missing(programs):
    sender = send(programs, "-b", "no/such/socket").settle()
    (programs.folder / "no/such").mkdir(parents=True)
    receiver = receive(programs, "no/such/socket")
    programs.succeeds(sender)
    assert receiver.wait().stdout == "sent"


def test_15_longest_abstract_name(programs):
    name = programs.abstract().ljust(107, "n")
    served(programs, receive(programs, "-a", name), "-a", name)


def test_15_path_of_108_bytes(programs):
    path = programs.path("x").ljust(108, "x")
    served(programs, receive(programs, path), path)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_15_names_that_are_none(programs, name):
    assert receive(programs, name, ready=None).wait().status == 125
    assert send(programs, name).wait().status == 2


def test_15_option_in_the_place_of_a_name(programs):
    """`fdrecv -f4 --help` is a question for help, and no socket called --help."""
    assert "--run" in programs.succeeds(programs.fdrecv("-f4", "--help", ready=None))
    receiver = programs.fdrecv("-f4", "--run", "cat", ready=None)
    assert receiver.wait().status == 125
    assert not os.path.lexists(programs.runtime)


@pytest.mark.parametrize("option", [["-e"], ["-f", "2"], ["-f", "0-2"]], ids=" ".join)
def test_16_exec_error_goes_to_the_stderr_of_fdrecv(programs, option):
    """And not into the descriptor that was received for the command's stderr."""
    programs.close(programs.file("strange", "#!/no/such/interpreter\n"))
    os.chmod(programs.path("strange"), 0o755)
    reader, writer = programs.pipe()
    receiver = programs.fdrecv(*option, "./socket", "--run", "./strange")
    sender = programs.fdsend("-f", "3,3,3", "./socket", fds={3: writer})
    programs.close(writer)
    sender.wait()
    programs.fails(receiver, 127, "fdrecv: ", "./strange", "No such file or directory")
    assert os.read(reader, 100) == b""


def test_16_messages_show_the_errno_of_the_step(programs):
    """Each after something has to be cleaned up."""
    programs.file("plain")
    cases = [
        (programs.fdrecv("-f", "3", "./one", "-f", "4", "plain/two", "--run", "cat", ready=None), 125,
         "Not a directory"),
        (programs.fdrecv("-f", "3", "./one", "-f", "4", "no/two", "--run", "cat", ready=None), 125,
         "No such file or directory"),
        (send(programs, "./plain"), 1, "Connection refused"),
        (programs.fdsend("-f", "0,77", "./plain"), 1, "Bad file descriptor"),
    ]
    for process, status, reason in cases:
        message = programs.fails(process, status, reason)
        assert "Success" not in message and "Invalid argument" not in message
