# SPDX-License-Identifier: MIT
"""-c: the SOCKSPEC is the number of an inherited, connected Unix stream socket."""

import contextlib
import fcntl
import os
import signal
import socket

import pytest

import peers
from processes import LONG, STRANGER
from programs import TRY_FDRECV, TRY_FDSEND, identity

ME = os.geteuid()
OTHER = str(ME + 1)


@pytest.fixture
def pair(programs):
    """A connection: ours, and the one that is inherited."""
    made = socket.socketpair()
    for end in made:
        end.settimeout(LONG)  # which makes it non-blocking, as nobody may rely on
        programs.closes(end)
    return made


def receive(programs, end, *words, number=7, command=("cat",), fds=None, **conditions):
    conditions.setdefault("ready", None)
    return programs.fdrecv(*(words or ["-f", "0", "-c", str(number)]), "--run", *command,
                           fds={number: end.fileno(), **(fds or {})}, **conditions)


def send(programs, end, *words, number=7, content="sent", **conditions):
    return programs.fdsend(*words, "-f", "3", "-c", str(number), fds={3: programs.text(content), number: end.fileno()},
                           **conditions)


# ---------------------------------------------------------------------------------------- receiving

def test_python_to_ours(programs, pair):
    mine, theirs = pair
    receiver = receive(programs, theirs)
    socket.send_fds(mine, [b"x"], [programs.text("sent")])
    assert programs.succeeds(receiver) == "sent"
    theirs.close()
    assert mine.makefile("rb").read()[:9] == b"fdpass/1A"


def test_sent_before_it_started(programs, pair):
    mine, theirs = pair
    socket.send_fds(mine, [b"x"], [programs.text("sent")])
    mine.shutdown(socket.SHUT_WR)
    assert programs.succeeds(receive(programs, theirs)) == "sent"


def test_sent_and_closed_before_it_started(programs, pair):
    """As `nc -F` does: nobody is there any more for the greeting and the answer."""
    mine, theirs = pair
    socket.send_fds(mine, [b"x"], [programs.text("sent")])
    mine.close()
    assert programs.succeeds(receive(programs, theirs)) == "sent"


def test_sent_and_closed_with_the_greeting_unread(programs, pair):
    mine, theirs = pair
    receiver = receive(programs, theirs, ready=5, fds={})
    receiver.settle()
    socket.send_fds(mine, [b"x"], [programs.text("sent")])
    mine.close()
    assert programs.succeeds(receiver) == "sent"


@pytest.mark.parametrize("words", [["-f", "0", "-c", "7"], ["-c", "-f", "0", "7"], ["-cf0", "7"], ["-f0", "-c", "007"],
                                   ["-i", "--connected", "7"]], ids=" ".join)
def test_spelling(programs, pair, words):
    mine, theirs = pair
    socket.send_fds(mine, [b"x"], [programs.text("sent")])
    assert programs.succeeds(receive(programs, theirs, *words)) == "sent"


@pytest.mark.parametrize("first", ["sender", "receiver"])
@pytest.mark.parametrize("numbers", [(7, 7), (0, 0), (1, 0), (0, 1)], ids=str)
def test_ours_on_both_ends(programs, pair, first, numbers):
    sending, receiving = numbers
    content = "" if receiving == 1 else "sent"  # its stdout is the connection, otherwise
    command = ("cat", "/dev/fd/5")

    def start_sender():
        return send(programs, pair[0], "--confirm=answer", number=sending, content=content)

    sender = start_sender() if first == "sender" else None
    receiver = receive(programs, pair[1], "-f", "5", "-c", str(receiving), number=receiving, command=command)
    sender = sender or start_sender()
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == content


