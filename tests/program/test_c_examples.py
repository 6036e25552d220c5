# SPDX-License-Identifier: MIT
"""The C programs in examples/, used as somebody would who copies them."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading

import pytest

EXAMPLES = pathlib.Path(os.environ.get("EXAMPLES", "build/examples")).resolve()


@pytest.fixture
def start(tmp_path):
    """Starts an example in a folder of its own; what still runs at the end is ended."""
    running = []

    def run(name, *arguments, **options):
        process = subprocess.Popen([EXAMPLES / name, *map(str, arguments)], cwd=tmp_path, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Client(threading.Thread):
    """Sends numbered lines over one connection and reads each of them back, in pieces of any size."""

    def __init__(self, port, number):
        super().__init__()
        self.random = random.Random(number)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.ending = threading.Event()
        self.progress = threading.Event()
        self.trouble = None

    def run(self):
        try:
            while not self.ending.is_set():
                bytes_ = self.random.randbytes(self.random.choice((1, 100, 5000)))
                self.connection.sendall(bytes_)
                back = b""
                while len(back) < len(bytes_):
                    piece = self.connection.recv(4096)
                    assert piece, "the connection ended"
                    back += piece
                assert back == bytes_, "something else came back"
                self.progress.set()
        except (OSError, AssertionError) as trouble:
            self.trouble = trouble
        finally:
            self.connection.close()


def test_a_server_that_is_replaced_keeps_its_connections(start):
    port = free_port()
    server = start("echo-server", f"tcp:{port}", "unix:control")
    assert server.stdout.readline() == f"{server.pid} serves\n"
    clients = [Client(port, number) for number in range(50)]
    for client in clients:
        client.start()
    for _ in range(5):
        successor = start("echo-server", f"tcp:{port}", "unix:control")
        assert successor.stdout.readline() == f"{successor.pid} serves\n"
        assert server.wait(30) == 0
        # Two that listen, 50 clients, and the late one if its end was not seen yet.
        assert server.stdout.read() in (f"{server.pid} handed over {count}\n" for count in (52, 53))
        server = successor
        # Every one of them goes on with the new one, and so does one that comes now.
        for client in clients:
            client.progress.clear()
        for client in clients:
            assert client.progress.wait(30), client.trouble
        with socket.create_connection(("127.0.0.1", port), timeout=30) as late:
            late.sendall(b"hello")
            assert late.recv(5) == b"hello"
    for client in clients:
        client.ending.set()
    for client in clients:
        client.join(30)
    assert [client.trouble for client in clients if client.trouble] == []


def test_a_successor_that_fails_changes_nothing(start, tmp_path):
    port = free_port()
    server = start("echo-server", f"tcp:{port}", "unix:control", stderr=subprocess.PIPE)
    server.stdout.readline()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        # Somebody who asks for everything, and takes nothing.
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(tmp_path / "control"))
            visitor.shutdown(socket.SHUT_WR)
            # The header, so that the end is not that of one who was never there.
            assert visitor.recv(1) != b""
        assert server.stderr.readline().startswith("echo-server: going on: ")
        client.sendall(b"still there?")
        assert client.recv(100) == b"still there?"


# Greets as fdpass-protocol(7) has it, and takes everything, but does not answer.
HANGING = """
import signal, socket
with socket.socket(socket.AF_UNIX) as door:
    door.connect("control")
    door.sendall(b"fdpass/1")
    socket.recv_fds(door, 1, 10)
    signal.pause()
