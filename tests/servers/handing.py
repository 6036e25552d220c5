# SPDX-License-Identifier: MIT
"""From fdsend, which opens the socket, through fdrecv, which becomes the server."""

import tempfile
from pathlib import Path

from addresses import Address
from processes import until


def private_folder(programs):
    """With a short name: the address of a Unix socket has room for 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="fdpass-test-", dir="/tmp"))
    programs.folders.append(folder)
    return folder


class Offer:
    """A socket that fdsend has opened, and gives to the first that takes it at `meet`."""

    def __init__(self, programs, kind, folder, meet="offer", words=()):
        self.programs = programs
        self.meet = meet
        where = "tcp:127.0.0.1:0" if kind == "tcp" else f"unix:{folder}/web.sock"
        self.sender = programs.fdsend("-b", *words, "--listen", where, meet)
        if kind == "tcp":
            self.sender.said("\n", number=1)
            where = self.sender.stdout.strip()
        else:
            programs.leaves(folder / "web.sock")
        self.address = Address(where)
        self.inode, = until(self.address.inodes, f"{where} listens")

    def start(self, server, **conditions):
        """The server has it, and fdsend has ended. Returns the process."""
        process = self.programs.fdrecv(*server.words, self.meet, "--run", *server.command(), **conditions)
        self.programs.succeeds(self.sender)
        return process
