# SPDX-License-Identifier: MIT
"""Accepts one connection on the listening socket that is descriptor 3, and says who answers."""
import socket
import sys

listener = socket.socket(fileno=3)
connection, _ = listener.accept()
connection.sendall(("answered by " + " ".join(sys.argv[1:])).encode())
