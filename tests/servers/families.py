# SPDX-License-Identifier: MIT
"""A server and the processes that it starts: which they are, what they have open, what they heed."""

import os
import re


def tree(pid):
    """The process and all that descend from it."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def sockets(pid):
    """The inodes of the sockets that a process has open, by their numbers; empty when it has ended."""
    found = {}
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{number}"))
            if match:
                found[int(number)] = int(match[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def ended(pids):
    """Whether all of them have; who has not been waited for yet has, too."""
    return all(fields is None or fields["State"].split()[0] in "XZ" for fields in map(status, pids))


def heeds(pid, signal):
    """Whether it has a handler for it, and does not hold it back."""
    fields = status(pid)
    return fields is not None and has(fields["SigCgt"], signal) and not has(fields["SigBlk"], signal)


def has(mask, signal):
    return int(mask, 16) >> (signal - 1) & 1


def status(pid):
    """The fields of /proc/PID/status; None of one that is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return dict(line.split(":", 1) for line in file)
    except (FileNotFoundError, ProcessLookupError):
        return None
