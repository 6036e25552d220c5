# SPDX-License-Identifier: MIT
"""--retire: the old process ends once the command runs, and nothing that it has accepted is lost."""

import contextlib
import os
import resource
import select
import signal
import socket
import sys
import threading

import pytest

from holding import holding
from processes import LONG
from programs import READY, identity
from retiring import (NEW, Port, echoes, has_looked, helper, no_helper, old_server, serve, starting, state)

PORTS = {
    "tcp": (socket.AF_INET, ("127.0.0.1", 0)),
    "tcp on all addresses": (socket.AF_INET, ("0.0.0.0", 0)),
    "tcp6": (socket.AF_INET6, ("::1", 0)),
    "tcp6 on all addresses": (socket.AF_INET6, ("::", 0)),
    "unix": (socket.AF_UNIX, "unix"),
    "abstract": (socket.AF_UNIX, None),
    "seqpacket": (socket.AF_UNIX, "unix", socket.SOCK_SEQPACKET),
}


@pytest.fixture(params=PORTS)
def any_port(programs, request):
    family, address, *kind = PORTS[request.param]
    if family == socket.AF_UNIX:
        address = programs.path(address) if address else "\0" + programs.abstract()
    return Port(programs, family, address, *kind)


@pytest.fixture
def replace(programs):
    """fdrecv with these words and a server as the command, once that runs. All end with the test. The second that
    --retire waits by default is the subject of test_retire_fails.py."""
    made = []

    def run(*words, command=NEW, started=True, **conditions):
        made.append(programs.fdrecv(*words, "--retire-after", "0", "--run", *command, ready=None, **conditions))
        if started:
            made[-1].said("started", 1)
        return made[-1]

    yield run
    for process in programs.processes:
        process.kill()
    no_helper(programs)


# --------------------------------------------------------------------------------------------- by a signal

@pytest.mark.parametrize("word, numbers", [
    ("TERM", [15]), ("SIGTERM", [15]), ("term", [15]), ("15", [15]), ("QUIT", [3]), ("KILL", [9]), ("USR2", [12]),
    ("RTMIN+1", [35, 36]), ("RTMAX", [64]), ("SIGRTMAX-2", [62])])  # musl's SIGRTMIN is one more
def test_by_a_signal(programs, hold, replace, word, numbers):
    other, port = hold({7: programs.file("file")}), Port(programs)
    old = hold({7: port.fileno()})
    new = replace("-v", "-p", str(old.pid), "-l", port.expression, f"--retire={word}")
    assert -old.wait().status in numbers
    new.said(f" to process {old.pid}\n")
    assert new.alive() and other.alive()


def test_by_a_signal_without_any_socket(programs, hold, replace):
    old = hold({7: programs.file("file")})
    reader, _ = programs.pipe()
    replace("-p", str(old.pid), "-f", "5", "7", "--retire=TERM", fds={9: reader},
            command=["sh", "-c", "echo started; read x <&9"])
    assert old.wait().status == -signal.SIGTERM


def test_the_last_signal_counts(programs, hold, replace):
    old = hold({7: programs.file("file")})
    reader, _ = programs.pipe()
    replace("--retire", "-p", str(old.pid), "--retire=TERM", "-f", "5", "7", "--retire=INT", fds={9: reader},
            command=["sh", "-c", "echo started; read x <&9"])
    assert old.wait().status == -signal.SIGINT


def test_a_process_that_does_not_end_by_the_signal(programs, replace):
    """It was asked for that signal, and for nothing more: nobody waits for the end."""
    port = Port(programs)
    old = old_server(programs, port, ignored={signal.SIGTERM})
    new = replace("-v", "-p", port.expression, "-l", port.expression, "--retire=TERM")
    new.said(f"sent TERM to process {old.pid}")
    no_helper(programs)
    assert old.alive() and state(old) in "SR"


# ------------------------------------------------------------------------------------- when it has nothing to do

def test_an_idle_server_is_replaced(programs, replace, any_port):
    old = old_server(programs, any_port)
    any_port.client(b"old").close()
    new = replace("-v", "-p", any_port.expression, "-l", any_port.expression, "--retire")
    assert old.wait().status == -signal.SIGKILL
    new.said(f"ended process {old.pid}, which had no connections left")
    for _ in range(3):
        any_port.client(b"new")
    no_helper(programs)


def test_a_connection_is_not_lost(programs, replace, any_port):
    """It goes on until its client has closed it; the next ones are the new server's or the old one's."""
    old = old_server(programs, any_port)
    client = any_port.client(b"old")
    new = replace("-v", "-p", any_port.expression, "-l", any_port.expression, "--retire")
    helper(programs)
    for _ in range(100):
        echoes(client)
    assert old.alive() and "ended" not in new.stderr
    client.close()
    assert old.wait().status == -signal.SIGKILL
    any_port.client(b"new")
    new.said(f"ended process {old.pid}")


