# SPDX-License-Identifier: MIT
"""Real servers answer on the very socket that fdsend has opened."""

import os

import pytest

from addresses import listening
from families import sockets, tree
from handing import Offer, private_folder
from loading import MODES, Load
from processes import STRANGER
from servers import SERVERS, PhpFpm

LABEL = "it is me"
CASES = [pytest.param(server, kind, id=f"{server.__name__}-{kind}") for server in SERVERS for kind in server.kinds]
HTTP = [case for case in CASES if case.values[0] is not PhpFpm]


def listened_to(process):
    """The sockets that it and its descendants have, and that listen."""
    everything = listening()
    return {inode for pid in tree(process.pid) for inode in sockets(pid).values() if inode in everything}


def answers(server, process, offer):
    for _ in range(3):
        assert server.ask() == LABEL
    # This socket, and none that it has opened itself.
    assert listened_to(process) == {offer.inode}
    assert offer.address.inodes() == {offer.inode}


def ends(server, process, offer):
    """At the signal that lets it finish; and then nobody has the socket any more."""
    server.await_readiness(process)
    process.signal(server.drain)
    assert process.wait().status == server.status, process
    assert offer.address.inodes() == set()


@pytest.mark.parametrize("make, kind", CASES)
def test_it_answers_on_what_it_was_given(programs, make, kind):
    folder = private_folder(programs)
    offer = Offer(programs, kind, folder)
    server = make(offer.address, folder, LABEL)
    process = offer.start(server)
    answers(server, process, offer)
    ends(server, process, offer)


@pytest.mark.parametrize("options", MODES, ids=["once", "keep-alive"])
@pytest.mark.parametrize("make, kind", HTTP)
def test_many_clients_at_once(programs, make, kind, options):
    folder = private_folder(programs)
    offer = Offer(programs, kind, folder)
    server = make(offer.address, folder, LABEL)
    process = offer.start(server)
    load = Load(programs, offer.address, *options)
    load.hears(LABEL, 500)
    heard, failures, _ = load.report()
    assert set(heard) == {LABEL} and failures == {}
    ends(server, process, offer)


@pytest.mark.needs_root
@pytest.mark.parametrize("make, kind", CASES)
def test_a_server_that_is_not_root_takes_from_root(programs, make, kind):
    """Root opens the socket, which may be a port that only root may open."""
    folder = programs.stranger_folder()
    offer = Offer(programs, kind, folder, f"{folder}/offer", ["--to-user", str(STRANGER)])
    server = make(offer.address, folder, LABEL)
    process = offer.start(server, user=STRANGER, cwd=str(folder), env={"HOME": str(folder)})
    assert os.stat(f"/proc/{process.pid}").st_uid == STRANGER
    answers(server, process, offer)
    ends(server, process, offer)
