# SPDX-License-Identifier: MIT
"""One request to a server, and its answer: HTTP and FastCGI. Nothing but the standard library, for load.py."""

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


def fastcgi_request(script):
    """The connection ends with the answer."""
    pairs = {"SCRIPT_FILENAME": script, "SCRIPT_NAME": "/", "REQUEST_METHOD": "GET"}
    params = b"".join(bytes((len(name), len(value))) + (name + value).encode() for name, value in pairs.items())
    return (record(BEGIN_REQUEST, struct.pack(">HB5x", RESPONDER, 0)) + record(PARAMS, params) + record(PARAMS, b"")
            + record(STDIN, b""))


def fastcgi_answer(records):
    """What the script has printed, without the head; None as long as that is not all."""
    printed = b""
    while len(records) >= 8:
        _, kind, _, length, padding = struct.unpack_from(">BBHHB", records)
        content, records = records[8:8 + length], records[8 + length + padding:]
        if kind == STDOUT:
            printed += content
        elif kind == END_REQUEST:
            return printed.partition(b"\r\n\r\n")[2].decode()
    return None


def fastcgi(address, script):
    with address.connect() as client:
        client.sendall(fastcgi_request(script))
        with client.makefile("rb") as reader:
            answer = fastcgi_answer(reader.read())
    assert answer is not None
    return answer
