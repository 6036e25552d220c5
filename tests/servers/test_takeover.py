# SPDX-License-Identifier: MIT
"""Servers are replaced under load, again and again, and not one request fails.

The first one has opened its port in its ordinary way and knows nothing of fdpass; every further one is started
by one command line, as it stands in docs/recipes.md.
"""

import signal
import socket

import pytest

import asking
from addresses import Address, backlog
from families import sockets, tree
from handing import private_folder
from loading import KEPT
from processes import until
from servers import (Gunicorn, Haproxy, HaproxyMaster, Ipcserver, Lighttpd, LighttpdOnStdin, Nginx, Node, Perl, PhpFpm,
                     PythonHttpServer, Uvicorn)
from succession import STEP, Succession

MANY, FEW = 20, 3
with open("/proc/sys/net/core/somaxconn", encoding="ascii") as file:
    SOMAXCONN = int(file.read())


def replaced(succession, rounds, options=(), makes=(None,), by_signal=None):
    """So many times, under load."""
    succession.begin_load(*options)
    labels = [succession.server.label]
    for number in range(rounds):
        _, process, pids = succession.take_over(makes[number % len(makes)], by_signal)
        succession.await_change(process, pids)
        labels.append(succession.server.label)
    answers, failures, repeated = succession.report()
    print(f"{rounds} take-overs, {sum(answers.values())} requests, {repeated} repeated, {failures}")
    assert failures == {}
    assert set(answers) == set(labels) and min(answers.values()) >= STEP
    assert repeated == 0 or options
    succession.end()


@pytest.mark.parametrize("options", [[], KEPT], ids=["once", "keep-alive"])
def test_nginx_twenty_times(programs, options):
    replaced(Succession(programs, Nginx), MANY, options)


@pytest.mark.timeout(300)
def test_node_twenty_times(programs):
    """By no signal, but when it is idle. On a busy machine it may take seconds until one looks in such a moment."""
    replaced(Succession(programs, Node), MANY, by_signal=False)


@pytest.mark.parametrize("make", [Haproxy, HaproxyMaster, Gunicorn, Uvicorn, Lighttpd, LighttpdOnStdin, Node, PhpFpm,
                                  Perl, PythonHttpServer])
def test_on_a_port(programs, make):
    replaced(Succession(programs, make), FEW)


@pytest.mark.parametrize("make", [Haproxy, HaproxyMaster, Lighttpd, Node])
def test_kept_connections(programs, make):
    """Of servers that close those that are idle when they are told to end."""
    replaced(Succession(programs, make), FEW, KEPT)


@pytest.mark.parametrize("make", [Haproxy, HaproxyMaster, Lighttpd, LighttpdOnStdin, Perl, Ipcserver, PythonHttpServer])
def test_on_a_unix_socket(programs, make):
    replaced(Succession(programs, make, "unix"), FEW)


@pytest.mark.parametrize("make", [Nginx, Gunicorn, Node])
def test_on_a_unix_socket_that_was_given(programs, make):
    """They would remove a path that they have made; see below."""
    replaced(Succession(programs, make, "unix", given=True), FEW)


def test_from_one_kind_to_the_other(programs):
    makes = [Nginx, Gunicorn, PythonHttpServer, Haproxy, Uvicorn, Lighttpd, Node, HaproxyMaster, PythonHttpServer]
    replaced(Succession(programs, PythonHttpServer), len(makes), makes=makes)


# ------------------------------------------------------------------ what docs/recipes.md says of some of them

class Waiting:
    """A client who is connected and accepted, and has not asked yet."""

    def __init__(self, succession):
        def count():
            return sum(len(sockets(pid)) for pid in tree(succession.process.pid))

        before = count()
        self.socket = succession.programs.closes(succession.address.connect())
        until(lambda: count() > before, "the client is accepted")

    def ask(self):
        """All that comes until the end."""
        try:
            self.socket.sendall(asking.REQUEST)
            return self.socket.makefile("rb").read()
        except ConnectionError:
            return b""


