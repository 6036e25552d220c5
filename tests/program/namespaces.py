# SPDX-License-Identifier: MIT
"""Commands in a network of their own, or with another file in /etc. Needs root."""

import contextlib
import fcntl
import os
import signal
import socket
import struct

from processes import LIBC, STRANGER

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 1
LINK_LOCAL = "fe80::7"

AS_STRANGER = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--"]


@contextlib.contextmanager
def network(programs):
    """A network with nothing but lo, which has LINK_LOCAL, too; where every port is free and those below 1024 are
    root's. Yields the words that put a command into it."""
    def hold():
        assert LIBC.unshare(CLONE_NEWNET) == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            request = struct.pack("16sh22x", b"lo", 0)
            flags, = struct.unpack_from("h", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            # struct in6_ifreq: netdevice(7)
            fcntl.ioctl(any_socket, SIOCSIFADDR, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, LINK_LOCAL), 64,
                                                             socket.if_nametoindex("lo")))
        os.write(3, b"\n")
        os.close(3)
        signal.pause()

    holder = programs.forked(hold, ready=3).wait_ready()
    yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net", "--"]
    holder.kill()


def with_file(programs, path, content):
    """The words that run a command with other content in a file such as /etc/hosts."""
    file = programs.folder / path.replace("/", "-").strip("-")
    file.write_text(content)
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh",
            str(file), path]
