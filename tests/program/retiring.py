# SPDX-License-Identifier: MIT
"""Servers that are replaced, and what replaces them."""

import ctypes
import os
import select
import socket
import sys
import threading

from processes import LIBC, LONG, until
from programs import READY, children

# A server on what --listen-fds gives: "new" to everybody who comes.
NEW = [sys.executable, "-I", "-S", "-c", """
import os, select, socket
print("started", os.getpid(), flush=True)
listeners = {}
for number in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    listeners[number] = socket.socket(fileno=number)
poll = select.poll()
for number, listener in listeners.items():
    listener.setblocking(False)
    poll.register(number, select.POLLIN)
while True:
    for number, _ in poll.poll():
        try:
            connection, _ = listeners[number].accept()
        except BlockingIOError:
            continue
        connection.sendall(b"new")
        connection.close()
"""]


def serve(*numbers):
    """A server on these descriptors, with one thread: says "old" to everybody who comes, and then what he says."""
    def server():
        listeners = {number: socket.socket(fileno=number) for number in numbers}
        connections = {}
        poll = select.poll()
        for number, listener in listeners.items():
            listener.setblocking(False)
            poll.register(number, select.POLLIN)
        os.write(READY, b"\n")
        os.close(READY)
        while True:
            for number, _ in poll.poll():
                if number in listeners:
                    try:
                        connection, _ = listeners[number].accept()
                    except BlockingIOError:
                        continue
                    connection.setblocking(True)
                    connection.sendall(b"old")
                    connections[connection.fileno()] = connection
                    poll.register(connection, select.POLLIN)
                elif data := connections[number].recv(100):
                    connections[number].sendall(data)
                else:
                    poll.unregister(number)
                    connections.pop(number).close()

    return server


def starting(fifo):
    """A server with a second thread, which is starting a program: it is inside vfork(2), where no signal but SIGKILL
    is heeded, for as long as nobody has opened `fifo` to write."""
    def serving(*numbers):
        actions = ctypes.create_string_buffer(1024)  # longer than posix_spawn_file_actions_t of any C library

        def start():
            pid = ctypes.c_int()
            LIBC.posix_spawn(ctypes.byref(pid), b"/bin/true", actions, None, (ctypes.c_char_p * 2)(b"true"),
                             (ctypes.c_char_p * 1)())
            os.waitpid(pid.value, 0)

        def server():
            LIBC.posix_spawn_file_actions_init(actions)
            for number in (READY, *numbers):
                LIBC.posix_spawn_file_actions_addclose(actions, number)
            LIBC.posix_spawn_file_actions_addopen(actions, 0, os.fsencode(fifo), os.O_RDONLY, 0)
            threading.Thread(target=start, daemon=True).start()
            until(lambda: "D" in thread_states(os.getpid()), "a thread is inside vfork(2)")
            serve(*numbers)()

        return server

    return serving


class Port:
    """A listening socket that is only here until close(); clients find it by its address."""

    def __init__(self, programs, family=socket.AF_INET, address=("127.0.0.1", 0), kind=socket.SOCK_STREAM):
        self.programs = programs
        self.socket = programs.closes(socket.socket(family, kind))
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        self.socket.bind(address)
        self.socket.listen()
        self.family, self.kind, self.address = family, kind, self.socket.getsockname()
        if family == socket.AF_UNIX and isinstance(address, str) and not address.startswith("\0"):
            programs.leaves(address)

    @property
    def expression(self):
        if self.family != socket.AF_UNIX:
            return f"listen:{self.address[1]}"
        if isinstance(self.address, bytes):
            return "listen:@" + self.address[1:].decode()
        return f"listen:{self.address}"

    def fileno(self):
        return self.socket.fileno()

    def client(self, expected):
        """Connects, and reads who answers."""
        made = self.programs.closes(socket.socket(self.family, self.kind))
        made.settimeout(LONG)
        made.connect(self.address)
        assert made.recv(100) == expected
        return made


def old_server(programs, *ports, serving=serve, **conditions):
    """The process, which alone holds these ports."""
    numbers = range(7, 7 + len(ports))
    process = programs.forked(serving(*numbers), ready=READY, fds=dict(zip(numbers, (port.fileno() for port in ports))),
                              **conditions).wait_ready()
    for port in ports:
        port.socket.close()
    return process


def echoes(client):
    """The server at the other end still runs."""
    client.sendall(b"there?")
    assert client.recv(100) == b"there?"


def state(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


def thread_states(pid):
    states = ""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii") as file:
            states += file.read().rpartition(")")[2].split()[0]
    return states


def helpers(programs):
    """PIDs of those that retire others: nobody's children, so that they came to us."""
    known = {process.pid for process in programs.processes}
    found = []
    for pid in set(children()) - known:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                text = file.read()
            if "(fdrecv) " in text and "(fdrecv) Z" not in text:
                found.append(pid)
        except FileNotFoundError:
            pass
    return found


def helper(programs):
    return until(lambda: helpers(programs), "there is somebody who retires the old process")[0]


def no_helper(programs):
    until(lambda: not helpers(programs), "nobody retires anybody any more")


def has_looked(pid, times=10):
    """It is at work: each look at the old process ends with a pause."""
    def switches():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return int(dict(line.split(":", 1) for line in file)["voluntary_ctxt_switches"])

    first = switches()
    until(lambda: switches() > first + times, "it looks again and again")


def all_text(reader):
    """What is written to that pipe until all who could have ended."""
    text = b""
    while select.select([reader], [], [], LONG)[0]:
        piece = os.read(reader, 65536)
        if not piece:
            return text.decode()
        text += piece
    raise AssertionError(f"not ended, and so far: {text.decode()}")