def test_several_and_mixed_with_paths(programs, pair):
    other = socket.socketpair()
    command = ["sh", "-c", "cat <&3; cat <&4; cat <&5"]
    receiver = programs.fdrecv("-f", "3", "-c", "7", "-f", "4", "./path", "-c", "-f", "5", "8", "--run", *command,
                               fds={7: pair[1].fileno(), 8: other[1].fileno()})
    programs.succeeds(send(programs, other[0], content="third"))
    programs.succeeds(programs.fdsend("-f", "0", "./path", fds={0: programs.text("second ")}))
    programs.succeeds(send(programs, pair[0], content="first "))
    assert programs.succeeds(receiver) == "first second third"
    for end in other:
        end.close()


def test_the_number_is_consumed(programs, pair):
    """The command has what was received, and not the connection."""
    command, read = programs.listing()
    receiver = receive(programs, pair[1], "-f", "5", "-c", "7", command=command)
    programs.succeeds(send(programs, pair[0]), receiver)
    assert sorted(read()["fds"]) == [0, 1, 2, 5]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_number_is_one_of_the_standard_three(programs, pair, number):
    """/dev/null stands there, so that what the command opens first does not."""
    command, read = programs.listing()
    receiver = receive(programs, pair[1], "-f", "5", "-c", str(number), number=number, command=command)
    programs.succeeds(send(programs, pair[0]))
    assert receiver.wait().status == 0
    fds = read()["fds"]
    assert sorted(fds) == [0, 1, 2, 5]
    assert fds[number]["link"] == "/dev/null" and fds[number]["flags"] & os.O_ACCMODE == os.O_RDWR


@pytest.mark.parametrize("number", [0, 1, 2, 7])
def test_the_number_is_a_target(programs, pair, number):
    command, read = programs.listing()
    reader = programs.text("sent")
    receiver = receive(programs, pair[1], "-f", str(number), "-c", str(number), number=number, command=command)
    programs.succeeds(programs.fdsend("-f", "3", "-c", "4", fds={3: reader, 4: pair[0].fileno()}))
    assert receiver.wait().status == 0
    assert read()["fds"][number]["identity"] == identity(reader)


@pytest.mark.needs_namespaces
def test_the_number_cannot_be_filled(programs, pair, sandbox):
    """/dev/null is to stand there afterwards; it is not closed in silence. Where a target stands, it is not needed."""
    inside = sandbox("mount -t tmpfs none /dev")
    ours, theirs = pair
    programs.fails(inside.fdrecv("-f", "3", "-c", "0", "--run", "true", ready=None, fds={0: theirs}), 125,
                   "--connected: 0 goes away, and /dev/null", "No such file or directory")
    receiver = inside.fdrecv("-f", "0", "-c", "0", "--run", "cat", ready=None, fds={0: theirs})
    socket.send_fds(ours, [b"x"], [programs.text("sent")])
    assert programs.succeeds(receiver) == "sent"


def test_numbers_change_places(programs, pair):
    """Each connection's number is the other one's target."""
    other = socket.socketpair()
    command, read = programs.listing()
    readers = [programs.text("a"), programs.text("b")]
    receiver = programs.fdrecv("-f", "8", "-c", "7", "-f", "7", "-c", "8", "--run", *command, ready=None,
                               fds={7: pair[1].fileno(), 8: other[1].fileno()})
    for end, reader in zip((pair[0], other[0]), readers):
        programs.succeeds(programs.fdsend("-f", "3", "-c", "4", fds={3: reader, 4: end.fileno()}))
    programs.succeeds(receiver)
    fds = read()["fds"]
    assert sorted(fds) == [0, 1, 2, 7, 8]
    assert [fds[8]["identity"], fds[7]["identity"]] == [identity(reader) for reader in readers]
    for end in other:
        end.close()


def test_another_number_of_the_same_socket_is_inherited_as_ever(programs, pair):
    """Only the number that was named is consumed; --close-others does the rest."""
    for words, expected in (([], [0, 1, 2, 5, 8]), (["--close-others"], [0, 1, 2, 5])):
        command, read = programs.listing()
        receiver = receive(programs, pair[1], *words, "-f", "5", "-c", "7", command=command, fds={8: pair[1].fileno()})
        programs.succeeds(send(programs, pair[0]), receiver)
        assert sorted(read()["fds"]) == expected


