# SPDX-License-Identifier: MIT
"""Processes that descriptors are taken out of, and who gets them."""

import os
import select
import signal

import peers
from processes import LONG
from programs import READY


def holding(programs, fds=None, before=None, **conditions):
    """A process that has these descriptors and waits; `before` is run in it first."""
    def hold():
        if before is not None:
            before()
        os.write(READY, b"\n")
        os.close(READY)
        while True:
            signal.pause()

    return programs.forked(hold, ready=READY, fds=fds, **conditions).wait_ready()


def take(programs, *words, folder=None, **conditions):
    """What fdsend gives with these words, as descriptors of this process."""
    folder = folder or programs.folder
    receiver = programs.closes(peers.Receiver(os.path.join(folder, "receiver")))
    os.chmod(receiver.address, 0o666)
    sender = programs.fdsend(*words, "./receiver", cwd=folder, **conditions)
    select.select([receiver, sender.pidfd], [], [], LONG)
    assert receiver.connected(), sender.wait()
    _, _, fds = receiver.receive()
    receiver.fds = []
    fds = [programs.own(fd) for fd in fds]
    programs.succeeds(sender)
    receiver.disconnect()
    receiver.socket.close()
    os.unlink(receiver.address)
    return fds


def neither_takes(programs, words, what, *texts, folder=None, **conditions):
    """Both programs fail with these texts; nobody was connected to, nothing was run. Returns fdsend's message."""
    folder = folder or programs.folder
    with_option = ["-f" if what[0].isdigit() else "-M", what]
    with peers.Receiver(os.path.join(folder, "receiver")).socket as receiver:
        os.chmod(os.path.join(folder, "receiver"), 0o666)
        message = programs.fails(programs.fdsend(*words, *with_option, "./receiver", cwd=folder, **conditions), 1,
                                 "fdsend: ", *texts)
        assert not select.select([receiver], [], [], 0)[0]
    os.unlink(os.path.join(folder, "receiver"))
    taker = programs.fdrecv(*words, "-E", "TAKEN", what, "--run", "touch", programs.path("ran"), ready=None,
                            cwd=folder, **conditions)
    assert programs.fails(taker, 125, "fdrecv: ", *texts) == message.replace("fdsend: ", "fdrecv: ", 1)
    assert not os.path.exists(programs.path("ran"))
    return message