def listeners(succession, pids):
    inode, = succession.address.inodes()
    return [pid for pid in pids if inode in sockets(pid).values()]


@pytest.mark.parametrize("make", [Nginx, Haproxy, HaproxyMaster, Gunicorn, Lighttpd, Node, Uvicorn])
def test_who_is_accepted_and_has_not_asked_when_the_signal_comes(programs, make):
    """Of these, uvicorn loses it."""
    succession = Succession(programs, make)
    succession.server.await_readiness(succession.process)
    client = Waiting(succession)
    holding = listeners(succession, tree(succession.process.pid))
    old, process, pids = succession.take_over(by_signal=True)
    until(lambda: len(listeners(succession, pids)) < len(holding), "the old one has heeded the signal")
    answer = client.ask()
    assert answer.endswith(old.label.encode()) if make is not Uvicorn else answer == b""
    client.socket.close()
    succession.await_end(process, pids)
    until(succession.is_there, "the new one answers")
    succession.end()


def test_without_a_signal_kept_connections_are_waited_for(programs):
    succession = Succession(programs, Node)
    succession.begin_load(*KEPT)
    old, process, pids = succession.take_over(by_signal=False)
    # No client of these comes to the new one; another one does, when the old one is not first.
    until(lambda: asking.http(succession.address) == succession.server.label, "the new one answers")
    succession.load.hears(old.label, 32 * STEP)
    assert process.alive()
    answers, failures, repeated = succession.report()  # and all connections are closed
    assert (set(answers), failures, repeated) == ({old.label}, {}, 0)
    succession.await_end(process, pids)
    assert process.wait().status == -signal.SIGKILL
    succession.end()


@pytest.mark.parametrize("make, given", [(Nginx, False), (Gunicorn, False), (Uvicorn, False), (Node, False),
                                         (PhpFpm, False), (PhpFpm, True)])
def test_a_unix_socket_that_goes_with_who_made_it(programs, make, given):
    """New clients find nothing, though the new one listens. php-fpm removes what it was given, too."""
    succession = Succession(programs, make, "unix", given)
    _, process, pids = succession.take_over(by_signal=True)
    succession.await_end(process, pids)
    with pytest.raises(FileNotFoundError):
        succession.address.connect()
    assert len(succession.address.inodes()) == 1
    if succession.server.processes > 1:
        succession.end()
    else:
        succession.process.kill()  # whether it heeds another signal yet, nobody can ask it


def test_the_backlog_is_the_old_ones(programs, monkeypatch):
    """Until somebody calls listen(2) again."""
    monkeypatch.setattr(PythonHttpServer, "backlog", 5)
    succession = Succession(programs, PythonHttpServer)
    for make, expected in ((PythonHttpServer, 5), (Nginx, 5), (Haproxy, 5), (Lighttpd, 5), (Node, 511), (Gunicorn, 2048),
                           (Node, 511), (Uvicorn, 2048)):
        _, process, pids = succession.take_over(make)
        succession.await_end(process, pids)
        until(succession.is_there, "the new one answers")
        assert backlog(succession.address) == min(expected, SOMAXCONN)
    succession.end()


def test_php_fpm_wants_a_socket_that_blocks(programs):
    """Its children find nobody to accept, and end; its master makes new ones all the time."""
    made = programs.closes(socket.create_server(("127.0.0.1", 0)))
    made.setblocking(False)
    server = PhpFpm(Address("tcp:%s:%d" % made.getsockname()), private_folder(programs), "it is me")
    process = programs.fdrecv(*server.words, "offer", "--run", *server.command())
    programs.succeeds(programs.fdsend("-f", "9", "offer", fds={9: made.fileno()}))
    log = server.folder / "php-fpm.log"
    until(lambda: log.exists() and log.read_text().count("exited with code 0") >= 10, "its children end")
    process.signal(signal.SIGTERM)
    process.wait()
