# SPDX-License-Identifier: MIT
"""Servers that take over from each other, one after the other, each by one command line."""

import socket

from addresses import Address
from families import ended, tree
from handing import Offer, private_folder
from loading import Load
from processes import until
from servers import PhpFpm

STEP = 50  # answers of each generation, at least


class Succession:
    """The first generation opens its address in its ordinary way, unless it is `given` it by fdsend."""

    def __init__(self, programs, make, kind="tcp", given=False):
        self.programs = programs
        self.folder = private_folder(programs)
        self.folder.chmod(0o711)  # not all of a server is root
        self.count = 0
        self.load = None
        if given:
            offer = Offer(programs, kind, self.folder)
            self.address = offer.address
            self.server = self.generation(make)
            self.process = offer.start(self.server)
        else:
            self.address = self.unused(kind)
            self.server = self.generation(make, opens=True)
            self.process = programs.start(self.server.command())
        until(self.is_there, f"{make.__name__} answers")
        where = self.address.bare if self.address.is_unix else self.address.port
        self.expression = f"listen:{where}"

    def unused(self, kind):
        """An address that nobody else is given: the port is bound, and does not listen."""
        if kind == "unix":
            path = self.folder / "web.sock"
            self.programs.leaves(path)
            return Address(f"unix:{path}")
        reservation = self.programs.closes(socket.socket())
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            reservation.setsockopt(socket.SOL_SOCKET, option, 1)
        reservation.bind(("127.0.0.1", 0))
        return Address("tcp:%s:%d" % reservation.getsockname())

    def is_there(self):
        try:
            return self.server.ask() == self.server.label
        except (ConnectionRefusedError, FileNotFoundError):
            return False

    def generation(self, make, **how):
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        return make(self.address, folder, f"generation {self.count}", **how)

    def begin_load(self, *options):
        if isinstance(self.server, PhpFpm):
            options = ["--fastcgi", f"{self.server.folder}/index.php"]
        self.load = Load(self.programs, self.address, "--step", str(STEP), *options)
        self.load.hears(self.server.label, STEP)

    def take_over(self, make=None, by_signal=None):
        """The next generation, which has the old one ended. Returns the old server and all its processes."""
        old, process = self.server, self.process
        old.await_readiness(process)
        pids = tree(process.pid)
        if by_signal is None:
            by_signal = not old.loses
        retire = f"--retire={old.drain.name[3:]}" if by_signal else "--retire"
        self.server = self.generation(make or type(old))
        self.process = self.programs.fdrecv("-v", "-p", self.expression, *self.server.words, self.expression, retire,
                                            "--run", *self.server.command(), ready=None)
        return old, process, pids

    def await_end(self, process, pids):
        """Of the old one, with all that belongs to it; unless the new one fails."""
        try:
            until(lambda: ended(pids) or not self.process.alive(), f"the end of {process}")
            assert ended(pids), "the new one has failed"
        except AssertionError as trouble:
            self.process.lasts(0.01)  # so that its messages are read
            left = [pid for pid in pids if not ended([pid])]
            raise AssertionError(f"{trouble}; left of {pids} are {left}; the old one said {process.stderr!r}, "
                                 f"the new one {self.process.stderr!r}") from trouble
        process.wait()

    def await_change(self, process, pids):
        """The old one has ended, and the new one answers under load."""
        self.await_end(process, pids)
        self.load.hears(self.server.label, STEP)

    def report(self):
        return self.load.report()

    def end(self):
        """In the ordinary way, and nothing of it is left."""
        self.server.await_readiness(self.process)
        pids = tree(self.process.pid)
        self.process.signal(self.server.drain)
        assert self.process.wait().status == self.server.status, self.process
        until(lambda: ended(pids), "its children have ended")
