# SPDX-License-Identifier: MIT
"""Small servers that do one thing exactly, right or wrong. Each is what a child does with the socket on 3."""

import contextlib
import os
import select
import signal
import socket
import struct

END_OF_HEAD = b"\r\n\r\n"


def answer_of(text, length=None, status="200 OK"):
    return (f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(text) if length is None else length}"
            f"\r\n\r\n{text}").encode()


def hear(client):
    """Reads a request; false when there is none any more."""
    heard = b""
    while END_OF_HEAD not in heard:
        piece = client.recv(4096)
        if not piece:
            return False
        heard += piece
    return True


def reply(client, answer):
    """Answers the one request of a client who may have gone."""
    with client, contextlib.suppress(ConnectionError):
        client.setblocking(True)
        if hear(client):
            client.sendall(answer)


def catch_ending():
    """A descriptor that becomes readable at SIGTERM."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def accepted(listener, ending):
    """Client after client, until the end."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(ending, select.POLLIN)
    listener.setblocking(False)  # another process may be first
    while ending not in [fd for fd, _ in poll.poll()]:
        with contextlib.suppress(BlockingIOError):
            yield listener.accept()[0]


def ready():
    os.write(4, b"\n")
    os.close(4)


def steady(generation):
    """Until SIGTERM; what has been accepted is answered."""
    def server():
        ending = catch_ending()
        ready()
        for client in accepted(socket.socket(fileno=3), ending):
            reply(client, answer_of(generation))
    return server


def await_client(listener):
    """Until somebody is connected who has not been accepted."""
    select.select([listener], [], [])


def rebinding(first, second):
    """At SIGTERM it closes its socket, as somebody waits there, and opens another one."""
    def server():
        ending = catch_ending()
        ready()
        listener = socket.socket(fileno=3)
        address = listener.getsockname()
        for client in accepted(listener, ending):
            reply(client, answer_of(first))
        await_client(listener)
        listener.close()
        os.read(ending, 1)
        if isinstance(address, str):
            os.unlink(address)
            listener = socket.socket(socket.AF_UNIX)
        else:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(4096)
        for client in accepted(listener, ending):
            reply(client, answer_of(second))
    return server


def closing(generation):
    """At SIGTERM it closes its socket, as somebody waits there."""
    def server():
        ending = catch_ending()
        ready()
        listener = socket.socket(fileno=3)
        for client in accepted(listener, ending):
            reply(client, answer_of(generation))
        await_client(listener)
    return server


# ------------------------------------------------------------------------------------- what goes wrong

def short(client):
    reply(client, answer_of("x", length=10))


def reset(client):
    hear(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def refusal(client):
    reply(client, answer_of("x", status="503 Service Unavailable"))


def without_length(client):
    reply(client, b"HTTP/1.1 200 OK\r\n\r\nx")


def spoiling(spoil):
    """Every client is treated like this."""
    def server():
        ending = catch_ending()
        ready()
        for client in accepted(socket.socket(fileno=3), ending):
            client.setblocking(True)
            spoil(client)
    return server


def silent():
    """Accepts, and never says a word."""
    ending = catch_ending()
    ready()
    kept = list(accepted(socket.socket(fileno=3), ending))
    del kept


def forgetful():
    """Answers one request on each connection, says that it keeps it, and closes when the next one has come."""
    ending = catch_ending()
    ready()
    for client in accepted(socket.socket(fileno=3), ending):
        with client:
            client.setblocking(True)
            if hear(client):
                client.sendall(answer_of("once").replace(b"Connection: close\r\n", b""))
                hear(client)