# What could be changed on a socket, and would be seen by others who have it.
OPTIONS = {name: value for name, value in (
    ("SO_PASSCRED", 16), ("SO_PASSSEC", 34), ("SO_PEEK_OFF", 42), ("SO_PASSPIDFD", 76), ("SO_PASSRIGHTS", 83),
    ("SO_SNDBUF", 7), ("SO_RCVBUF", 8), ("SO_RCVLOWAT", 18), ("SO_KEEPALIVE", 9), ("SO_MARK", 36))}


def state(end):
    found = {"flags": fcntl.fcntl(end.fileno(), fcntl.F_GETFL)}
    for name, number in OPTIONS.items():
        try:
            found[name] = end.getsockopt(socket.SOL_SOCKET, number)
        except OSError as problem:
            found[name] = problem.errno
    for number in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO, socket.SO_LINGER):
        found[number] = end.getsockopt(socket.SOL_SOCKET, number, 16)
    return found


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("outcome", ["delivered", "refused", "late"])
def test_nothing_is_changed_on_the_socket(programs, pair, blocking, outcome):
    for end in pair:
        end.setblocking(blocking)
    before = [state(end) for end in pair]
    words = ["-t", "0.3"] if outcome == "late" else []
    targets = {"delivered": "0", "refused": "0,1", "late": "0"}[outcome]
    receiver = receive(programs, pair[1], *words, "-f", targets, "-c", "7")
    if outcome != "late":
        sender = send(programs, pair[0])
        assert sender.wait().status == (0 if outcome == "delivered" else 1), sender.result
    assert receiver.wait().status == {"delivered": 0, "refused": 125, "late": 124}[outcome]
    assert [state(end) for end in pair] == before
    # It was not shut down either: both of its ends still work in both directions.
    for end in pair:
        end.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            end.recv(1000)  # greeting and answer, where nobody read them
        end.settimeout(LONG)
    for one, other in (pair, pair[::-1]):
        one.sendall(b"more")
        assert other.recv(10) == b"more"


def test_what_follows_the_message_is_left_for_others(programs, pair):
    mine, theirs = pair
    mine.sendall(b"before ")
    socket.send_fds(mine, [b"x"], [programs.text("sent")])
    mine.sendall(b"after")
    assert programs.succeeds(receive(programs, theirs)) == "sent"
    assert theirs.recv(100) == b"after"


# ----------------------------------------------------------------------------- numbers that will not do

def unsuitable(programs):
    """What it says, and what lies at the number."""
    with socket.socket() as internet, socket.socket(socket.AF_UNIX) as lonely:
        yield "not a socket", programs.file("file")
        yield "another type", internet.fileno()
        yield "not connected", lonely.fileno()
        for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            one, other = socket.socketpair(type=kind)
            with one, other:
                yield "another type", one.fileno()
        with peers.Receiver("@" + programs.abstract()).socket as listening:
            yield "not connected", listening.fileno()


def test_unsuitable_numbers(programs):
    for text, fd in unsuitable(programs):
        for number in (0, 7):
            receiver = programs.fdrecv("-f", "5", "-c", str(number), "--run", "cat", fds={number: fd}, ready=None)
            programs.fails(receiver, 125, f"fdrecv: descriptor {number}: ", text)
            sender = programs.fdsend("-f", "5", "-c", str(number), fds={number: fd, 5: programs.text("x")})
            programs.fails(sender, 1, f"fdsend: descriptor {number}: ", text)


@pytest.mark.parametrize("number", [0, 1, 2, 7, 1000000])
def test_a_number_that_is_not_open(programs, number):
    fds = {number: None} if number < 3 else {}
    texts = ["not open"] if number != 2 else []  # where nothing can be said
    programs.fails(programs.fdrecv("-f", "5", "-c", str(number), "--run", "cat", fds=fds, ready=None), 125, *texts)
    programs.fails(programs.fdsend("-f", "5", "-c", str(number), fds={**fds, 5: programs.text("x")}), 1, *texts)


