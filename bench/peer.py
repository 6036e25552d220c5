# SPDX-License-Identifier: MIT
"""One handover by hand in Python.

usage: peer.py receive PATH READY-FD TARGET PROGRAM
       peer.py send PATH SOURCE
"""

import os
import socket
import sys


def receive(path, ready, target, program):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    os.write(int(ready), b"\n")
    connection, _ = listener.accept()
    _, fds, _, _ = socket.recv_fds(connection, 1, 1)
    connection.send(b"A")
    os.unlink(path)
    os.dup2(fds[0], int(target))
    os.execv(program, [program])


def send(path, source):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    socket.send_fds(connection, [b"F"], [int(source)])
    connection.recv(1)


{"receive": receive, "send": send}[sys.argv[1]](*sys.argv[2:])
