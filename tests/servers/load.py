#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many clients at once, who count what they are answered, by whom, and what goes wrong.

usage: load.py [--clients N] [--keep-alive | --fastcgi SCRIPT] [--timeout SECONDS] [--step N] ADDR

ADDR is tcp:HOST:PORT or unix:PATH. Each client asks for `/` again and again, each time on a new connection
or, with --keep-alive, on the same one as long as it lasts; with --fastcgi, for what that script prints, in
FastCGI. The body of an answer says which generation of a server has given it. When one is heard for the first
time, and at N (500), 2 N, 4 N, 8 N and so on answers of it, a line "GENERATION: COUNT" appears on stdout; for what goes
wrong, "! REASON: COUNT". SIGTERM ends the load: what has been asked is waited for, and the last line is the
report, as JSON: {"answers": {GENERATION: COUNT}, "failures": {REASON: COUNT}, "repeated": COUNT}.

Reasons: "refused"; "reset"; "short", the end of the connection before that of the answer; "timeout"; "status",
an answer that is not 200 or has no length; and the kernel's name of every other error.

A kept connection may be closed by a server while the next request is on its way. Where not one byte of an
answer came, HTTP has the client ask again (RFC 9112, 9.3.1); that is counted as "repeated", and only what
comes of that can fail.
"""

import argparse
import collections
import errno
import json
import os
import select
import signal
import socket
import sys
import time

from asking import fastcgi_answer, fastcgi_request

PAUSE = 0.01  # seconds
LOOK = 0.1  # how often at least to look for time-outs
END_OF_HEAD = b"\r\n\r\n"
REASONS = {errno.ECONNREFUSED: "refused", errno.ENOENT: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset"}


class Failure(Exception):
    """Its text is the reason."""


def parse(text):
    """An ADDR as family and address."""
    scheme, _, rest = text.partition(":")
    if scheme == "unix":
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    return socket.AF_INET, (host, int(port))


def body_of(answer):
    """The body once it is whole, else None; and whether the connection lasts."""
    head, separator, body = answer.partition(END_OF_HEAD)
    if not separator:
        return None, True
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(":") for line in lines)}
    if status.split()[1:2] != ["200"] or not fields.get("content-length", "").isdigit():
        raise Failure("status")
    if len(body) < int(fields["content-length"]):
        return None, True
    default = "close" if status.startswith("HTTP/1.0") else "keep-alive"
    return body.decode(), fields.get("connection", default) != "close"


class Client:
    """One request after the other; `step` goes as far as it can without waiting."""

    def __init__(self, load):
        self.load = load
        self.socket = None
        self.idle = True
        self.is_first = True  # on this connection
        self.answer = b""
        self.deadline = 0

    def begin(self):
        self.idle = False
        self.answer = b""
        self.deadline = time.monotonic() + self.load.timeout
        try:
            if self.socket is None:
                self.is_first = True
                self.socket = socket.socket(self.load.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                self.load.clients[self.socket.fileno()] = self
                code = self.socket.connect_ex(self.load.address)
                if code not in (0, errno.EINPROGRESS):
                    raise OSError(code, os.strerror(code))
                self.load.epoll.register(self.socket, select.EPOLLOUT)
            else:
                self.ask()
        except OSError as error:
            self.fail(error)

    def ask(self):
        self.socket.send(self.load.request, socket.MSG_NOSIGNAL)
        self.load.epoll.modify(self.socket, select.EPOLLIN)

    def step(self, events):
        try:
            if events & select.EPOLLOUT:
                code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise OSError(code, os.strerror(code))
                self.ask()
                return
            piece = self.socket.recv(65536)
            if self.idle:  # nothing can come but the end
                self.close()
                return
            self.answer += piece
            body, lasts = self.load.body_of(self.answer)
            if body is not None:
                self.finish(body, lasts)
            elif not piece:
                raise Failure("short")
        except (OSError, Failure) as error:
            self.fail(error)

    def finish(self, body, lasts):
        self.idle = True
        self.is_first = False
        if not (self.load.keep_alive and lasts):
            self.close()
        self.load.answered(body)

    def fail(self, error):
        reason = str(error) if isinstance(error, Failure) else REASONS.get(error.errno, errno.errorcode[error.errno])
        may_repeat = not (self.is_first or self.idle or self.answer) and reason in ("short", "reset")
        was_idle = self.idle
        self.close()
        if may_repeat:
            self.load.repeated += 1
            self.begin()
        elif not was_idle:
            self.idle = True
            self.load.failed(reason)

    def close(self):
        if self.socket is not None:
            del self.load.clients[self.socket.fileno()]
            self.socket.close()
            self.socket = None


class Load:
    def __init__(self, text, clients, keep_alive, script, timeout, step):
        self.family, self.address = parse(text)
        self.keep_alive = keep_alive
        self.timeout = timeout
        self.step = step
        self.milestones = {}
        if script is None:
            self.body_of = body_of
            self.request = (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n"
                            % (b"keep-alive" if keep_alive else b"close"))
        else:
            self.body_of = lambda answer: (fastcgi_answer(answer), False)
            self.request = fastcgi_request(script)
        self.answers = collections.Counter()
        self.failures = collections.Counter()
        self.repeated = 0
        self.epoll = select.epoll()
        self.clients = {}  # by the number of their socket
        self.everybody = [Client(self) for _ in range(clients)]
        self.ending = False

    def say(self, what, count):
        """Few lines, since nobody may read them for a while, and a full pipe would stop the clients."""
        if count == 1:
            self.milestones[what] = self.step
        if count == self.milestones[what]:
            self.milestones[what] *= 2
        elif count > 1:
            return
        print(f"{what}: {count}", flush=True)

    def answered(self, generation):
        self.answers[generation] += 1
        self.say(generation, self.answers[generation])

    def failed(self, reason):
        self.failures[reason] += 1
        self.say(f"! {reason}", self.failures[reason])

    def end(self, *_):
        self.ending = True

    def run(self):
        while True:
            for client in self.everybody:
                if client.idle and not self.ending:
                    client.begin()
            idle = sum(client.idle for client in self.everybody)
            if self.ending and idle == len(self.everybody):
                return
            # Who is idle still could not even connect, and tries again after a pause.
            for number, events in self.epoll.poll(PAUSE if idle else LOOK):
                if number in self.clients:
                    self.clients[number].step(events)
            now = time.monotonic()
            for client in self.everybody:
                if not client.idle and client.deadline < now:
                    client.fail(Failure("timeout"))

    def report(self):
        return {"answers": self.answers, "failures": self.failures, "repeated": self.repeated}


def main():
    parser = argparse.ArgumentParser(description="Many clients at once.")
    parser.add_argument("--clients", type=int, default=32)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--keep-alive", action="store_true")
    kind.add_argument("--fastcgi", metavar="SCRIPT")
    parser.add_argument("--timeout", type=float, default=10)
    parser.add_argument("--step", type=int, default=500)
    parser.add_argument("address", metavar="ADDR")
    options = parser.parse_args()
    load = Load(options.address, options.clients, options.keep_alive, options.fastcgi, options.timeout, options.step)
    signal.signal(signal.SIGTERM, load.end)
    load.run()
    print(json.dumps(load.report()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
