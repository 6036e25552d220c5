# SPDX-License-Identifier: MIT
"""Many files that can be told apart: each has its number as its content.

`numbered.py open COUNT COMMAND...` opens so many, from number FIRST up, and runs the command with them.
`numbered.py check COUNT NUMBER` looks whether they are all there in order, from NUMBER up, and nothing behind.
"""

import errno
import fcntl
import os
import resource
import sys

FIRST = 500


def open_all(count, command):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, FIRST + count + 100)), most))
    for index in range(count):
        made = os.memfd_create("numbered", 0)
        os.write(made, b"%d" % index)
        assert fcntl.fcntl(made, fcntl.F_DUPFD, FIRST + index) == FIRST + index
        os.close(made)
    os.execvp(command[0], command)


def check(count, number):
    for index in range(count):
        found = os.pread(number + index, 20, 0)
        assert found == b"%d" % index, (number + index, found)
    try:
        os.fstat(number + count)
    except OSError as error:
        assert error.errno == errno.EBADF
    else:
        raise AssertionError(f"{number + count} is open, too")
    print(f"{count} in order")


def main():
    if sys.argv[1] == "open":
        open_all(int(sys.argv[2]), sys.argv[3:])
    else:
        check(int(sys.argv[2]), int(sys.argv[3]))


main()
