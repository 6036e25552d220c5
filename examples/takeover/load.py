# SPDX-License-Identifier: MIT
"""Asks a server on 127.0.0.1 again and again, from many clients at once, and counts who answers.

usage: load.py PORT [CLIENTS [SECONDS-FOR-A-REQUEST]]

Every request has a TCP connection of its own, and the body of an answer is the name of who gave it, as a line. What
happens is told at once: "answered NAME COUNT" when COUNT is 1 or a multiple of 25, and "failed KIND" for every
request without a whole answer. End of input ends it; its last line is the sum of it all, as JSON.
"""
import collections
import json
import re
import socket
import sys
import threading
import time

PAUSE = 0.02  # seconds until a client that failed tries again, or one would count how fast one can fail
TELL_EVERY = 25

REQUEST = b"GET / HTTP/1.0\r\n\r\n"
HEAD = re.compile(rb"HTTP/1\.\d 200 .*\r\ncontent-length: (\d+)\r\n.*", re.DOTALL | re.IGNORECASE)

KINDS = ((ConnectionRefusedError, "refused"), (ConnectionError, "reset"), (EOFError, "short"),
         ((socket.timeout, TimeoutError), "timed out"), (OSError, "otherwise"))

over = threading.Event()
lock = threading.Lock()
counts = {"answered": collections.Counter(), "failed": collections.Counter()}
longest = 0.0


def ask(port, patience):
    """The body of the answer."""
    deadline = time.monotonic() + patience
    answer = b""
    with socket.socket() as connection:
        connection.settimeout(patience)
        connection.connect(("127.0.0.1", port))
        connection.sendall(REQUEST)
        while piece := connection.recv(65536):
            answer += piece
            connection.settimeout(max(0.001, deadline - time.monotonic()))
    head, _, body = answer.partition(b"\r\n\r\n")
    length = HEAD.fullmatch(head + b"\r\n")
    if length is None or len(body) != int(length[1]):
        raise EOFError
    return body.decode().strip()


def count(what, which, seconds):
    global longest
    with lock:
        longest = max(longest, seconds)
        counts[what][which] += 1
        if what == "failed":
            print(what, which, flush=True)
        elif counts[what][which] % TELL_EVERY == 0 or counts[what][which] == 1:
            print(what, which, counts[what][which], flush=True)


def client(port, patience):
    while not over.is_set():
        start = time.monotonic()
        try:
            outcome = "answered", ask(port, patience)
        except (OSError, EOFError) as problem:
            outcome = "failed", next(kind for types, kind in KINDS if isinstance(problem, types))
        count(*outcome, time.monotonic() - start)
        if outcome[0] == "failed":
            over.wait(PAUSE)


# A handshake that was lost is repeated by the kernel after a second, then after one or two more.
def main(port, clients=32, patience=20):
    start = time.monotonic()
    threads = [threading.Thread(target=client, args=[int(port), float(patience)]) for _ in range(int(clients))]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    print(json.dumps({**counts, "longest": longest, "seconds": time.monotonic() - start}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
