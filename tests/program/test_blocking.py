# SPDX-License-Identifier: MIT
"""fdsend --blocking waits for a listener: woken by the kernel, and not misled by what is in its place."""

import os
import shutil
import time

import pytest

import peers
from processes import STRANGER

WINDOW = 1.5  # seconds for which a waiting process is watched


def waiting(programs, *where, text="sent", **conditions):
    """A sender that sleeps, because nobody is there."""
    return programs.fdsend("-b", "-f", "0", *where, fds={0: programs.text(text)}, **conditions).settle()


def receive(programs, *where, **conditions):
    return programs.fdrecv(*where[:-1], "-f", "0", where[-1], "--run", "cat", **conditions)


def arrives(programs, sender, receiver, text="sent"):
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == text


@pytest.fixture
def folder(programs):
    made = programs.folder / "sub"
    made.mkdir()
    return made


def test_receiver_comes_later(programs):
    for place in (["name"], ["./path"], ["-a", programs.abstract()]):
        sender = waiting(programs, *place)
        arrives(programs, sender, receive(programs, *place))


def test_name_before_its_run_folder(programs):
    sender = waiting(programs, "name")
    assert not os.path.lexists(programs.runtime)
    arrives(programs, sender, receive(programs, "name"))


def test_started_together(programs):
    """Neither first: each round succeeds wherever the two meet."""
    for place in (["name"], ["-a", programs.abstract()]):
        for _ in range(25):
            barrier, gate = programs.pipe()
            sender = programs.fdsend("-b", "-f", "0", *place, fds={0: programs.text("sent")}, barrier=barrier)
            receiver = receive(programs, *place, barrier=barrier)
            programs.close(gate)
            arrives(programs, sender, receiver)
            programs.close(barrier)


@pytest.mark.parametrize("first", ["file", "stale", "folder", "link", "fifo"])
def test_something_else_is_in_the_place(programs, folder, first):
    """It is no receiver yet; it goes, and a receiver comes."""
    path = folder / "socket"
    if first == "file":
        path.write_text("")
    elif first == "stale":
        peers.stale(path)
    elif first == "folder":
        path.mkdir()
    elif first == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    sender = waiting(programs, "sub/socket")
    if first == "folder":
        path.rmdir()
    elif first != "stale":
        path.unlink()
    arrives(programs, sender, receive(programs, "sub/socket"))


def test_file_comes_and_goes_first(programs, folder):
    path = folder / "socket"
    sender = waiting(programs, "sub/socket")
    for _ in range(3):
        path.write_text("")
        sender.settle()
        path.unlink()
        sender.settle()
    peers.stale(path)
    sender.settle()
    arrives(programs, sender, receive(programs, "sub/socket"))


@pytest.mark.parametrize("there", [None, "file", "stale"])
def test_socket_is_renamed_into_place(programs, folder, there):
    path = folder / "socket"
    if there == "file":
        path.write_text("")
    elif there == "stale":
        peers.stale(path)
    sender = waiting(programs, "sub/socket")
    receiver = programs.closes(peers.Receiver(folder / "other"))
    os.rename(folder / "other", path)
    _, _, fds = receiver.receive()
    assert os.read(fds[0], 10) == b"sent"
    programs.succeeds(sender)
    path.unlink()


def test_socket_is_linked_into_place(programs, folder):
    sender = waiting(programs, "sub/socket")
    receiver = programs.closes(peers.Receiver(folder / "other"))
    os.link(folder / "other", folder / "socket")
    receiver.receive()
    programs.succeeds(sender)
    os.unlink(folder / "socket")


def test_symbolic_link_to_a_receiver(programs, folder):
    """Made first, and then its target; found by looking again, because no folder announces it."""
    (programs.folder / "elsewhere").mkdir()
    (folder / "socket").symlink_to(programs.folder / "elsewhere/socket")
    sender = waiting(programs, "sub/socket")
    arrives(programs, sender, receive(programs, "elsewhere/socket"))


