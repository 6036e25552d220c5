# SPDX-License-Identifier: MIT
"""Another user's process that answers for another file than the one that is taken, or holds what asks its opener."""

import os

import pytest

from holding import neither_takes, take
from processes import STRANGER
from programs import READY

TRIES = 100
LOOK = "readlink /proc/self/fd/3 && grep flags: /proc/self/fdinfo/3"


@pytest.mark.needs_root
@pytest.mark.parametrize("what", ["9", "file:{}/precious"])
def test_no_flags_of_another_file(programs, what):
    """A process that puts a file that it may only read, and one of its own, on a number in turns: root must not get
    the former as the latter is open."""
    precious, own = programs.file("precious", "precious", os.O_RDONLY), programs.file("own")

    def swap():
        os.dup2(8, 9)
        os.write(READY, b"\n")
        os.close(READY)
        while True:
            os.dup2(7, 9)
            os.dup2(8, 9)

    there = programs.forked(swap, ready=READY, fds={7: precious, 8: own}, user=STRANGER).wait_ready()
    seen = set()
    for _ in range(TRIES):
        result = programs.fdrecv("-p", str(there.pid), "-f", "3", what.format(programs.folder), "--run", "sh", "-c",
                                 LOOK, ready=None).wait()
        if result.status == 0:
            path, flags = result.stdout.split("\n")[:2]
            seen.add((os.path.basename(path), int(flags.split()[1], 8) & os.O_ACCMODE))
        else:
            assert result.status == 125 and "nothing is open there" in result.stderr, result
    assert seen and seen <= {("precious", os.O_RDONLY), ("own", os.O_RDWR)}
    there.kill()


@pytest.mark.parametrize("user", [None, pytest.param(STRANGER, marks=pytest.mark.needs_root)])
def test_files_that_ask_their_opener(programs, hold, user):
    """What may be done with /proc/PID/mem is decided when it is opened: root's opening would give more."""
    memory = programs.own(os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC))
    there = hold({7: memory}, user=user)
    neither_takes(programs, ["-p", str(there.pid)], "7", "a file of procfs or cgroupfs", "use --dup")
    neither_takes(programs, ["-p", str(there.pid), "-m", "r"], "7", "a file of procfs or cgroupfs", "use --dup")
    assert take(programs, "-d", "-p", str(there.pid), "-f", "7")
