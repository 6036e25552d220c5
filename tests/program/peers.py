# SPDX-License-Identifier: MIT
"""Peers that know nothing of fdpass: Python's own socket.send_fds and socket.recv_fds."""

import os
import select
import socket
import sys

from processes import LONG


def at(address):
    """A Unix address for the kernel: paths of any length through their folder; '@x' is abstract.

    Returns the address and a descriptor to be closed after its use, or None.
    """
    address = os.fsencode(address)
    if address.startswith(b"@"):
        return b"\0" + address[1:], None
    if len(address) < 108:
        return address, None
    folder = os.open(os.path.dirname(address), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return b"/proc/self/fd/%d/%s" % (folder, os.path.basename(address)), folder


def bound(address):
    """A stream socket with that name, which does not listen."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(LONG)
    name, folder = at(address)
    made.bind(name)
    if folder is not None:
        os.close(folder)
    return made


def stale(address):
    """What a receiver leaves that was killed."""
    bound(address).close()


def remove(address):
    os.unlink(address)


def peek(connection):
    """Looks at the message without reading it (socket.recv_fds ignores its flags)."""
    room = socket.CMSG_SPACE(4)
    data, controls, _, _ = connection.recvmsg(100, room, socket.MSG_PEEK)
    for _, _, content in controls:
        os.close(int.from_bytes(content[:4], sys.byteorder))
    return data


class Receiver:
    """A receiver in this process. Close it, and its name goes."""

    def __init__(self, address, backlog=16, listen=True):
        self.address = os.fsencode(address)
        self.socket = bound(address)
        self.connections = []
        self.fds = []
        if listen:
            self.socket.listen(backlog)

    def fileno(self):
        return self.socket.fileno()

    def listen(self, backlog=16):
        self.socket.listen(backlog)

    def accept(self):
        connection, _ = self.socket.accept()
        connection.settimeout(LONG)
        self.connections.append(connection)
        return connection

    def receive(self, size=4096, room=253):
        """Accepts, reads one message, keeps the connection open. Returns connection, bytes, descriptors."""
        connection = self.accept()
        data, fds, flags, _ = socket.recv_fds(connection, size, room)
        self.fds += fds
        assert not flags & socket.MSG_CTRUNC
        return connection, data, fds

    def connected(self, seconds=0.0):
        """Whether somebody is in the backlog."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def disconnect(self):
        for connection in self.connections:
            connection.close()
        self.connections = []

    def close(self):
        self.disconnect()
        self.socket.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []
        if not self.address.startswith(b"@") and os.path.lexists(self.address):
            os.unlink(self.address)


def connect(address):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(LONG)
    name, folder = at(address)
    try:
        made.connect(name)
    except OSError:
        made.close()
        raise
    finally:
        if folder is not None:
            os.close(folder)
    return made


def send(address, fds, data=b"x"):
    """Connects, sends one message. Returns the connection, still open."""
    connection = connect(address)
    socket.send_fds(connection, [data], fds)
    return connection


def hung_up(connection, seconds=LONG):
    """Waits until the other end has closed; whatever it wrote before is thrown away."""
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def fill(address):
    """Connects until the backlog is full. Returns the connections."""
    made = []
    while True:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.setblocking(False)
        name, folder = at(address)
        try:
            one.connect(name)
        except BlockingIOError:
            one.close()
            return made
        finally:
            if folder is not None:
                os.close(folder)
        made.append(one)
