# SPDX-License-Identifier: MIT
"""Connects to a port of this machine and prints what is answered."""
import socket
import sys

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
print(connection.makefile().read())
