# SPDX-License-Identifier: MIT
"""Where servers listen: as an ADDR of fdsend, as clients connect to it, and as the kernel lists it."""

import os
import re
import socket
import struct

from processes import LONG

TCP_LISTEN = "0A"  # linux/tcp_states.h
SO_ACCEPTCON = 1 << 16  # linux/net.h


class Address:
    """`tcp:HOST:PORT` or `unix:PATH`."""

    def __init__(self, text):
        self.text = text
        scheme, _, rest = text.partition(":")
        self.is_unix = scheme == "unix"
        self.bare = rest
        self.host, _, port = rest.rpartition(":")
        self.port = None if self.is_unix else int(port)

    def __str__(self):
        return self.text

    def connect(self):
        """A client's socket, with a bound on every wait."""
        if not self.is_unix:
            return socket.create_connection((self.host, self.port), LONG)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(LONG)
        made.connect(self.bare)
        return made

    def inodes(self):
        """The sockets that listen there; nobody is connected to."""
        return {inode for inode, text in listening().items() if text == self.text}


def listening():
    """Every stream socket of this network that listens: its inode, and its ADDR."""
    found = {}
    with open("/proc/net/tcp", encoding="ascii") as table:
        for _, local, _, state, *_, inode in (line.split()[:10] for line in list(table)[1:]):
            if state == TCP_LISTEN:
                host, port = local.split(":")
                host = socket.inet_ntoa(struct.pack("=I", int(host, 16)))
                found[int(inode)] = f"tcp:{host}:{int(port, 16)}"
    with open("/proc/net/unix", encoding="ascii", errors="surrogateescape") as table:
        for line in list(table)[1:]:
            _, _, _, flags, _, _, inode, *path = line.rstrip("\n").split(maxsplit=7)
            if int(flags, 16) & SO_ACCEPTCON:
                found[int(inode)] = f"unix:{path[0] if path else ''}"
    return found


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
