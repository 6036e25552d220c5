# SPDX-License-Identifier: MIT
"""What the command inherits: exactly what was asked for, on its numbers, and nothing else."""

import fcntl
import itertools
import os
import random
import signal
import sys

import pytest

from programs import READY, identity

STANDARD = [set(some) for size in range(4) for some in itertools.combinations((0, 1, 2), size)]
SPREAD = [",".join(map(str, numbers)) for numbers in
          ([3, 4, 5], [5, 4, 3], [4, 5, 3], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [0, 3, 1, 4, 2, 5],
           [6, 7, 8, 9, 10, 11, 3, 4, 5], [12, 3, 11, 4, 10, 5, 9, 6, 8, 7], [500, 3, 499, 4])]


def deliver(programs, lists, given, *options, command=None, **conditions):
    """One fdrecv with these LISTs, one sender for each; returns the report of the command."""
    listing, read = programs.listing()
    groups = [word for index, some in enumerate(lists) for word in ("-f", some, f"name{index}")]
    receiver = programs.fdrecv(*options, *groups, "--run", *(command or []), *listing, **conditions)
    remaining = list(given)
    for index, some in enumerate(lists):
        count = len(numbers_of(some))
        fds = {number: fd for number, fd in enumerate(remaining[:count], start=3)}
        del remaining[:count]
        programs.succeeds(programs.fdsend("-f", f"3-{2 + count}", f"name{index}", fds=fds))
    result = receiver.wait()
    assert result.status == 0, (receiver.name, result)
    report = read()
    report["receiver"] = receiver.pid
    report["stderr"] = result.stderr
    return report


def numbers_of(some):
    numbers = []
    for part in some.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def distinct(programs, count):
    """Read ends of different pipes, so that each can be told from the others."""
    return [programs.pipe()[0] for _ in range(count)]


def assert_placed(report, numbers, given):
    found = {number: report["fds"][number]["identity"] for number in numbers}
    assert found == {number: identity(fd) for number, fd in zip(numbers, given)}


@pytest.mark.parametrize("some", ["3", "4-9", "7", "0", "1", "2", "0-2", "100", *SPREAD])
def test_exactly_what_was_asked_for(programs, some):
    numbers = numbers_of(some)
    given = distinct(programs, len(numbers))
    report = deliver(programs, [some], given)
    assert_placed(report, numbers, given)
    assert set(report["fds"]) == {0, 1, 2} | set(numbers)


def test_pid_is_that_of_fdrecv(programs):
    report = deliver(programs, ["3"], distinct(programs, 1))
    assert report["pid"] == report["receiver"]


def test_random_placements(programs):
    """Several handovers, whose numbers go through one another; the seed is in the message of a failure."""
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for _ in range(8):
        numbers = dice.sample(range(3, 40), dice.randint(2, 12))
        cut = dice.randint(1, len(numbers) - 1)
        lists = [",".join(map(str, part)) for part in (numbers[:cut], numbers[cut:])]
        given = distinct(programs, len(numbers))
        report = deliver(programs, lists, given)
        assert_placed(report, numbers, given)
        assert set(report["fds"]) == {0, 1, 2} | set(numbers), f"seed {seed}"
        programs.close(*given)


def test_a_whole_message(programs):
    """253 descriptors onto the very numbers on which they arrive, backwards."""
    given = distinct(programs, 253)
    numbers = range(255, 2, -1)
    report = deliver(programs, [",".join(map(str, numbers))], given)
    assert_placed(report, numbers, given)
    assert set(report["fds"]) == set(range(256))


@pytest.mark.parametrize("closed", STANDARD, ids=str)
def test_closed_standard_numbers_of_fdrecv(programs, closed):
    """What the caller had closed stays closed, unless something was put there."""
    fds = {number: None for number in closed}
    given = distinct(programs, 1)
    report = deliver(programs, ["3"], given, fds=dict(fds))
    assert_placed(report, [3], given)
    assert set(report["fds"]) == ({0, 1, 2} - closed) | {3}
    given = distinct(programs, 3)
    report = deliver(programs, ["2,0,1"], given, fds=dict(fds))
    assert_placed(report, [2, 0, 1], given)
    assert set(report["fds"]) == {0, 1, 2}


