# SPDX-License-Identifier: MIT
"""Sockets whose last close waits: SO_LINGER is on, and what they have written is not read."""

import os
import socket
import struct

LINGER = 20  # seconds for which closing one takes
PROMPT = 8.0  # seconds; far less than that, and far more than anything here takes by itself


class Lingering:
    """One of them, to be given away. Closing it here waits for nothing, and neither does closing a copy
    once the end that does not read has gone."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.socket = socket.create_connection(listener.getsockname())
            self.unread, _ = listener.accept()
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.send(b"x" * 65536)
        except BlockingIOError:
            pass
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, LINGER))

    def fileno(self):
        return self.socket.fileno()

    def leave(self):
        """Closes this copy, when another is on its way: whoever closes that one waits."""
        os.close(self.socket.detach())

    def close(self):
        self.unread.close()
        self.socket.close()
