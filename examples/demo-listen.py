# SPDX-License-Identifier: MIT
"""Opens a listening TCP socket as descriptor 3, writes its port to a file, and runs a command."""
import os
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)  # dup2 onto itself leaves it as it was
with open(sys.argv[1], "w", encoding="ascii") as file:
    print(listener.getsockname()[1], file=file)
os.execvp(sys.argv[2], sys.argv[2:])
