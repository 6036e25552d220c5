# SPDX-License-Identifier: MIT
"""A server that has never heard of fdpass is replaced under load, and no request fails.

The server and the load are those of the demo, examples/takeover, as programs of their own.
"""

import json
import signal
import socket
import struct
import sys
from pathlib import Path

import pytest

from programs import children

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "takeover"
SERVER = [sys.executable, "-B", str(EXAMPLE / "server.py")]
CLIENTS = 32
SERVES = 50  # answers of a server before it is replaced


class Load:
    """load.py on a port, until stop(); afterwards `result` is what it counted."""

    def __init__(self, programs, port, clients=CLIENTS, patience=20):
        reader, self.end = programs.pipe()
        self.programs = programs
        self.process = programs.start([sys.executable, "-B", str(EXAMPLE / "load.py"),
                                       str(port), str(clients), str(patience)], fds={0: reader})
        programs.close(reader)

    def answers(self, server, count=1):
        """Waits until that server has given so many answers; 1, or a multiple of 25."""
        self.process.said(f"answered {server.pid} {count}\n", 1)

    def fails(self, kind):
        self.process.said(f"failed {kind}\n", 1)

    def stop(self):
        self.programs.close(self.end)
        return json.loads(self.programs.succeeds(self.process).splitlines()[-1])


def reserved_port(programs):
    """One that nobody else is given, but that a server can bind: it is bound, and does not listen."""
    reservation = programs.closes(socket.socket())
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        reservation.setsockopt(socket.SOL_SOCKET, option, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation.getsockname()[1]


@pytest.fixture
def port(programs):
    return reserved_port(programs)


def serve(programs, *args):
    server = programs.start([*SERVER, *map(str, args)])
    server.said("Serving HTTP", 1)
    return server


def take_over(programs, port):
    """At once: whether the new one stays is not in doubt here."""
    return programs.start([programs.fdrecv_path, "-p", f"listen:{port}", "-l", f"listen:{port}", "--retire",
                           "--retire-after", "0", "--run", *SERVER])


# On its own it takes some 10 seconds, nearly all of them the processors': others may want these, too.
@pytest.mark.timeout(300)
def test_twenty_take_overs_under_load(programs, port):
    """32 clients, no failed request, and each server serves; each old one is ended, and only then."""
    servers = [serve(programs, port)]
    load = Load(programs, port)
    for _ in range(20):
        load.answers(servers[-1], SERVES)
        old = servers[-1]
        assert old.alive()
        servers.append(take_over(programs, port))
        assert old.wait() == (-signal.SIGKILL, old.stdout, "")
    load.answers(servers[-1], SERVES)
    result = load.stop()
    assert result["failed"] == {}
    assert set(result["answered"]) == {str(server.pid) for server in servers}
    assert all(count >= SERVES for count in result["answered"].values())
    assert servers[-1].stderr == ""
    servers[-1].kill()


def test_load_tells_of_a_server_that_is_closed_and_rebound(programs, port):
    """The test above can fail: here is a server that is replaced in the ordinary way."""
    servers = [serve(programs, port)]
    load = Load(programs, port)
    for _ in range(3):
        load.answers(servers[-1], SERVES)
        servers[-1].signal(signal.SIGTERM)
        servers[-1].wait()
        load.fails("refused")
        servers.append(serve(programs, port))
    load.answers(servers[-1])
    result = load.stop()
    assert result["failed"]["refused"] >= 1
    assert sum(result["failed"].values()) == load.process.stdout.count("failed ")
    assert set(result["answered"]) == {str(server.pid) for server in servers}
    servers[-1].kill()


def reset(connection):
    """Closes it so that the client gets ECONNRESET."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nhal")


def nothing(connection):
    connection.recv(4096)


@pytest.mark.parametrize("does, kind", [(reset, "reset"), (half, "short"), (nothing, "short")])
def test_load_tells_of_what_is_not_an_answer(programs, does, kind):
    listener = programs.closes(socket.create_server(("127.0.0.1", 0)))
    load = Load(programs, listener.getsockname()[1], clients=1)
    connection, _ = listener.accept()
    with connection:
        does(connection)
    load.fails(kind)
    listener.close()
    assert load.stop()["failed"][kind] >= 1


def test_load_tells_of_an_answer_that_does_not_come(programs):
    listener = programs.closes(socket.create_server(("127.0.0.1", 0)))
    load = Load(programs, listener.getsockname()[1], clients=1, patience=0.2)
    load.fails("timed out")
    result = load.stop()
    assert set(result["failed"]) == {"timed out"} and not result["answered"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_that_is_interrupted_leaves_nothing(programs, number):
    """All that it started has ended when it ends: not even something for init to reap."""
    before = children()
    demo = programs.start([sys.executable, "-B", str(EXAMPLE / "takeover.py")])
    demo.said("...", 1)
    demo.signal(number)
    result = demo.wait()
    assert (result.status, result.stderr) == (128 + number, "")
    assert children() == before
