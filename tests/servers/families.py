# SPDX-License-Identifier: MIT
"""A server and the processes that it starts: which they are, what they have open, whether they wait."""

import os
import re

from processes import until


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


def looks(pids):
    """State and voluntary switches of each; None of one that has ended."""
    found = {}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                fields = dict(line.split(":", 1) for line in file)
            found[pid] = fields["State"].split()[0], fields["voluntary_ctxt_switches"]
        except (FileNotFoundError, ProcessLookupError):
            found[pid] = None
    return found


def settle(pid):
    """Waits until all of them sleep in a system call, and stay there for a few looks."""
    seen = []

    def quiet():
        seen.append(looks(tree(pid)))
        same = len(seen) > 4 and all(look == seen[-1] for look in seen[-4:])
        return same and all(look and look[0] == "S" for look in seen[-1].values())

    until(quiet, f"{pid} and its children wait")
