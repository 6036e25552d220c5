# SPDX-License-Identifier: MIT
"""Crowds that come faster than they can be turned away, and shared folders full of rubbish."""

import os
import random
import re
import shutil
import signal
import stat
import time

import pytest

import peers
from lingering import PROMPT
from processes import STRANGER
from programs import appears, listens
from tracing import TRACED, tampered

FLOODERS = 3  # processes that connect all the time
CALLERS_MAX = 64  # FDPASS_CALLERS_MAX
RUBBISH = 20000  # names in a folder
SWEPT = 1000  # of them, at most this many may cost anything


def flood(programs, name, who, processor):
    """Starts processes that connect and close all the time, all of them on one processor."""
    def connect():
        os.sched_setaffinity(0, {processor})
        for count in range(1 << 30):
            try:
                peers.connect("@" + name).close()
            except (BlockingIOError, ConnectionRefusedError, ConnectionResetError):
                pass  # the backlog is full, or the receiver has ended
            if count == 100:
                os.write(3, b"\n")
                os.close(3)

    flooders = [programs.forked(connect, user=STRANGER if who == "strangers" else 0, cwd="/", ready=3)
                for _ in range(FLOODERS)]
    for flooder in flooders:
        flooder.wait_ready()
    return flooders


@pytest.mark.needs_root
@pytest.mark.parametrize("who", ["strangers", "admitted"])
@pytest.mark.parametrize("end", ["time-out", "signal", "served"])
def test_flood_of_connections(programs, who, end):
    """It holds off neither the deadline, nor a signal, nor an honest sender. For the first two the receiver is
    given so little of the processor that its backlog is never empty."""
    name = programs.abstract()
    processor = random.choice(sorted(os.sched_getaffinity(0)))
    words = [programs.fdrecv_path, "-t", "1" if end == "time-out" else "0", "-a", "-f", "0", name, "--run", "cat"]
    if end != "served":
        words = ["nice", "-n", "10", "taskset", "-c", processor, *words]
    receiver = programs.start(map(str, words))
    listens(name)
    flooders = flood(programs, name, who, processor)
    start = time.monotonic()
    if end == "signal":
        receiver.signal(signal.SIGTERM)
    elif end == "served":
        programs.succeeds(programs.fdsend("-b", "-a", "-f", "0", name, fds={0: programs.text("honest")}))
    result = receiver.wait()
    took = time.monotonic() - start
    for flooder in flooders:
        assert flooder.kill().status == -signal.SIGKILL
    assert result.status == {"time-out": 124, "signal": -signal.SIGTERM, "served": 0}[end], result
    assert took < PROMPT


def test_sender_that_was_crowded_out_tries_again(programs):
    """Connected and slow to send, it is the one idle longest when the room is full: that is no refusal."""
    receiver = programs.fdrecv("-v", "-f", "0", "./socket", "--run", "cat")
    sender = programs.start([*tampered("connect:signal=SIGSTOP:when=1"), programs.fdsend_path, "-b", "-f", "0",
                             "./socket"], fds={0: programs.text("sent")}, env=TRACED)
    receiver.said(f"process {sender.pid} ")
    for _ in range(CALLERS_MAX):
        programs.closes(peers.connect(programs.path("socket")))
    receiver.said("idle longest")
    assert re.search(rf"process {sender.pid} .*idle longest", receiver.stderr)
    sender.signal(signal.SIGCONT)
    assert sender.wait().status == 0, sender.result
    assert receiver.wait().stdout == "sent"


@pytest.mark.needs_root
@pytest.mark.parametrize("kind", [stat.S_IFSOCK, stat.S_IFREG], ids=["sockets", "files"])
def test_rubbish_of_a_stranger(programs, kind):
    """Names like those of our own leftovers, in a folder that everybody may write to: few are looked at."""
    folder = programs.public_folder() / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    trace = programs.folder / "trace"

    def litter():
        os.chdir(folder)
        for number in range(RUBBISH):
            os.mknod(f".fdpass-{number:016x}", kind | 0o600)

    try:
        assert programs.forked(litter, user=STRANGER, cwd="/").wait().status == 0
        receiver = programs.start(["strace", "-D", "-o", trace, "-e", "trace=%file,connect", programs.fdrecv_path,
                                   "-f", "0", folder / "socket", "--run", "cat"], env=TRACED)
        appears(folder / "socket")
        receiver.signal(signal.SIGTERM)
        assert receiver.wait().status == -signal.SIGTERM
        assert 0 < trace.read_text().count("\".fdpass-") <= SWEPT
        assert len(os.listdir(folder)) == RUBBISH
        receiver = programs.fdrecv("-f", "0", folder / "socket", "--run", "cat", ready=None)
        receiver.signal(signal.SIGTERM)
        assert receiver.wait(PROMPT).status == -signal.SIGTERM
    finally:
        # Whoever failed above may still be at it.
        shutil.rmtree(folder, ignore_errors=True)