def test_a_connection_that_nobody_has_accepted_is_not_its_own(programs, replace):
    """It waits in the socket, and is the new server's."""
    port = Port(programs)
    old = holding(programs, {7: port.fileno()})
    waiting = programs.closes(socket.create_connection(port.address))
    port.socket.close()
    replace("-p", port.expression, "-l", port.expression, "--retire")
    assert old.wait().status == -signal.SIGKILL
    waiting.settimeout(LONG)
    assert waiting.recv(10) == b"new"


def test_other_connections_do_not_count(programs, replace):
    """Those that it made, and those of a socket that was not taken."""
    port, other = Port(programs), Port(programs)
    elsewhere = programs.closes(socket.create_server(("127.0.0.1", 0)))
    client = programs.closes(socket.create_connection(elsewhere.getsockname()))
    fds = {7: port.fileno(), 8: other.fileno(), 20: client.fileno()}
    old = programs.forked(serve(7, 8), ready=READY, fds=fds).wait_ready()
    port.socket.close()
    other.client(b"old")
    replace("-p", str(old.pid), "-l", port.expression, "--retire")
    assert old.wait().status == -signal.SIGKILL


def test_connections_of_every_socket_that_was_taken(programs, replace):
    one, two = Port(programs), Port(programs)
    old = old_server(programs, one, two)
    client = two.client(b"old")
    replace("-p", str(old.pid), "-l", one.expression, "-l", two.expression, "--retire")
    helper(programs)
    for _ in range(100):
        echoes(client)
    client.close()
    assert old.wait().status == -signal.SIGKILL


def test_the_same_process_named_twice(programs, replace):
    """It is one process all the same: what was taken first is not all that counts."""
    one, two = Port(programs), Port(programs)
    old = old_server(programs, one, two)
    client = two.client(b"old")
    new = replace("-v", "-p", str(old.pid), "-l", one.expression, "-p", two.expression, "-l", two.expression,
                  "--retire")
    helper(programs)
    for _ in range(100):
        echoes(client)
    assert old.alive()
    client.close()
    assert old.wait().status == -signal.SIGKILL
    no_helper(programs)
    new.said("ended process")
    assert new.stderr.count("ended process") == 1


def test_the_same_process_gets_its_signal_once(programs, replace):
    """Servers take the second one for impatience."""
    one, two = Port(programs), Port(programs)
    reader, writer = programs.pipe()

    def count():
        os.write(READY, b"\n")
        os.close(READY)
        while signal.sigwait(told) != signal.SIGRTMAX:
            os.write(20, b"x")

    told = {signal.SIGRTMAX - 1, signal.SIGRTMAX}  # in this order, sigwaitinfo(2)
    fds = {7: one.fileno(), 8: two.fileno(), 20: writer}
    old = programs.forked(count, blocked=told, ready=READY, fds=fds).wait_ready()
    replace("-p", str(old.pid), "-l", one.expression, "-p", str(old.pid), "-l", two.expression, "--retire=RTMAX-1")
    no_helper(programs)
    old.signal(signal.SIGRTMAX)
    assert old.wait().status == 0
    programs.close(writer)
    assert os.read(reader, 10) == b"x"


def test_two_processes(programs, replace):
    """One that is busy does not keep the other."""
    one, two = Port(programs), Port(programs)
    first, second = old_server(programs, one), old_server(programs, two)
    client = one.client(b"old")
    replace("-p", one.expression, "-l", one.expression, "-p", two.expression, "-l", two.expression, "--retire")
    assert second.wait().status == -signal.SIGKILL
    echoes(client)
    client.close()
    assert first.wait().status == -signal.SIGKILL
    one.client(b"new")
    two.client(b"new")


def test_two_processes_by_signal(programs, hold, replace):
    one, two = Port(programs), Port(programs)
    first, second = hold({7: one.fileno()}), hold({7: two.fileno()})
    replace("-p", str(first.pid), "-l", one.expression, "-p", str(second.pid), "-l", two.expression, "--retire=TERM")
    assert [first.wait().status, second.wait().status] == [-signal.SIGTERM] * 2


def threads(*numbers):
    """A server of many threads, some of which never sleep."""
    def server():
        for _ in range(3):
            threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
        for _ in range(5):
            threading.Thread(target=signal.pause, daemon=True).start()
        serve(*numbers)()

    return server


def test_a_server_of_many_threads(programs, replace):
    port = Port(programs)
    old = old_server(programs, port, serving=threads)
    client = port.client(b"old")
    replace("-p", port.expression, "-l", port.expression, "--retire")
    helper(programs)
    for _ in range(5):
        echoes(client)
    client.close()
    assert old.wait().status == -signal.SIGKILL
    port.client(b"new")


