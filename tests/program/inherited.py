# SPDX-License-Identifier: MIT
"""A command for fdrecv to run: writes what it inherited, as JSON, to the file that is named.

Run as `python3 -I -S inherited.py FILE`, so that the interpreter leaves no descriptor of its own open.
"""

import fcntl
import json
import os
import resource
import sys


def table():
    found = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            status = os.fstat(number)
        except OSError:
            continue  # the listing's own
        found[number] = {"identity": [status.st_dev, status.st_ino],
                         "flags": fcntl.fcntl(number, fcntl.F_GETFL),
                         "link": os.readlink(f"/proc/self/fd/{number}")}
    return found


def main():
    report = {"fds": table(), "pid": os.getpid(), "environment": dict(os.environ),
              "limits": resource.getrlimit(resource.RLIMIT_NOFILE)}
    umask = os.umask(0o077)
    report["umask"] = umask
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        json.dump(report, file)
    os.rename(sys.argv[1] + ".new", sys.argv[1])


main()