"""


def test_a_successor_that_hangs_is_ended(start):
    """It has everything and may begin to serve at any time, while the old one goes on."""
    port = free_port()
    server = start("echo-server", f"tcp:{port}", "unix:control", stderr=subprocess.PIPE)
    server.stdout.readline()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        assert start(sys.executable, "-c", HANGING).wait(30) == -signal.SIGKILL
        assert server.stderr.readline().startswith("echo-server: going on: waiting")
        client.sendall(b"still there?")
        assert client.recv(100) == b"still there?"


def test_more_connections_than_one_message_carries(start):
    port = free_port()
    server = start("echo-server", f"tcp:{port}", "unix:control")
    server.stdout.readline()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                   for _ in range(300)]
        clients[0].sendall(b"0")
        assert clients[0].recv(1) == b"0"
        successor = start("echo-server", f"tcp:{port}", "unix:control")
        assert successor.stdout.readline() == f"{successor.pid} serves\n"
        assert server.wait(30) == 0
        for client in clients:
            client.sendall(b"hello")
        for client in clients:
            assert client.recv(5, socket.MSG_WAITALL) == b"hello"


def test_a_port_that_is_in_use_is_an_error(start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = start("echo-server", f"tcp:{other.getsockname()[1]}", "unix:control",
                       stderr=subprocess.PIPE)
        _, said = server.communicate(timeout=30)
    assert server.returncode == 1
    assert said.startswith("echo-server: ") and "binding the socket" in said


def test_a_collector_is_given_descriptors_while_it_reads(start, tmp_path):
    collector = start("collector", "./door")
    assert collector.stdout.readline() == "ready\n"
    collector.stdin.write("something else\n")
    collector.stdin.flush()
    assert collector.stdout.readline() == "input: something else\n"
    (tmp_path / "file").write_text("twelve bytes")
    with socket.socket(socket.AF_UNIX) as idle, socket.socket(socket.AF_UNIX) as sender, \
            open(tmp_path / "file") as file:
        idle.connect(str(tmp_path / "door"))
        sender.connect(str(tmp_path / "door"))
        socket.send_fds(sender, [b"x"], [file.fileno(), sender.fileno()])
        assert collector.stdout.readline() == f"from process {os.getpid()}:\n"
        assert collector.stdout.readline() == "(no name): a file of 12 bytes\n"
        assert collector.stdout.readline() == "(no name): a socket of 0 bytes\n"
        assert sender.recv(16, socket.MSG_WAITALL) == b"fdpass/1A\0\0\0\0\0\0\2"
        idle.sendall(b"nothing with it")
        idle.shutdown(socket.SHUT_WR)
        assert collector.stdout.readline().startswith(f"turned away: process {os.getpid()} ")
    collector.terminate()
    assert collector.wait(30) == 0
    assert not (tmp_path / "door").exists()


def test_an_opener_opens_what_is_allowed(start, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    (folder / "one").write_text("the first\nand more\n")
    (folder / "two").write_text("the second\n")
    (folder / "link").symlink_to("one")
    os.mkfifo(folder / "fifo")
    (tmp_path / "outside").write_text("secret\n")
    opener = start("opener", folder, "one", "../outside", "link", "fifo", "..", "missing", "two",
                   "n" * 300)
    said, _ = opener.communicate(timeout=30)
    answers = [line.split(": ", 1) for line in said.splitlines()]
    assert [name for name, _ in answers] == ["one", "../outside", "link", "fifo", "..", "missing", "two",
                                             "n" * 300]
    # What is no line of the files is an errno in the C library's words.
    given = {"the first", "the second"}
    assert [answer in given for _, answer in answers] == [True, *[False] * 5, True, False]
    assert "secret" not in said
    assert opener.returncode == 1


def test_a_worker_of_an_opener_is_nobody(start, tmp_path):
    """The worker cannot open it by itself: only root and the folder's owner can."""
    if os.geteuid() != 0:
        folder = tmp_path
    else:
        folder = tmp_path / "private"
        folder.mkdir(mode=0o700)
    (folder / "file").write_text("for root alone\n")
    os.chmod(folder / "file", 0o600)
    opener = start("opener", folder, "file")
    said, _ = opener.communicate(timeout=30)
    assert (said, opener.returncode) == ("file: for root alone\n", 0)