def test_a_server_with_a_thread_that_does_not_stop(programs, replace):
    """It is not kept stopped until that thread does: it serves meanwhile, and is looked at again later."""
    port = Port(programs)
    os.mkfifo(programs.path("fifo"))
    old = old_server(programs, port, serving=starting(programs.path("fifo")))
    client = port.client(b"old")
    client.settimeout(10)
    new = replace("-v", "-p", port.expression, "-l", port.expression, "--retire")
    retiring = helper(programs)
    for _ in range(3):
        has_looked(retiring, 1)
        echoes(client)
    client.close()
    has_looked(retiring)
    assert old.alive() and "ended" not in new.stderr
    os.close(os.open(programs.path("fifo"), os.O_WRONLY))
    assert old.wait().status == -signal.SIGKILL
    new.said(f"ended process {old.pid}, which had no connections left")
    port.client(b"new")


def test_a_server_on_a_machine_with_very_many_sockets(programs, hold, replace):
    """Looking takes long then, and it is stopped for that: it runs most of the time all the same."""
    def crowd():
        for _ in range(pairs):
            for one in socket.socketpair():
                one.detach()

    pairs = min(4000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 50)
    hold(before=crowd, limits=(2 * pairs + 50, 2 * pairs + 50))
    port = Port(programs)
    old = old_server(programs, port)
    client = port.client(b"old")
    replace("-p", port.expression, "-l", port.expression, "--retire")
    has_looked(helper(programs), 1)
    states = []
    while len(states) < 500:
        states.append(state(old))
        select.select([], [], [], 0.001)
    assert states.count("T") < 250
    echoes(client)


def test_a_server_that_ends_by_itself(programs, replace):
    port = Port(programs)
    old = old_server(programs, port)
    port.client(b"old")
    new = replace("-v", "-p", port.expression, "-l", port.expression, "--retire")
    helper(programs)
    old.kill()
    no_helper(programs)
    new.said(f"process {old.pid} has ended by itself")
    assert new.alive() and "ended process" not in new.stderr


# ------------------------------------------------------------------------------------------- what the command is

def test_the_command_is_as_without_it(programs, replace):
    """Its PID is fdrecv's, it has what was received and the caller's own, and no child that it does not know."""
    port = Port(programs)
    old_server(programs, port)
    port.client(b"old")
    command, read = programs.listing()
    script = ("import os, sys\ntry: os.waitpid(-1, os.WNOHANG); print('a child')\nexcept ChildProcessError: pass\n"
              "os.execv(sys.argv[1], sys.argv[1:])")
    kept = programs.file("kept")
    new = replace("-p", port.expression, "-l", port.expression, "--retire", started=False, fds={11: kept},
                  command=[sys.executable, "-I", "-S", "-c", script, *command])
    assert new.wait()[:2] == (0, "")
    report = read()
    assert report["pid"] == new.pid and sorted(report["fds"]) == [0, 1, 2, 3, 11]
    assert report["fds"][11]["identity"] == identity(kept)


def links_of(pid):
    """What it has open, but for what it opens and closes meanwhile."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return links


def test_whoever_waits_for_the_command_does_not_wait_for_the_old_one(programs, replace):
    """Nothing that was inherited or taken stays open for as long as that takes, but stderr."""
    port, wait = Port(programs), programs.pipe()
    old_server(programs, port)
    client = port.client(b"old")
    reader, writer = programs.pipe()
    outputs, output = programs.pipe()
    new = replace("-p", port.expression, "-l", port.expression, "--retire", started=False, fds={0: wait[0], 1: output,
                  9: writer, 77: writer}, command=["sh", "-c", "read line"])
    programs.close(writer, output)
    retiring = helper(programs)
    has_looked(retiring)
    held = links_of(retiring)
    assert not any(f"[{os.fstat(fd).st_ino}]" in link for fd in (reader, outputs, wait[1]) for link in held)
    os.write(wait[1], b"\n")
    assert new.wait().status == 0
    for fd in (reader, outputs):
        assert select.select([fd], [], [], LONG)[0] and os.read(fd, 10) == b""
    echoes(client)


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1], [0, 1, 2]], ids=str)
def test_standard_numbers_closed_at_start(programs, replace, closed):
    port = Port(programs)
    old = old_server(programs, port)
    replace("-p", port.expression, "-l", port.expression, "--retire", started=1 not in closed,
            fds={number: None for number in closed})
    assert old.wait().status == -signal.SIGKILL
    port.client(b"new")


def test_ignored_children(programs, replace):
    """SIGCHLD ignored, as some callers leave it: it stays so, and does not keep anybody."""
    port = Port(programs)
    old = old_server(programs, port)
    new = replace("-p", port.expression, "-l", port.expression, "--retire", ignored={signal.SIGCHLD})
    assert old.wait().status == -signal.SIGKILL
    with open(f"/proc/{new.pid}/status", encoding="ascii") as file:
        ignored = int(dict(line.split(":", 1) for line in file)["SigIgn"], 16)
    assert ignored >> signal.SIGCHLD - 1 & 1
