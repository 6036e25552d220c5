# SPDX-License-Identifier: MIT
"""systemd's own programs for sockets, without a systemd that runs: one that takes, one that gives."""

import signal
import socket

import pytest

import answering
import asking
from addresses import Address
from handing import Offer, private_folder
from processes import until
from servers import Lighttpd, Nginx, PythonHttpServer, Server, program
from test_servers import LABEL, answers, ends


class Proxyd(Server):
    """systemd-socket-proxyd, before somebody else's server."""

    behind = None
    status = -signal.SIGTERM

    def command(self):
        return [program("systemd-socket-proxyd"), self.behind]


@pytest.mark.parametrize("kind", Proxyd.kinds)
def test_proxyd_takes(programs, kind):
    with socket.create_server(("127.0.0.1", 0)) as made:
        behind = programs.forked(answering.steady(LABEL), fds={3: made.fileno()}, ready=4).wait_ready()
        address = Address("tcp:%s:%d" % made.getsockname())
    folder = private_folder(programs)
    offer = Offer(programs, kind, folder)
    proxy = Proxyd(offer.address, folder, LABEL)
    proxy.behind = address.bare
    process = offer.start(proxy)
    answers(proxy, process, offer)
    ends(proxy, process, offer)
    behind.signal(signal.SIGTERM)
    assert behind.wait().status == 0


@pytest.mark.parametrize("make", [PythonHttpServer, Nginx, Lighttpd])
def test_socket_activate_gives(programs, make):
    """It waits for the first client, and then becomes fdsend. The client is answered by who is given the socket."""
    folder = private_folder(programs)
    path = folder / "web.sock"
    programs.leaves(path)
    address = Address(f"unix:{path}")
    server = make(address, folder, LABEL)
    process = programs.fdrecv(*server.words, "offer", "--run", *server.command())
    giver = programs.start([program("systemd-socket-activate"), "--listen", str(path),
                            f"--setenv=FDPASS_RUNTIME_DIR={programs.runtime}", programs.fdsend_path, "-f", "3", "offer"])
    inode, = until(address.inodes, f"{path} listens")
    giver.said("Listening on")
    assert asking.http(address) == LABEL
    assert giver.wait().status == 0, giver
    assert address.inodes() == {inode}
    process.signal(server.drain)
    assert process.wait().status == server.status, process