def test_receiver_dies_and_another_comes(programs, folder):
    """A live socket that never takes it, and then goes, is not the end of the wait."""
    receiver = peers.Receiver(folder / "socket")
    sender = programs.fdsend("-b", "-f", "0", "sub/socket", fds={0: programs.text("sent")})
    assert receiver.connected(20)
    receiver.close()
    sender.settle()
    arrives(programs, sender, receive(programs, "sub/socket"))


def test_folder_comes_later(programs):
    sender = waiting(programs, "one/two/three/socket")
    for part in ("one", "one/two", "one/two/three"):
        (programs.folder / part).mkdir()
        sender.settle()
    arrives(programs, sender, receive(programs, "one/two/three/socket"))


def test_folders_come_all_at_once(programs):
    for _ in range(10):
        sender = waiting(programs, "one/two/three/socket")
        (programs.folder / "one/two/three").mkdir(parents=True)
        arrives(programs, sender, receive(programs, "one/two/three/socket"))
        shutil.rmtree(programs.folder / "one")


def test_folder_is_replaced(programs, folder):
    """Another folder is renamed into its place, first an empty one, then one with a receiver in it."""
    sender = waiting(programs, "sub/socket")
    (programs.folder / "empty").mkdir()
    folder.rename(programs.folder / "old")
    (programs.folder / "empty").rename(folder)
    sender.settle()
    new = programs.folder / "new"
    new.mkdir()
    receiver = programs.closes(peers.Receiver(new / "socket"))
    folder.rename(programs.folder / "old2")
    new.rename(folder)
    receiver.receive()
    programs.succeeds(sender)
    os.unlink(folder / "socket")


def test_folder_far_above_is_replaced(programs):
    (programs.folder / "a/b/c").mkdir(parents=True)
    sender = waiting(programs, "a/b/c/socket")
    (programs.folder / "new/b/c").mkdir(parents=True)
    (programs.folder / "a").rename(programs.folder / "old")
    (programs.folder / "new").rename(programs.folder / "a")
    sender.settle()
    arrives(programs, sender, receive(programs, "a/b/c/socket"))


def test_receiver_binds_and_listens_later(programs, folder):
    """In place, as foreign receivers do: the kernel announces the one and not the other."""
    sender = waiting(programs, "sub/socket")
    receiver = programs.closes(peers.Receiver(folder / "socket", listen=False))
    sender.settle()
    receiver.listen()
    receiver.receive()
    programs.succeeds(sender)


@pytest.mark.parametrize("there", ["before", "after"])
def test_foreign_receiver_on_an_abstract_name(programs, there):
    name = programs.abstract()
    if there == "before":
        receiver = programs.closes(peers.Receiver("@" + name, listen=False))
    sender = waiting(programs, "-a", name)
    if there == "before":
        receiver.listen()
    else:
        receiver = programs.closes(peers.Receiver("@" + name))
    receiver.receive()
    programs.succeeds(sender)


@pytest.mark.parametrize("place", ["path", "abstract"])
def test_full_backlog(programs, place):
    """Not taken is not refused: the sender waits for room, without -b as an error."""
    address, where = programs.path("socket"), ["./socket"]
    if place == "abstract":
        name = programs.abstract()
        address, where = "@" + name, ["-a", name]
    receiver = programs.closes(peers.Receiver(address, backlog=0))
    crowd = peers.fill(address)
    assert crowd
    programs.fails(programs.fdsend("-t", "0.2", "-f", "0", *where), 124, where[-1])
    sender = waiting(programs, *where)
    for connection in crowd:
        receiver.accept()
        connection.close()
    _, _, fds = receiver.receive()
    assert os.read(fds[0], 10) == b"sent"
    programs.succeeds(sender)


def test_folder_that_can_be_searched_but_not_read(programs):
    user = STRANGER if os.geteuid() == 0 else None
    if user is None:
        folder = programs.folder / "sub"
        folder.mkdir()
    else:
        folder = programs.stranger_folder()
    folder.chmod(0o311)
    sender = waiting(programs, folder / "socket", user=user, cwd="/")
    receiver = receive(programs, folder / "socket", user=user, cwd="/")
    arrives(programs, sender, receiver)
    folder.chmod(0o755)


