# SPDX-License-Identifier: MIT
"""strace(1) that makes system calls fail, stop or take time. The process is still the program itself."""

STRACE = ["strace", "-D", "-o", "/dev/null"]


def tampered(*injections):
    """The words before a command line: see -e inject in strace(1)."""
    return STRACE + [word for injection in injections for word in ("-e", f"inject={injection}")]


# LeakSanitizer cannot do its work under ptrace(2), and ends the program with a message about that.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}