@pytest.mark.parametrize("spec", ["x", "", "-1", "7x", "./socket", "99999999999", " 7", "0x7"])
def test_not_a_number(programs, spec):
    words = [spec] if not spec.startswith("-") else ["--", spec]
    programs.fails(programs.fdsend("-f", "0", "-c", *words), 2, "fdsend: ", f"'{spec}'", TRY_FDSEND)
    if words == [spec]:
        programs.fails(programs.fdrecv("-f", "0", "-c", spec, "--run", "cat", ready=None), 125, f"'{spec}'", TRY_FDRECV)


@pytest.mark.parametrize("words, text", [
    ("-a -c -f 0 7", "-c"), ("-c -f 0 -a 7", "-a"), ("-f 0 -c 7 -f 1 -c 7", "twice"), ("-f 0 -c 7 -f 1 -c 07", "twice"),
    ("-f 0 7 -c", "-c"),
])
def test_wrong_usage(programs, words, text):
    programs.fails(programs.fdrecv(*words.split(), "--run", "cat", ready=None), 125, text, TRY_FDRECV)


# -------------------------------------------------------------------------------- bad ends of the wait

def test_the_other_end_closes(programs, pair):
    receiver = receive(programs, pair[1]).settle()
    pair[0].close()
    programs.fails(receiver, 125, "fdrecv: descriptor 7: ", "closed")


def test_the_other_end_was_closed(programs, pair):
    pair[0].close()
    programs.fails(receive(programs, pair[1]), 125, "fdrecv: descriptor 7: ", "closed")


def test_the_other_end_shuts_down(programs, pair):
    pair[0].shutdown(socket.SHUT_WR)
    programs.fails(receive(programs, pair[1]), 125, "descriptor 7", "closed")


def test_fewer_than_wanted(programs, pair):
    """Nobody else can come; the sender is told."""
    receiver = receive(programs, pair[1], "-f", "3,4,5", "-c", "7")
    programs.fails(send(programs, pair[0], "-f", "3"), 1, "descriptor 7", "3 descriptors are wanted, and 2 came")
    programs.fails(receiver, 125, "descriptor 7", "3 descriptors are wanted, and 2 came")


def test_more_than_wanted(programs, pair):
    reader, writer = programs.pipe()
    receiver = receive(programs, pair[1], "-f", "0", "-c", "7", command=("cat",))
    socket.send_fds(pair[0], [b"x"], [programs.text("sent"), writer])
    programs.close(writer)
    assert programs.succeeds(receiver) == "sent"
    assert os.read(reader, 1) == b""


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"x" * 100000, b"\x89fdpass\x01 and so on"])
def test_garbage(programs, pair, garbage):
    mine, theirs = pair
    receiver = receive(programs, theirs)
    theirs.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        mine.sendall(garbage)
        mine.shutdown(socket.SHUT_WR)
    programs.fails(receiver, 125, "fdrecv: descriptor 7: ", "descriptor")


def test_a_bad_connection_ends_all(programs, pair):
    """The socket at the path goes, too, and who was served is told."""
    receiver = programs.fdrecv("-f", "0", "./path", "-f", "3", "-c", "7", "--run", "cat", fds={7: pair[1].fileno()})
    pair[1].close()
    pair[0].close()
    programs.fails(receiver, 125, "descriptor 7")
    assert not os.path.lexists(programs.path("path"))


def test_late(programs, pair):
    programs.fails(receive(programs, pair[1], "-t", "0.2", "-f", "0", "-c", "7"), 124, "descriptor 7")


def test_signal(programs, pair):
    receiver = receive(programs, pair[1]).settle()
    receiver.signal(signal.SIGTERM)
    assert receiver.wait() == (-signal.SIGTERM, "", "")


