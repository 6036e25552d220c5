# SPDX-License-Identifier: MIT
"""An ordinary HTTP server on 127.0.0.1; every answer is a line with the number of the process that gave it.

usage: server.py [PORT [reuseport]]

It has never heard of fdpass. It binds its port, or serves on a listening socket that it was started with, in
the way of systemd's services: descriptor 3, and LISTEN_PID to say for whom it is.
"""
import http.server
import os
import socket
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = f"{os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if os.environ.get("LISTEN_PID") == str(os.getpid()):
    listener = socket.socket(fileno=3)
else:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port="reuseport" in sys.argv)
server = http.server.ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
server.socket.close()
server.socket = listener
print("Serving HTTP on {} port {}".format(*listener.getsockname()), flush=True)
server.serve_forever()
