# SPDX-License-Identifier: MIT
"""One request to a server, and its answer: HTTP and FastCGI."""

import struct

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def http(address):
    """The body of `/`, which has to be whole."""
    with address.connect() as client:
        client.sendall(REQUEST)
        with client.makefile("rb") as reader:
            answer = reader.read()
    head, separator, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    assert separator and status.split()[1] == "200", answer
    for field in fields:
        name, _, value = field.partition(":")
        assert name.lower() != "content-length" or int(value) == len(body), answer
    return body.decode()


# ------------------------------------------------------------- FastCGI 1.0, section 8: types and roles

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
RESPONDER = 1


def record(kind, content):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def fastcgi(address, script):
    """What a script prints, without the head."""
    pairs = {"SCRIPT_FILENAME": script, "SCRIPT_NAME": "/", "REQUEST_METHOD": "GET"}
    params = b"".join(bytes((len(name), len(value))) + (name + value).encode() for name, value in pairs.items())
    with address.connect() as client:
        client.sendall(record(BEGIN_REQUEST, struct.pack(">HB5x", RESPONDER, 0)) + record(PARAMS, params)
                       + record(PARAMS, b"") + record(STDIN, b""))
        printed = b""
        with client.makefile("rb") as reader:
            while True:
                _, kind, _, length, padding = struct.unpack(">BBHHBx", reader.read(8))
                content = reader.read(length + padding)[:length]
                if kind == STDOUT:
                    printed += content
                elif kind == END_REQUEST:
                    break
    return printed.partition(b"\r\n\r\n")[2].decode()