def test_the_command_cannot_be_started(programs, pair):
    programs.fails(receive(programs, pair[1], command=("./missing",)), 127, "missing")
    (programs.folder / "script").write_text("#!/nonexistent\n")
    (programs.folder / "script").chmod(0o755)
    receiver = receive(programs, pair[1], command=("./script",))
    socket.send_fds(pair[0], [b"x"], [programs.text("sent")])
    assert receiver.wait().status in (126, 127)
    pair[1].close()
    assert b"running ./script failed" in pair[0].makefile("rb").read()


# ------------------------------------------------------------------------------- sending, and its proof

def take(end, size=100):
    """Reads the message. Returns what came."""
    data, fds, _, _ = socket.recv_fds(end, size, 10)
    contents = []
    for fd in fds:
        with open(fd, "rb") as file:
            contents.append(file.read())
    return data, contents


@pytest.mark.parametrize("words", [["-f", "3", "-c", "7"], ["-cf3", "7"], ["7", "-f", "3", "--connected"],
                                   ["-b", "-c", "-f3", "7"]], ids=" ".join)
def test_ours_to_python(programs, pair, words):
    sender = programs.fdsend(*words, fds={3: programs.text("sent"), 7: pair[0].fileno()})
    data, contents = take(pair[1])
    assert len(data) == 1 and contents == [b"sent"]
    programs.succeeds(sender)


def test_to_a_silent_reader_that_stays(programs, pair):
    """The kernel says that it was read; others may hold the same end."""
    sender = send(programs, pair[0], "-v").settle()
    assert sender.alive()
    take(pair[1])
    assert sender.wait().status == 0 and "read" in sender.stderr


def test_to_a_reader_that_closes(programs, pair):
    sender = send(programs, pair[0])
    take(pair[1])
    pair[1].close()
    programs.succeeds(sender)


def test_to_one_that_closes_unread(programs, pair):
    sender = send(programs, pair[0]).settle()
    pair[1].close()
    programs.fails(sender, 1, "fdsend: descriptor 7: ", "without reading")


def test_to_one_that_has_closed(programs, pair):
    pair[1].close()
    programs.fails(send(programs, pair[0]), 1, "descriptor 7", "nothing was given")


def test_to_one_that_peeks_and_closes(programs, pair):
    sender = send(programs, pair[0]).settle()
    assert peers.peek(pair[1])
    assert sender.alive()
    pair[1].close()
    programs.fails(sender, 1, "descriptor 7", "without reading")


def test_to_one_that_peeks_and_stays(programs, pair):
    sender = send(programs, pair[0], "-t", "0.3")
    assert peers.peek(pair[1])
    programs.fails(sender, 124, "descriptor 7", "still")


def test_to_one_that_does_not_read(programs, pair):
    programs.fails(send(programs, pair[0], "-t", "0.2"), 124, "descriptor 7", "still")


def test_to_nobody_and_not_confirmed(programs, pair):
    programs.succeeds(send(programs, pair[0], "--no-confirm"))
    assert take(pair[1])[1] == [b"sent"]


def test_answer_is_asked_of_a_silent_reader(programs, pair):
    sender = send(programs, pair[0], "--confirm=answer")
    take(pair[1])
    programs.fails(sender, 1, "descriptor 7", "--confirm=answer")


def test_to_one_that_talks(programs, pair):
    pair[1].sendall(b"HTTP/1.1 400 Bad Request\r\n")
    programs.fails(send(programs, pair[0]), 1, "descriptor 7", "no answer of fdrecv")


def test_behind_bytes_that_are_not_read_yet(programs, pair):
    """The receipt is of our byte, and not of what the caller wrote before."""
    pair[0].sendall(b"header\n")
    sender = send(programs, pair[0]).settle()
    assert pair[1].recv(7) == b"header\n"
    assert sender.settle().alive()
    assert take(pair[1]) == (b"F", [b"sent"])
    programs.succeeds(sender)


