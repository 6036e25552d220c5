# SPDX-License-Identifier: MIT
"""Programs that already speak descriptor passing: OpenSSH, netcat, Python, and util-linux's command lines."""

import os
import socket

import pytest

import peers
from namespaces import with_file
from processes import LONG
from sshd import Sshd

PROXIES = ["fdsend --connect tcp:[%h]:%p -c 1", "fdsend --connect tcp:%h:%p -c 1",
           "fdsend -t 20 -c 1 --connect=tcp:[%h]:%p", "fdsend -c 0 --connect tcp4:[%h]:%p"]


# ------------------------------------------------------------------------------------------ OpenSSH

@pytest.fixture
def sshd(programs):
    server = Sshd(programs)
    yield server
    server.close()


@pytest.fixture
def echo(programs):
    """Something to be reached through a login that needs no shell over there."""
    server = programs.closes(socket.create_server(("127.0.0.1", 0)))
    server.settimeout(LONG)
    return server


def reaches(sshd, echo, *words, **conditions):
    """`ssh -W`: logged in, and through."""
    ssh = sshd.through(echo, *words, **conditions)
    assert sshd.programs.succeeds(ssh) == "through"


@pytest.mark.parametrize("proxy", PROXIES)
def test_ssh_logs_in(programs, sshd, echo, proxy):
    """ssh is given the connection; no process of ours remains in between."""
    reaches(sshd, echo, proxy=proxy)


def test_ssh_to_a_numeric_ipv6_address(programs, echo):
    """What the brackets are for."""
    server = Sshd(programs, "::1")
    reaches(server, echo, proxy=PROXIES[0])
    programs.fails(server.ssh("--", "true", proxy=PROXIES[1]), 255, "fdsend: --connect: 'tcp:::1:", "brackets")
    server.close()


@pytest.mark.needs_root
@pytest.mark.parametrize("proxy", PROXIES[:2])
def test_ssh_runs_a_command(programs, sshd, proxy):
    ssh = sshd.ssh("--", "read line; echo $line over there; exit 3", proxy=proxy, fds={0: programs.text("hello\n")})
    assert ssh.wait() == (3, "hello over there\n", "")


def test_ssh_is_told_why_not(programs, sshd):
    """What fdsend says comes on ssh's stderr."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ssh = sshd.ssh("--", "true", proxy=PROXIES[0], port=closed.getsockname()[1])
        programs.fails(ssh, 255, "fdsend: --connect tcp:[127.0.0.1]:", "nobody listens there")


@pytest.mark.needs_root
@pytest.mark.needs_mounts
def test_ssh_to_a_host_with_several_addresses(programs, sshd, echo):
    """ssh by itself waits for one after the other; fdsend does not."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.2", sshd.port))
        silent.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(silent.getsockname())
        before = with_file(programs, "/etc/hosts", "127.0.0.2 server.test\n127.0.0.1 server.test\n")
        reaches(sshd, echo, proxy=PROXIES[1], host="server.test", before=before)
        for client in waiting:
            client.close()


# ------------------------------------------------------------------------------------------- netcat

@pytest.fixture
def server(programs):
    made = programs.closes(socket.create_server(("127.0.0.1", 0)))
    made.settimeout(LONG)
    return made


# What nc gives does not block: whoever gets it has to set that, or to wait.
READ_AND_WRITE = ["python3", "-I", "-c", "import socket\n"
                  "connection = socket.socket(fileno=3)\n"
                  "connection.setblocking(True)\n"
                  "connection.sendall(b'got ' + connection.makefile('rb').readline())\n"]


@pytest.mark.parametrize("number", [7, 0])
@pytest.mark.parametrize("first", ["nc", "fdrecv"])
def test_nc_gives_its_connection_to_fdrecv(programs, server, number, first):
    """`nc -F` writes to its stdout and ends, without a look at what the other end says."""
    mine, theirs = socket.socketpair()

    def start_nc():
        return programs.start(["nc", "-F", "127.0.0.1", str(server.getsockname()[1])], fds={1: mine.fileno()})

    nc = start_nc() if first == "nc" else None
    if nc:
        mine.close()
        programs.succeeds(nc)
    receiver = programs.fdrecv("-f", "3", "-c", str(number), "--run", *READ_AND_WRITE, fds={number: theirs.fileno()})
    if not nc:
        nc = start_nc()
        mine.close()
        programs.succeeds(nc)
    theirs.close()
    accepted, _ = server.accept()
    with accepted:
        accepted.sendall(b"hello\n")
        assert accepted.makefile().read() == "got hello\n"
    programs.succeeds(receiver)


def test_nc_that_cannot_connect(programs):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        mine, theirs = socket.socketpair()
        nc = programs.start(["nc", "-F", "127.0.0.1", str(closed.getsockname()[1])], fds={1: mine.fileno()})
    mine.close()
    receiver = programs.fdrecv("-f", "3", "-c", "7", "--run", "cat", fds={7: theirs.fileno()}, ready=None)
    theirs.close()
    assert nc.wait().status != 0
    programs.fails(receiver, 125, "fdrecv: descriptor 7: ", "without sending a descriptor")


