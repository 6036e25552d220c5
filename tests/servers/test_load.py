# SPDX-License-Identifier: MIT
"""The load generator counts what is right as right, and sees what is wrong."""

import signal
import socket

import pytest

import answering
from addresses import Address
from handing import private_folder
from loading import MODES, Load


class Socket:
    """Listens in this process, and on 3 of the servers that it starts."""

    def __init__(self, programs, kind="tcp", reuse_port=False, at=None):
        self.programs = programs
        if kind == "unix":
            path = str(private_folder(programs) / "web.sock")
            programs.leaves(path)
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            self.address = Address(f"unix:{path}")
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.socket.bind(at or ("127.0.0.1", 0))
            self.address = Address("tcp:%s:%d" % self.socket.getsockname())
        self.socket.listen(4096)

    def server(self, function, last=True):
        """`last`: nobody else is going to have this socket."""
        process = self.programs.forked(function, fds={3: self.socket.fileno()}, ready=4)
        if last:
            self.socket.close()
        return process.wait_ready()


def end(process):
    process.signal(signal.SIGTERM)
    assert process.wait().status == 0, process


@pytest.mark.parametrize("options", MODES, ids=["once", "keep-alive"])
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_steady_server(programs, kind, options):
    made = Socket(programs, kind)
    server = made.server(answering.steady("one"))
    load = Load(programs, made.address, *options)
    load.hears("one", 2000)
    answers, failures, repeated = load.report()
    assert set(answers) == {"one"} and answers["one"] >= 2000
    assert failures == {} and repeated == 0
    end(server)


def test_it_has_many_clients_at_once(programs):
    made = Socket(programs)
    server = made.server(answering.silent)
    load = Load(programs, made.address, "--clients", "40", "--step", "40", "--timeout", "0.2")
    load.fails("timeout", 40)
    answers, failures, _ = load.report()
    assert answers == {} and failures["timeout"] >= 40 and set(failures) == {"timeout"}
    end(server)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_successor_on_the_same_socket_loses_nothing(programs, kind):
    made = Socket(programs, kind)
    old = made.server(answering.steady("old"), last=False)
    load = Load(programs, made.address)
    load.hears("old", 500)
    new = made.server(answering.steady("new"))
    end(old)
    load.hears("new", 500)
    answers, failures, _ = load.report()
    assert set(answers) == {"old", "new"} and failures == {}
    end(new)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_who_closes_and_binds_again_is_seen(programs, kind):
    made = Socket(programs, kind)
    server = made.server(answering.rebinding("old", "new"))
    load = Load(programs, made.address)
    load.hears("old", 500)
    server.signal(signal.SIGTERM)
    load.hears("new", 500)
    _, failures, _ = load.report()
    assert failures and set(failures) <= {"refused", "reset"}, failures
    end(server)


def test_a_successor_with_so_reuseport_is_seen(programs):
    """What waits in the queue of the old socket is lost with it."""
    made = Socket(programs, reuse_port=True)
    old = made.server(answering.closing("old"))
    load = Load(programs, made.address)
    load.hears("old", 500)
    other = Socket(programs, reuse_port=True, at=(made.address.host, made.address.port))
    new = other.server(answering.steady("new"))
    end(old)
    load.hears("new", 500)
    _, failures, _ = load.report()
    assert set(failures) == {"reset"}, failures
    end(new)


@pytest.mark.parametrize("spoil, reason", [(answering.short, "short"), (answering.reset, "reset"),
                                           (answering.refusal, "status"), (answering.without_length, "status")])
def test_reasons(programs, spoil, reason):
    made = Socket(programs)
    server = made.server(answering.spoiling(spoil))
    load = Load(programs, made.address)
    load.fails(reason, 500)
    answers, failures, _ = load.report()
    assert answers == {} and set(failures) == {reason}
    end(server)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_nobody_there(programs, kind):
    made = Socket(programs, kind)
    made.socket.close()
    load = Load(programs, made.address)
    load.fails("refused", 500)
    assert set(load.report()[1]) == {"refused"}


def test_a_kept_connection_that_ends_is_no_failure(programs):
    made = Socket(programs)
    server = made.server(answering.forgetful)
    load = Load(programs, made.address, "--keep-alive", "--clients", "1")
    load.hears("once", 500)
    answers, failures, repeated = load.report()
    assert failures == {} and answers["once"] >= 500 and repeated >= 499
    end(server)