def test_into_a_full_socket(programs, pair):
    pair[0].setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            pair[0].send(b"x" * 4096)
    programs.fails(send(programs, pair[0], "-t", "0.2"), 124, "descriptor 7", "nothing was given")
    sender = send(programs, pair[0]).settle()
    contents = []
    while not contents:
        contents = take(pair[1], 65536)[1]
    assert contents == [b"sent"]
    programs.succeeds(sender)


def test_twice_over_one_connection(programs, pair):
    """As over a connection that the caller keeps, to a receiver of its own."""
    for content in ("one", "two"):
        sender = send(programs, pair[0], content=content)
        assert take(pair[1])[1] == [content.encode()]
        programs.succeeds(sender)


def test_no_descriptor_comes_in(programs, pair):
    """What the other end sends is not installed, and its pipe ends."""
    reader, writer = programs.pipe()
    socket.send_fds(pair[1], [b"fdpass/1"], [writer])
    programs.close(writer)
    sender = send(programs, pair[0])
    take(pair[1])
    pair[1].sendall(b"A\0\0\0\0\0\0\1")
    programs.succeeds(sender)
    assert os.read(reader, 1) == b""


# ------------------------------------------------------------------------------------- who may, with -c

@contextlib.contextmanager
def made_by_stranger():
    """A connection whose both ends show the other user."""
    os.setegid(STRANGER)
    os.seteuid(STRANGER)
    try:
        made = socket.socketpair()
    finally:
        os.seteuid(0)
        os.setegid(0)
    with made[0], made[1]:
        for end in made:
            end.settimeout(LONG)
        yield made


@pytest.mark.needs_root
def test_a_connection_that_a_stranger_made(programs):
    with made_by_stranger() as (mine, theirs):
        programs.fails(receive(programs, theirs), 125, "descriptor 7", str(STRANGER), "--from-user")
        programs.fails(send(programs, mine), 1, "descriptor 7", str(STRANGER), "--to-user", "Nothing was given")
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


@pytest.mark.needs_root
@pytest.mark.parametrize("who", ["nobody", str(STRANGER), "any"])
def test_a_stranger_who_was_named(programs, who):
    with made_by_stranger() as (mine, theirs):
        receiver = receive(programs, theirs, "--from-user", who, "-f", "0", "-c", "7")
        programs.succeeds(send(programs, mine, "--to-user", who))
        assert programs.succeeds(receiver) == "sent"


def test_not_the_one_who_was_named(programs, pair):
    programs.fails(receive(programs, pair[1], "--from-user", OTHER, "-f", "0", "-c", "7"), 125, "--from-user")
    programs.fails(send(programs, pair[0], "--to-user", OTHER), 1, "--to-user")
    receiver = receive(programs, pair[1], "--from-user", str(ME), "-f", "0", "-c", "7")
    programs.succeeds(send(programs, pair[0], "--to-user", str(ME)))
    assert programs.succeeds(receiver) == "sent"


@pytest.mark.needs_root
def test_only_the_maker_counts(programs, pair):
    """The writer is somebody else: what the kernel does not tell cannot be checked, and the page says so."""
    receiver = receive(programs, pair[1])
    reader = programs.text("sent")

    def write():
        with socket.socket(fileno=4) as inherited:
            socket.send_fds(inherited, [b"x"], [5])

    writer = programs.forked(write, fds={4: pair[0].fileno(), 5: reader}, user=STRANGER, cwd="/")
    assert writer.wait().status == 0
    assert programs.succeeds(receiver) == "sent"


def test_what_follows_a_payload_that_fills_a_read_is_left(programs):
    """The connection is shared: bytes behind the message belong to whoever reads it next."""
    ours, theirs = socket.socketpair()
    with ours, theirs, open("/dev/null", "rb") as given:
        socket.send_fds(ours, [b"x" * 4096], [given.fileno()])
        ours.send(b"tail")
        receiver = programs.fdrecv("-f", "0", "-c", "5", "--run", "cat", fds={5: theirs.fileno()}, ready=None)
        programs.succeeds(receiver)
        assert theirs.recv(100, socket.MSG_DONTWAIT) == b"tail"