@pytest.mark.parametrize("place", ["path", "missing folder", "abstract"])
def test_waiting_costs_nothing(programs, place):
    """No CPU, and next to no wake-up; then the receiver wakes it at once."""
    where = {"path": ["./socket"], "missing folder": ["no/such/socket"], "abstract": ["-a", programs.abstract()]}[place]
    sender = waiting(programs, *where)
    before = sender.cpu_ticks(), sender.switches()
    assert sender.lasts(WINDOW)
    assert sender.cpu_ticks() == before[0]
    assert sender.switches() - before[1] <= (8 if place == "abstract" else 1)
    (programs.folder / "no/such").mkdir(parents=True)
    arrives(programs, sender, receive(programs, *where))


def look(process, seconds):
    """Passes the time until a waiting process has woken up by itself, or that long if it never does."""
    before, end = process.switches(), time.monotonic() + seconds
    while process.switches() == before and time.monotonic() < end:
        assert process.lasts(0.005)


def test_our_receivers_wake_abstract_waiters_at_once(programs):
    """Six of them after a long wait, just after they had looked by themselves: pauses that have grown by then
    would make some of them late."""
    names = [programs.abstract() for _ in range(6)]
    senders = [waiting(programs, "-a", name, text=name) for name in names]
    assert senders[0].lasts(WINDOW)
    look(senders[-1], 2 * WINDOW)
    groups = [word for number, name in enumerate(names, start=3) for word in ("-a", "-f", str(number), name)]
    receiver = programs.fdrecv(*groups, "--run", "sh", "-c", "for i in 3 4 5 6 7 8; do cat <&$i; done")
    ready = time.monotonic()
    programs.succeeds(*senders)
    assert time.monotonic() - ready < 0.5
    assert programs.succeeds(receiver) == "".join(names)


def test_two_waiters_are_both_woken(programs):
    name = programs.abstract()
    senders = [waiting(programs, "-a", name) for _ in range(2)]
    receivers = []
    for _ in senders:
        receivers.append(receive(programs, "-a", name))
        programs.succeeds(receivers[-1])
    programs.succeeds(*senders)


def test_crowd_of_abstract_waiters(programs):
    """More of them than there are companion names: those without one are found by looking again."""
    name = programs.abstract()
    senders = [waiting(programs, "-a", name, text=f"{number}.") for number in range(20)]
    came = []
    for _ in senders:
        came.append(programs.succeeds(receive(programs, "-a", name)))
    programs.succeeds(*senders)
    assert sorted(came) == sorted(f"{number}." for number in range(20))


def test_deadline(programs):
    for where in (["name"], ["./socket"], ["no/such/socket"], ["-a", programs.abstract()]):
        programs.fails(programs.fdsend("-b", "-t", "0.3", "-f", "0", *where), 124, "fdsend: ", where[-1])


@pytest.mark.needs_root
@pytest.mark.parametrize("place", ["path", "abstract"])
def test_stranger_is_not_yet(programs, place):
    """Given nothing; an error without -b, and with it the wait goes on until the right one comes."""
    folder = programs.stranger_folder(0o777)
    name = programs.abstract()
    address, where = (folder / "socket", [folder / "socket"]) if place == "path" else ("@" + name, ["-a", name])

    def squat():
        receiver = peers.Receiver(address)
        if place == "path":
            os.chmod(address, 0o666)
        os.write(3, b"\n")
        os.close(3)
        while True:
            connection = receiver.accept()
            print(connection.recv(100), flush=True)

    squatter = programs.forked(squat, user=STRANGER, ready=3).wait_ready()
    programs.fails(programs.fdsend("-f", "0", *where), 1, str(STRANGER))
    programs.fails(programs.fdsend("-b", "-t", "0.5", "-f", "0", *where), 124, str(where[-1]))
    sender = waiting(programs, *where)
    squatter.kill()
    assert set(squatter.stdout.split()) == {"b''"}
    if place == "path":
        peers.remove(address)
    receiver = receive(programs, *where)
    assert sender.wait().status == 0 and sender.stderr.count("\n") == 1
    assert f"process {squatter.pid} of user {STRANGER} listens there" in sender.stderr
    assert programs.succeeds(receiver) == "sent"
