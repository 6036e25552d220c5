# SPDX-License-Identifier: MIT
"""Peers that misbehave, each as one function of a connection, which never waits for long.

A sender gets a connection to the program under test, a receiver one from it. Both may leave it open, to stay.
"""

import os
import random
import select
import socket

GREETING = b"fdpass/1"
MAGIC = b"\x89fdpass\x01"
MESSAGE = 253  # descriptors in one message
SOON = 0.05  # seconds that an answer is waited for


def record(kind, count=0, text=b"", size=None):
    return kind + b"\0" + (len(text) if size is None else size).to_bytes(2, "big") + count.to_bytes(4, "big") + text


def header(count, names=b"", size=None):
    return MAGIC + count.to_bytes(4, "big") + (len(names) if size is None else size).to_bytes(4, "big") + names


def push(connection, data, fds=()):
    """As much as there is room for. Who expects no descriptors may have told the kernel (SO_PASSRIGHTS)."""
    try:
        while data:
            sent = socket.send_fds(connection, [data], list(fds), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            data, fds = data[sent:], ()
    except PermissionError:
        return push(connection, data)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        return False
    return True


def pull(connection, size=4096, room=MESSAGE):
    """What comes soon; descriptors are closed."""
    if not select.select([connection], [], [], SOON)[0]:
        return b""
    try:
        data, fds, _, _ = socket.recv_fds(connection, size, room, socket.MSG_DONTWAIT)
    except OSError:
        return b""
    for fd in fds:
        os.close(fd)
    return data


def null_fds(count):
    return [NULL] * count


NULL = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)


# ------------------------------------------------------------------------------------------------- senders

def says_nothing(_):
    pass


def says_a_byte(connection):
    push(connection, b"x")


def speaks_another_language(connection):
    push(connection, b"GET / HTTP/1.0\r\n\r\n")


def talks_rubbish(connection):
    push(connection, random.randbytes(random.randrange(1, 5000)))


def never_stops(connection):
    """As much as the socket takes."""
    push(connection, b"x" * (1 << 20))


def half_a_header(connection):
    whole = header(300, b"name\0" * 300)
    push(connection, whole[:random.randrange(1, len(whole))])


def lies_about_the_count(connection):
    push(connection, header(random.choice([0, 1 << 20, (1 << 20) + 1, (1 << 32) - 1])))


def lies_about_the_names(connection):
    push(connection, header(2, b"a\0b\0", random.choice([1, 3, 5, 6291456, 6291457, (1 << 32) - 1])))


def names_that_are_none(connection):
    push(connection, header(2, random.choice([b":\0b\0", b"a\nb\0c\0", b"\xff\0\0", b"a" * 256 + b"\0b\0"])))


def offers_and_is_silent(connection):
    push(connection, header(300))


def gives_before_it_is_asked(connection):
    push(connection, header(300))
    push(connection, b"x", null_fds(MESSAGE))


def gives_with_the_header(connection):
    push(connection, header(300), null_fds(MESSAGE))


def gives_half(connection):
    push(connection, header(300))
    pull(connection)
    push(connection, b"x", null_fds(random.randrange(1, MESSAGE)))


def gives_too_many(connection):
    push(connection, header(300))
    pull(connection)
    for _ in range(3):
        push(connection, b"x", null_fds(MESSAGE))


def gives_a_byte_each(connection):
    push(connection, header(300))
    pull(connection)
    for _ in range(20):
        push(connection, b"x", null_fds(1))


def interrupts_with_rubbish(connection):
    push(connection, header(300))
    pull(connection)
    push(connection, b"x", null_fds(10))
    push(connection, random.randbytes(300))


def gives_without_end(connection):
    """Messages of 253, one after the other."""
    while push(connection, b"x", null_fds(MESSAGE)) and random.random() < 0.8:
        pass


def gives_itself(connection):
    """Sockets in cycles, which the kernel's garbage collector has to find."""
    a, b = socket.socketpair()
    with a, b:
        push(a, b"x", [a.fileno(), b.fileno()])
        push(connection, b"x", [connection.fileno(), a.fileno(), b.fileno()])


def gives_the_closed(connection):
    """Pipes and sockets whose other end is gone."""
    reader, writer = os.pipe()
    os.close(writer)
    a, b = socket.socketpair()
    b.close()
    push(connection, b"x", [reader, a.fileno()])
    os.close(reader)
    a.close()


def does_not_listen(connection):
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    push(connection, header(300))


def has_said_all(connection):
    push(connection, header(300))
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


SENDERS = [says_nothing, says_a_byte, speaks_another_language, talks_rubbish, never_stops, half_a_header,
           lies_about_the_count, lies_about_the_names, names_that_are_none, offers_and_is_silent,
           gives_before_it_is_asked, gives_with_the_header, gives_half, gives_too_many, gives_a_byte_each,
           interrupts_with_rubbish, gives_without_end, gives_itself, gives_the_closed, does_not_listen, has_said_all]


# ----------------------------------------------------------------------------------------------- receivers

def closes(_):
    pass


def greets_and_closes(connection):
    push(connection, GREETING)


def greets_by_half(connection):
    push(connection, GREETING[:5])
    pull(connection)


def greets_wrongly(connection):
    push(connection, random.choice([b"fdpass/2" + record(b"A", 1), b"HTTP/1.1 400 Bad Request\r\n", b"\0" * 8]))
    pull(connection)


def peeks(connection):
    connection.recv(1, socket.MSG_PEEK)


def reads_without_room(connection):
    """The descriptors are lost, and a word follows that is none."""
    push(connection, GREETING)
    connection.recv(1)
    push(connection, random.randbytes(40))


def greets_reads_and_goes(connection):
    push(connection, GREETING)
    pull(connection)


def answers_before_it_reads(connection):
    push(connection, GREETING + record(b"A", 1))


def accepts_by_half(connection):
    push(connection, GREETING)
    pull(connection)
    push(connection, record(b"A", 1)[:-1])


def answers_what_was_not_asked(connection):
    push(connection, GREETING + record(b"G"))
    pull(connection)
    push(connection, record(b"G") + record(b"G"))


def answers_unknown_words(connection):
    push(connection, GREETING)
    pull(connection)
    push(connection, random.choice([record(b"Z"), record(b"A", 1, size=999), b"A\x01\0\0\0\0\0\1"]))


def refuses_with_rubbish(connection):
    push(connection, GREETING)
    pull(connection)
    push(connection, record(b"R", 0, random.randbytes(255)))


def never_stops_answering(connection):
    push(connection, GREETING)
    pull(connection)
    push(connection, record(b"Z", 0, b"x" * 255) * 4000)


def is_busy_for_ever(connection):
    push(connection, GREETING + record(b"B"))
    pull(connection)


def gives_back(connection):
    """A side that expects no descriptors gets some."""
    push(connection, GREETING, null_fds(MESSAGE))
    pull(connection)
    for _ in range(3):
        push(connection, record(b"Z"), null_fds(MESSAGE))


def says_nothing_more(connection):
    """And stays."""
    push(connection, GREETING + record(b"G"))
    pull(connection)


# None of them may be taken for a success: those that read have greeted.
RECEIVERS = [closes, greets_and_closes, greets_by_half, greets_wrongly, peeks, reads_without_room,
             greets_reads_and_goes, answers_before_it_reads, accepts_by_half, answers_what_was_not_asked,
             answers_unknown_words, refuses_with_rubbish, never_stops_answering, is_busy_for_ever, gives_back,
             says_nothing_more]

# Who says that it has them is believed.
BELIEVED = [answers_before_it_reads]