@pytest.mark.parametrize("closed", STANDARD, ids=str)
def test_closed_standard_numbers_of_fdsend(programs, closed):
    given = distinct(programs, 2)
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "5,4", "name", "--run", *listing)
    sender = programs.fdsend("-v", "-b", "-f", "3,4", "name",
                             fds={3: given[0], 4: given[1], **{number: None for number in closed}})
    assert sender.wait().status == 0 and receiver.wait().status == 0
    assert_placed(read(), [5, 4], given)


def test_standard_numbers_can_be_sent(programs):
    given = distinct(programs, 3)
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "5,4,3", "name", "--run", *listing)
    sender = programs.fdsend("-f", "0,1,2", "name", fds=dict(enumerate(given)))
    assert sender.wait().status == 0 and receiver.wait().status == 0
    assert_placed(read(), [5, 4, 3], given)


def test_one_descriptor_twice(programs):
    given = distinct(programs, 1)
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "3,9", "name", "--run", *listing)
    programs.succeeds(programs.fdsend("-f", "7,7", "name", fds={7: given[0]}), receiver)
    assert_placed(read(), [3, 9], given * 2)


def test_what_fdrecv_inherited_is_kept(programs):
    """Unless it is replaced: the command sees what its caller had open, as with any exec."""
    mine, given = distinct(programs, 3), distinct(programs, 2)
    fds = {3: mine[0], 8: mine[1], 300: mine[2]}
    report = deliver(programs, ["8,4"], given, fds=dict(fds))
    assert_placed(report, [3, 300, 8, 4], [mine[0], mine[2], *given])
    assert set(report["fds"]) == {0, 1, 2, 3, 4, 8, 300}


def test_close_others(programs):
    mine, given = distinct(programs, 3), distinct(programs, 2)
    fds = {3: mine[0], 8: mine[1], 300: mine[2]}
    report = deliver(programs, ["8,4"], given, "--close-others", fds=fds)
    assert_placed(report, [8, 4], given)
    assert set(report["fds"]) == {0, 1, 2, 4, 8}


def test_crowded_low_numbers(programs):
    """All of 3 to 40 inherited, some of them to be replaced: nothing else is touched."""
    mine, given = distinct(programs, 38), distinct(programs, 3)
    fds = dict(zip(range(3, 41), mine))
    report = deliver(programs, ["20,10,30"], given, fds=dict(fds), ready=200)
    assert_placed(report, [20, 10, 30], given)
    kept = [number for number in fds if number not in (10, 20, 30)]
    assert_placed(report, kept, [fds[number] for number in kept])
    assert set(report["fds"]) == set(range(41))


