# SPDX-License-Identifier: MIT
"""O_NONBLOCK on what -l gives: nginx needs it, and nobody else is given it."""

import fcntl
import os
import socket
from pathlib import Path

import pytest

from test_activate import give, listener, run


def is_blocking(made):
    """By the open file description, which others have, too; not what Python remembers."""
    return not fcntl.fcntl(made, fcntl.F_GETFL) & os.O_NONBLOCK


@pytest.mark.parametrize("dialect", ["systemd", "nginx", "server-starter", "php-fpm"])
def test_only_nginx_is_given_sockets_that_do_not_block(programs, dialect):
    """Of all groups of -l, and those that do not block already stay like that; what is on other targets does not."""
    web, more, other = (listener(programs) for _ in range(3))
    more.setblocking(False)
    report = run(programs, ["--dialect", dialect, "-l", "web", "-l", "more", "-f", "9", "other"],
                 {"other": [other.fileno()], "more": [more.fileno(), listener(programs).fileno()],
                  "web": [web.fileno()]})
    blocking = [not report["fds"][number]["flags"] & os.O_NONBLOCK for number in (3, 4, 5, 9)]
    assert blocking == ([False, False, False, True] if dialect == "nginx" else [True, False, True, True])
    assert is_blocking(web) == (dialect != "nginx") and is_blocking(other) and not is_blocking(more)


def test_what_is_no_socket_stays_as_it_is(programs):
    """nginx says that it is none; a terminal or a pipe may be in use by somebody else."""
    reader, _ = programs.pipe()
    programs.closes(listener(programs, socket.AF_UNIX, programs.path("server.sock")))
    path = programs.own(os.open(programs.path("server.sock"), os.O_PATH))
    report = run(programs, ["--dialect", "nginx", "-l", "web"], {"web": [reader, path]})
    assert not any(report["fds"][number]["flags"] & os.O_NONBLOCK for number in (3, 4))
    assert report["announced"] == {"NGINX": "3;4;"}


def test_a_command_that_cannot_be_run_leaves_sockets_that_block(programs):
    """Whoever else has them goes on with them, and may want to wait in accept(2)."""
    web, more = listener(programs), listener(programs)
    more.setblocking(False)
    command = Path(programs.path("command"))
    command.write_bytes(b"\x7fELF")  # seems executable, and is not
    command.chmod(0o755)
    receiver = programs.fdrecv("-v", "--dialect", "nginx", "-l", "web", "--run", str(command))
    give(programs, "web", web.fileno(), more.fileno()).wait()
    programs.fails(receiver, 126, "descriptor 3 is non-blocking now", "running")
    assert "descriptor 4" not in receiver.stderr
    assert is_blocking(web) and not is_blocking(more)
