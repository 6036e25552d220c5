#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever the library calls can fail in the sweep of it: tests/unit/failing.c wraps it, or it never fails.

usage: wrapped.py FAILING.C LIBFDPASS.A
"""

import pathlib
import re
import subprocess
import sys

from findings import conclude
from purity import plain

NEVER_FAILS = set("""
    abort atoi bcmp bsearch clock_gettime closedir dirfd fclose free freeaddrinfo gai_strerror getenv geteuid
    getpid gnu_dev_major gnu_dev_minor htons inet_ntop inet_pton memchr memcmp memcpy memmove memset munmap ntohs
    pthread_attr_destroy pthread_attr_init pthread_attr_setdetachstate pthread_sigmask qsort secure_getenv
    sigaddset sigemptyset sigfillset snprintf sscanf stpcpy strchr strchrnul strcmp strcpy strcspn strerror_r
    strerrordesc_np strlen strncmp strnlen strpbrk strrchr strspn strstr strtok_r strtol strtoul strtoull tolower
    vsnprintf""".split())

# What the C library's own functions call: that is what has to fail.
INSIDE = {"asprintf": "vasprintf", "getline": "__getdelim"}


def wrapped(table):
    """The calls of the table that meson.build reads, too."""
    return set(re.findall(r"^WRAP\w*\((\w+)", pathlib.Path(table).read_text(), flags=re.MULTILINE))


def called(archive):
    """What the objects of an archive take from elsewhere, without the C library's names for its variants."""
    text = subprocess.run(["nm", "--undefined-only", "--format=just-symbols", archive],
                          check=True, capture_output=True, text=True).stdout
    names = {plain(line) for line in text.split() if not line.endswith(":")}
    names = {re.sub(r"64$", "", name.removeprefix("__isoc99_").removeprefix("__isoc23_")) for name in names}
    # errno, the tables of <ctype.h>, the end of a shared object: nothing of it is a call that can fail.
    return {name for name in names if name == "__getdelim" or not name.startswith(("_", "fdpass_"))}


def check(table, archive):
    names = called(archive)
    can_fail = wrapped(table)
    return len(names), [f"{name}: can fail, and {table} does not wrap it" for name in sorted(names)
                        if INSIDE.get(name, name) not in can_fail | NEVER_FAILS]


if __name__ == "__main__":
    count, found = check(*sys.argv[1:])
    if count == 0:
        found.append(f"{sys.argv[2]}: calls nothing")
    conclude(f"{count} called functions looked at", found)
