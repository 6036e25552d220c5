# SPDX-License-Identifier: MIT
"""Which Unix socket a path means: the one that is bound to the file there, whatever others call themselves."""

import os
import socket

import pytest

from holding import neither_takes, take
from programs import identity

pytestmark = pytest.mark.needs_namespaces

SERVER = ["python3", "-I", "-S", "-c", """
import signal, socket, sys
made = socket.socket(socket.AF_UNIX)
made.bind(sys.argv[1])
made.listen()
print("listens", flush=True)
signal.pause()
"""]


@pytest.fixture
def path(programs):
    os.mkdir(programs.path("place"))
    return programs.path("place/socket")


@pytest.fixture
def real(programs, hold, path):
    """The server, which alone holds the socket there."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)
        made.listen()
        programs.leaves(path)
        process = hold({7: made.fileno()})
        process.socket = identity(made.fileno())
    return process


def serving(programs, inside, path):
    server = inside.start(*SERVER, path)
    server.said("listens", 1)
    return server


def pid_of(programs, expression, start=None):
    return int(programs.succeeds((start or programs.fdsend)("--pidref", expression)).split(":")[0])


@pytest.fixture
def impostor(programs, sandbox, path):
    """One with a socket of the same name, on a file system that only he sees."""
    server = serving(programs, sandbox('mount -t tmpfs none "$1"/place'), path)
    yield server
    server.kill()


@pytest.mark.parametrize("kind", ["listen", "unix"])
def test_a_socket_of_that_name_elsewhere(programs, real, path, impostor, kind):
    """Neither does he stand in the way, nor is his socket taken for that one."""
    for spelling in (path, "./place/../place/socket"):
        assert pid_of(programs, f"{kind}:{spelling}") == real.pid
        fd, = take(programs, "-p", f"{kind}:{spelling}", "-M", f"{kind}:{spelling}")
        assert identity(fd) == real.socket
        programs.close(fd)
        neither_takes(programs, ["-p", str(impostor.pid)], f"{kind}:{spelling}", "holds nothing that fits\nIt has:\n")
    assert pid_of(programs, f"{kind}:/proc/{impostor.pid}/root{path}") == impostor.pid


def test_a_socket_of_that_name_elsewhere_and_a_stale_one_here(programs, real, path, impostor):
    """He is not the server that has gone. By its name alone a socket is found where nothing is at the path."""
    real.kill()
    for kind in ("listen", "unix"):
        neither_takes(programs, ["-p", f"{kind}:{path}"], f"{kind}:{path}", "no process holds that")
    os.unlink(path)
    assert pid_of(programs, f"listen:{path}") == impostor.pid


def test_another_file_by_now(programs, real, path):
    """No socket is bound to that."""
    os.rename(path, path + "-before")
    programs.leaves(path + "-before")
    with open(path, "wb"):
        neither_takes(programs, ["-p", f"listen:{path}"], f"listen:{path}", "no process holds that")
    assert pid_of(programs, f"listen:{path}-before") == real.pid


OVERLAYS = {
    "one file system": "mkdir mine/lower; lower=mine/lower",
    "several file systems": "mkdir lower; mount -t tmpfs none lower; lower=lower",
}


@pytest.fixture(params=OVERLAYS)
def overlay(request, sandbox):
    """At ./place; stat(2) and the kernel's table of sockets do not always speak of the same device there."""
    return sandbox(f"""cd "$1"; mkdir mine place; mount -t tmpfs none mine; mkdir mine/upper mine/work
{OVERLAYS[request.param]}
mount -t overlay none -o "lowerdir=$lower,upperdir=mine/upper,workdir=mine/work" place""")


def test_who_is_in_the_way_on_an_overlay(programs, overlay):
    server = serving(programs, overlay, programs.path("place/socket"))
    for path in (programs.path("place/socket"), "./place/socket"):
        programs.fails(overlay.fdrecv("-f", "0", path, "--run", "cat", ready=None), 125, path, "already in use",
                       f"by process {server.pid}")
    server.kill()


def test_on_an_overlay(programs, overlay):
    inside = overlay
    server = serving(programs, inside, programs.path("place/socket"))
    for kind in ("listen", "unix"):
        assert pid_of(programs, f"{kind}:./place/socket", inside.fdsend) == server.pid
    inside.run("mv place/socket place/renamed")
    assert pid_of(programs, "listen:./place/renamed", inside.fdsend) == server.pid
    receiver = inside.fdrecv("-p", "listen:./place/renamed", "-l", "listen:./place/renamed", "--run", "sh", "-c",
                             "echo $LISTEN_FDS", ready=None)
    assert programs.succeeds(receiver) == "1\n"
    server.kill()
