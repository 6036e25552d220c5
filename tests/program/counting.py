# SPDX-License-Identifier: MIT
"""The system calls of a program from the beginning of its main() on, whatever its C library calls them."""

import collections
import re
import sys
from pathlib import Path

from processes import until

sys.path.append(str(Path(__file__).resolve().parent.parent / "fault"))

import injecting  # noqa: E402 (where system calls fail)

# Memory is the C library's concern, getrandom(2) also of its allocator, and another stack a sanitizer's.
NOT_OURS = {"brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "getrandom", "sigaltstack", "exit_group", "execve"}

# C libraries differ in what makes close-on-exec twice, and in which real-time signals they keep for themselves.
THEIRS = re.compile(r"fcntl\(\d+, F_SETFD, FD_CLOEXEC\)|rt_sigaction\(SIGRT")

# One name for calls that C libraries choose between.
SAME = {"open": "openat", "newfstatat": "stat", "fstat": "stat", "lstat": "stat", "statx": "stat", "poll": "ppoll",
        "faccessat": "access", "faccessat2": "access", "epoll_pwait": "epoll_wait", "getrlimit": "prlimit64",
        "setrlimit": "prlimit64", "dup2": "dup3"}


def traced(trace):
    """The words before a command line."""
    return injecting.command_line(trace)


def lines(trace):
    """(name, rest of the line) of every call that counts."""
    return [(SAME.get(name, name), rest) for name, rest, _ in injecting.calls(trace)
            if name not in NOT_OURS and not THEIRS.match(f"{name}({rest}")]


def count(called):
    return dict(sorted(collections.Counter(name for name, _ in called).items()))


def waits(process):
    """Waits until it sleeps in poll(2)."""
    def asleep():
        with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
            return "poll" in file.read()
    until(asleep, f"{process.name} waits")
