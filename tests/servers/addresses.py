# SPDX-License-Identifier: MIT
"""Where servers listen: as an ADDR of fdsend, as clients connect to it, and as the kernel lists it."""

import re
import socket
import struct

from processes import LONG

TCP_LISTEN = 10  # netinet/tcp.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLM_F_DUMP, NLMSG_DONE = 4, 20, 0x1, 0x300, 3
SO_ACCEPTCON = 1 << 16  # linux/net.h
# Flags, inode and path; a name with a line break in it is somebody else's.
UNIX_LINE = r"^[0-9A-Fa-f]+: \S+ \S+ (\S+) \S+ \S+ +(\d+) ?(.*)$"


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
    found = listening_tcp()
    with open("/proc/net/unix", encoding="ascii", errors="surrogateescape") as table:
        for flags, inode, path in re.findall(UNIX_LINE, table.read(), re.MULTILINE):
            if int(flags, 16) & SO_ACCEPTCON:
                found[int(inode)] = f"unix:{path}"
    return found


def listening_tcp():
    """Of IPv4, by inode."""
    return {inode: address for inode, (address, _) in listeners_tcp().items()}


def backlog(address):
    """Of a TCP socket that listens there."""
    found, = (room for text, room in listeners_tcp().values() if text == address.text)
    return found


def listeners_tcp():
    """ADDR and backlog of those of IPv4, by inode. /proc/net/tcp would list what thousands of clients have left behind as well; see sock_diag(7)."""
    found = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
        request = struct.pack("=BBxxI48x", socket.AF_INET, socket.IPPROTO_TCP, 1 << TCP_LISTEN)
        diag.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0)
                  + request)
        while True:
            answer = diag.recv(1 << 16)
            while answer:
                length, kind = struct.unpack_from("=IH", answer)
                if kind != SOCK_DIAG_BY_FAMILY:
                    assert kind == NLMSG_DONE, answer
                    return found
                port, host = struct.unpack_from(">4xH2x4s", answer, 16)
                room, inode = struct.unpack_from("=I4xI", answer, 16 + 60)  # idiag_wqueue is the backlog
                found[inode] = f"tcp:{socket.inet_ntoa(host)}:{port}", room
                answer = answer[(length + 3) & ~3:]