def test_nc_connects_to_a_socket_that_was_opened_here(programs):
    """-N: half of the connection ends, the other half still speaks."""
    receiver = programs.fdrecv("-f", "3", "./give", "--run", "python3", "-I", "-c", "import socket\n"
                               "client, _ = socket.socket(fileno=3).accept()\n"
                               "client.sendall(client.makefile('rb').read().upper())")
    sender = programs.fdsend("--listen", "unix:./made", "./give")
    programs.succeeds(sender)
    nc = programs.start(["nc", "-N", "-U", "./made"], fds={0: programs.text("hello")})
    assert programs.succeeds(nc) == "HELLO"
    programs.succeeds(receiver)
    os.unlink(programs.path("made"))


# ------------------------------------------------------------------------------------- Python, and curl

def test_python_starts_fdsend_and_gets_what_it_opened(programs):
    """As a program does that lets a privileged child open things for it."""
    (programs.folder / "file").write_text("content")
    script = programs.folder / "ask.py"
    script.write_text(
        "import os, socket, subprocess\n"
        "mine, theirs = socket.socketpair()\n"
        "child = subprocess.Popen(['fdsend', '--open', 'file', '--listen', 'tcp4:127.0.0.1:0',\n"
        "                          '-c', str(theirs.fileno())],\n"
        "                         pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, text=True)\n"
        "theirs.close()\n"
        "data, fds, flags, _ = socket.recv_fds(mine, 1, 2)\n"
        "printed, _ = child.communicate()\n"
        "server = socket.socket(fileno=fds[1])\n"
        "assert printed == 'tcp:%s:%d\\n' % server.getsockname(), printed\n"
        "print(len(data), os.read(fds[0], 100), child.returncode)\n")
    assert programs.succeeds(programs.start(["python3", "-I", script])) == "1 b'content' 0\n"


def test_python_gives_a_descriptor_to_the_fdrecv_that_it_starts(programs):
    script = programs.folder / "give.py"
    script.write_text(
        "import os, socket, subprocess\n"
        "mine, theirs = socket.socketpair()\n"
        "child = subprocess.Popen(['fdrecv', '-i', '-c', str(theirs.fileno()), '--run', 'cat'],\n"
        "                         pass_fds=[theirs.fileno()])\n"
        "theirs.close()\n"
        "reader, writer = os.pipe()\n"
        "socket.send_fds(mine, [b'x'], [reader])\n"
        "os.close(reader)\n"
        "os.write(writer, b'hello')\n"
        "os.close(writer)\n"
        "said = mine.makefile('rb').read()\n"
        "print(' from', child.wait(), said[8:9])\n")
    assert programs.succeeds(programs.start(["python3", "-I", script])) == "hello from 0 b'A'\n"


def test_curl_is_answered_by_who_was_given_the_port(programs):
    receiver = programs.fdrecv("-f", "3", "./give", "--run", "python3", "-I", "-c", """
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(None, Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=3)
server.handle_request()""")
    sender = programs.fdsend("--listen", "tcp4:127.0.0.1:0", "./give")
    address = programs.succeeds(sender).strip().replace("tcp:", "http://") + "/"
    curl = programs.start(["curl", "--silent", "--show-error", "--max-time", str(int(LONG)), "--noproxy", "*", address])
    assert programs.succeeds(curl) == "hello"
    programs.succeeds(receiver)


# --------------------------------------------------------- util-linux: the same names and letters as there

@pytest.mark.parametrize("send, receive", [
    ("fdsend -f 3 NAME", "fdrecv -f 0 NAME --run cat"),
    ("fdsend --fd 3 NAME", "fdrecv --fd 0 NAME --run cat"),
    ("fdsend --blocking --fd=3 NAME", "fdrecv -i NAME --run cat"),
    ("fdsend -a -f 3 NAME", "fdrecv -a -f 0 NAME --run cat"),
    ("fdsend --abstract -f 3 NAME", "fdrecv -f 0 --abstract NAME -- cat"),
])
def test_command_lines_of_util_linux(programs, send, receive):
    name = programs.abstract("name")
    receiver = programs.fdrecv(*receive.replace("NAME", name).split()[1:])
    sender = programs.fdsend(*send.replace("NAME", name).split()[1:], fds={3: programs.text("hello")})
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == "hello"


def test_a_receiver_that_only_reads(programs):
    """One that was written after their pages: it reads, and does not know of answers."""
    receiver = programs.closes(peers.Receiver(programs.path("socket")))
    sender = programs.fdsend("--open", "/dev/null", "./socket")
    assert len(receiver.receive(size=1)[2]) == 1
    programs.succeeds(sender)