def test_record_locks_reach_the_command(programs):
    """POSIX's go with any close of the file, whichever number it is on (fcntl(2)); exec keeps them."""
    locked, (reader, writer) = programs.file("locked", "", os.O_RDWR), programs.pipe()
    lock = "import fcntl, os, sys; fcntl.lockf(0, fcntl.LOCK_EX); os.execv(sys.argv[1], sys.argv[1:])"
    receiver = programs.start([sys.executable, "-c", lock, programs.fdrecv_path, "--ready-fd", str(READY), "-f", "100",
                               "./socket", "--run", "cat", "/dev/fd/100"], fds={0: locked}, ready=READY).wait_ready()
    programs.succeeds(programs.fdsend("--until-run", "-f", "7", "./socket", fds={7: reader}))
    with pytest.raises(BlockingIOError):
        fcntl.lockf(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    programs.close(writer)
    programs.succeeds(receiver)


def test_received_flags_are_those_of_the_sender(programs):
    """The open file description itself comes over: offset and flags are shared."""
    fd = programs.file("log", "0123456789", os.O_RDWR | os.O_APPEND)
    os.lseek(fd, 4, os.SEEK_SET)
    report = deliver(programs, ["3"], [fd], command=["sh", "-c", 'head -c 2 <&3; exec "$@"', "sh"])
    assert report["fds"][3]["flags"] & os.O_APPEND
    assert os.lseek(fd, 0, os.SEEK_CUR) == 6


def test_high_number(programs):
    """Above the soft limit, which the command gets back as it was."""
    given = distinct(programs, 2)
    report = deliver(programs, ["5000,3"], given, limits=(1024, 8192))
    assert_placed(report, [5000, 3], given)
    assert set(report["fds"]) == {0, 1, 2, 3, 5000}
    assert report["limits"] == [1024, 8192]


def test_number_near_the_hard_limit(programs):
    given = distinct(programs, 1)
    report = deliver(programs, ["1000"], given, limits=(256, 1024))
    assert_placed(report, [1000], given)
    assert report["limits"] == [256, 1024]


@pytest.mark.parametrize("limits, some, expected", [
    ((256, 4096), "3-20", 256),  # 235 numbers stay free: the caller's
    ((85, 4096), "3-20", 85),  # 64 stay free, the last time
    ((84, 4096), "3-20", 20 + 256),  # 63
    ((60, 4096), "3-40", 40 + 256),
    ((20, 4096), "3", 3 + 256),
    ((60, 200), "3-40", 200),  # at most the hard limit
    ((20, 20), "3", 20),
    ((60, 4096), "3000,3-39", 3000 + 256),
])
def test_soft_limit_of_the_command(programs, limits, some, expected):
    numbers = numbers_of(some)
    given = distinct(programs, len(numbers))
    report = deliver(programs, [some], given, "-v", limits=limits)
    assert_placed(report, numbers, given)
    assert report["limits"] == [expected, limits[1]]
    assert expected == limits[0] or str(expected) in report["stderr"]


def test_inherited_numbers_count_for_the_soft_limit(programs):
    """The caller's would leave its command 36 free numbers."""
    mine, given = distinct(programs, 60), distinct(programs, 1)
    fds = dict(enumerate(mine, start=3))
    report = deliver(programs, ["63"], given, limits=(100, 4096), fds=dict(fds), ready=80)
    assert_placed(report, [*fds, 63], [*mine, *given])
    assert report["limits"] == [63 + 256, 4096]
    report = deliver(programs, ["63"], given, "--close-others", limits=(100, 4096), fds=dict(fds), ready=80)
    assert set(report["fds"]) == {0, 1, 2, 63}
    assert report["limits"] == [100, 4096]


def test_many_groups_under_a_tiny_soft_limit(programs):
    given = distinct(programs, 30)
    lists = ["3-12", "13-22", "23-32"]
    report = deliver(programs, lists, given, limits=(24, 1024))
    assert_placed(report, range(3, 33), given)


def test_tiny_soft_limit_of_fdsend(programs):
    receiver = programs.fdrecv("-f", "0", "name", "--run", "cat")
    programs.succeeds(programs.fdsend("-f", "3", "name", fds={3: programs.text("sent")}, limits=(8, 4096)))
    assert programs.succeeds(receiver) == "sent"


def signals_of(text):
    fields = dict(line.split(":", 1) for line in text.splitlines())
    # 32 and 33 are glibc's own; GNU make leaves them ignored in what it starts.
    return {name: int(fields[name], 16) & ~bits(32, 33) for name in ("SigBlk", "SigIgn")}


def bits(*numbers):
    return sum(1 << (number - 1) for number in numbers)


@pytest.mark.parametrize("ignored, blocked", [
    ((), ()),
    ((signal.SIGHUP,), ()),
    ((), (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)),
    ((signal.SIGPIPE, signal.SIGINT, signal.SIGCHLD), (signal.SIGHUP, signal.SIGWINCH)),
    ((signal.SIGTERM, signal.SIGQUIT), (signal.SIGTERM, signal.SIGPIPE)),
], ids=lambda some: "+".join(number.name for number in some) or "none")
def test_signal_state_reaches_the_command(programs, ignored, blocked):
    receiver = programs.fdrecv("-f", "5", "name", "--run", "grep", "^Sig", "/proc/self/status",
                               ignored=ignored, blocked=blocked)
    programs.succeeds(programs.fdsend("-f", "0", "name"))
    assert signals_of(programs.succeeds(receiver)) == {"SigBlk": bits(*blocked), "SigIgn": bits(*ignored)}


def test_umask_folder_and_environment_reach_the_command(programs):
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "3", "name", "--run", "sh", "-c", 'pwd; exec "$@"', "sh", *listing,
                               umask=0o031, env={"MINE": "a value"})
    programs.succeeds(programs.fdsend("-f", "0", "name"))
    assert programs.succeeds(receiver) == f"{programs.folder}\n"
    report = read()
    assert report["umask"] == 0o031
    assert report["environment"]["MINE"] == "a value"
    added = set(report["environment"]) - set(programs.environment()) - {"MINE", "PWD", "OLDPWD", "LC_CTYPE"}
    assert not added
