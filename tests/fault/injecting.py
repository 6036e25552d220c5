# SPDX-License-Identifier: MIT
"""strace(1): the system calls of a program, and one of them that goes wrong.

The loader's and the C library's calls before main() are left out: they are not ours, and a program that cannot
be loaded says so itself. The first thing that main() does is to look whether 0 to 2 are open, so that the first
fcntl(0, F_GETFD) is the beginning. The tracer lets go at the execve() of the command (-b execve).
"""

import collections
import re

MAIN = re.compile(r"fcntl\(0, F_GETFD\)")
# What a signal does, strace does not mark.
INJECTED = re.compile(r"\(INJECTED|--- (SIGTERM|stopped by SIGSTOP)|\+\+\+ killed by SIGKILL")
CALL = re.compile(r"^(?:(\d+) +)?(\w+)\((.*)")

# What can be injected: `number` counts the calls of that name from the start of the process.
Point = collections.namedtuple("Point", "call number shape")

# close() is not executed when it "fails", so that a descriptor stays open that the kernel would have closed. The
# others do not come back, or have no way to fail: brk(2) in the kernel returns the old end.
LEFT_OUT = {"close", "exit_group", "exit", "rt_sigreturn", "brk", "munmap", "execve", "set_robust_list", "rseq",
            "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "umask"}

# Nor these, on a descriptor that is open.
CANNOT_FAIL = re.compile(r"F_SETFD|F_GETFD|F_GETFL")

EACH = 16  # points for each call of a program, unless everything is wanted: the first, the last, and some between

# The errors that a call may plausibly have, the likeliest first. EPERM is also what a seccomp filter says. EPIPE
# and ECONNRESET are left to kills.py: they are no failure but the news that the other end is gone; and so is
# EAGAIN of a receiving call the news that nothing has come, which is believed until something does.
MAKES = ["EMFILE", "ENFILE", "ENOMEM", "EPERM"]
FILES = ["EACCES", "EIO", "ENOMEM", "ENOENT", "EPERM"]
ERRORS = {
    **dict.fromkeys(["socket", "socketpair", "epoll_create1", "signalfd4", "inotify_init1", "pidfd_open", "pidfd_getfd",
                     "pipe2", "eventfd2", "dup", "memfd_create"], MAKES),
    "accept4": ["EMFILE", "ECONNABORTED", "EINTR", "ENFILE", "ENOMEM", "EAGAIN", "EPERM"],
    "openat": ["EMFILE", "EACCES", "ENOENT", "ENFILE", "ENOMEM", "EINTR", "EIO", "EPERM"],
    "connect": ["ECONNREFUSED", "EINTR", "EAGAIN", "EACCES", "ENOMEM", "ENOENT", "EPERM"],
    "bind": ["EADDRINUSE", "ENOSPC", "EACCES", "EROFS", "ENOMEM", "EPERM"],
    "listen": ["EADDRINUSE", "ENOMEM", "EPERM"],
    "sendmsg": ["ENOBUFS", "EAGAIN", "EINTR", "ETOOMANYREFS", "ENOMEM", "EPERM"],
    "sendto": ["ENOBUFS", "EAGAIN", "EINTR", "ECONNREFUSED", "ENOMEM", "EPERM"],
    "recvmsg": ["EINTR", "ENOMEM", "EPERM"],
    "recvfrom": ["EINTR", "ENOMEM", "EPERM"],
    **dict.fromkeys(["ppoll", "poll", "epoll_wait", "epoll_pwait"], ["EINTR", "ENOMEM", "EPERM"]),
    "epoll_ctl": ["ENOMEM", "ENOSPC", "EPERM"],
    "inotify_add_watch": ["ENOSPC", "EACCES", "ENOMEM", "EPERM"],
    "fcntl": ["EMFILE", "EPERM", "EIO"],
    **dict.fromkeys(["dup2", "dup3"], ["EMFILE", "EBUSY", "EINTR", "EPERM"]),
    "flock": ["ENOLCK", "EAGAIN", "EINTR", "EPERM"],
    **dict.fromkeys(["newfstatat", "fstat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
                     "getdents64", "getcwd", "fstatfs", "statfs"], FILES),
    **dict.fromkeys(["read", "pread64"], ["EIO", "EINTR", "EAGAIN", "EPERM"]),
    **dict.fromkeys(["write", "writev"], ["ENOSPC", "EINTR", "EAGAIN", "EIO", "EPIPE", "EPERM"]),
    **dict.fromkeys(["renameat2", "renameat", "rename", "linkat", "link"],
                    ["ENOSPC", "EEXIST", "EINVAL", "EACCES", "EROFS", "EPERM"]),
    **dict.fromkeys(["unlink", "unlinkat"], ["EACCES", "EROFS", "EBUSY", "EPERM"]),
    "mkdirat": ["ENOSPC", "EACCES", "EROFS", "EPERM"],
    **dict.fromkeys(["mkdir", "fchmod", "fchmodat", "fchownat", "chmod"], ["EACCES", "EROFS", "EPERM"]),
    "ioctl": ["ENOTTY", "ENOMEM", "EPERM"],
    **dict.fromkeys(["setsockopt", "getsockopt", "getsockname", "getpeername"], ["ENOPROTOOPT", "ENOBUFS", "EPERM"]),
    **dict.fromkeys(["clone", "clone3", "fork", "vfork"], ["EAGAIN", "ENOMEM", "EPERM"]),
    "wait4": ["EINTR", "ECHILD", "EPERM"],
    **dict.fromkeys(["kill", "tkill", "tgkill", "pidfd_send_signal"], ["EPERM", "ESRCH"]),
    **dict.fromkeys(["mmap", "mprotect", "mremap"], ["ENOMEM"]),
    "getrandom": ["EAGAIN", "EINTR", "ENOSYS"],
    "rt_sigtimedwait": ["EINTR", "EPERM"],
}
OTHERS = ["EPERM", "ENOSYS"]

# One of these for ever is a busy wait that the caller asked for: what says "try again" is believed.
ONCE_ONLY = {"EINTR", "EAGAIN", "ECONNABORTED"}


def errors_of(call):
    return ERRORS.get(call, OTHERS)


def command_line(trace, injection=None):
    """The words before a program's command line."""
    words = ["strace", "-D", "-f", "-q", "-b", "execve", "-o", trace]
    return words + (["-e", f"inject={injection}"] if injection else [])


def calls(trace):
    """(name, rest of the line, how often it came in its process so far) from main() on, of all its processes."""
    counts = collections.Counter()
    begun = False
    with open(trace, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = CALL.match(line)
            if match:
                process, name, rest = match.groups()
                counts[process, name] += 1
                begun = begun or bool(MAIN.match(f"{name}({rest}"))
                if begun:
                    yield name, rest, counts[process, name]


def points(trace, everything=False):
    """Where to inject, in order. Without `everything`, of a row of calls that differ in numbers only, the first
    and the last."""
    found = {}
    row = []
    for name, rest, number in calls(trace):
        if name in LEFT_OUT or CANNOT_FAIL.search(rest) or (name, number) in found:
            continue
        shape = re.sub(r"\d+|0x[0-9a-f]+|SIG\w+|\"[^\"]*\"|\{.*", "#", f"{name} {rest}")
        if not everything and len(row) > 1 and row[-1].shape == row[-2].shape == shape:
            del found[row[-1].call, row.pop().number]
        row.append(Point(name, number, shape))
        found[name, number] = row[-1]
    return list(found.values()) if everything else thinned(list(found.values()))


def thinned(found):
    """At most EACH of a call, evenly."""
    kept = []
    for call in dict.fromkeys(point.call for point in found):
        same = [point for point in found if point.call == call]
        count = min(len(same), EACH)
        kept += [same[index * (len(same) - 1) // max(count - 1, 1)] for index in range(count)]
    return kept


def injected(trace):
    """How often it was."""
    with open(trace, encoding="utf-8", errors="replace") as file:
        return sum(bool(INJECTED.search(line)) for line in file)
