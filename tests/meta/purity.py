#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library never prints, exits, sleeps, installs a handler, or keeps a mutable global; and its
global symbols begin with fdpass_. Read from the objects, so that no macro hides anything.

usage: purity.py LIBFDPASS.A
"""

import re
import subprocess
import sys

from findings import conclude

FORBIDDEN = {
    "prints": """printf fprintf vprintf vfprintf dprintf vdprintf puts fputs putchar putc fputc fwrite
        perror psignal psiginfo stdout stderr syslog vsyslog error error_at_line err errx verr verrx
        warn warnx vwarn vwarnx write writev""",
    "ends the process": """exit _exit _Exit quick_exit abort err errx verr verrx error __assert_fail
        raise pthread_exit pthread_kill kill""",
    "sleeps": "sleep usleep nanosleep clock_nanosleep thrd_sleep pause sigsuspend sched_yield",
    "touches signals": """signal sigaction sigprocmask pthread_sigmask signalfd sigvec bsd_signal
        sysv_signal __sysv_signal sigset sighold sigrelse alarm setitimer timer_create sigaltstack""",
    "changes the process": """setrlimit setrlimit64 prlimit prlimit64 chdir fchdir chroot umask setenv
        unsetenv putenv clearenv setlocale setpriority atexit on_exit daemon setsid prctl setuid seteuid
        setgid setegid setgroups dup dup2""",
    "starts processes": "fork vfork clone posix_spawn posix_spawnp system popen pthread_create",
}
# dup() and dup2() make inheritable descriptors: F_DUPFD_CLOEXEC and dup3() are for that, and
# placing, whose purpose it is, may use dup2(). The child that discard.c leaves descriptors to may exit, and
# so may that of closer.c, which is killed when it hangs. The
# thread that resolve.c needs, since getaddrinfo(3) knows no deadline, must take no signals.
EXCEPTIONS = {("plan.c.o", "dup2"), ("discard.c.o", "_exit"), ("closer.c.o", "_exit"),
              ("resolve.c.o", "pthread_create"), ("resolve.c.o", "pthread_sigmask")}

REASON = {name: reason for reason, names in FORBIDDEN.items() for name in names.split()}

# Sections that can be written to while the program runs. Relocated constants (.data.rel.ro) cannot.
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss|sdata|sbss)(\..*)?$|\.(l|s)?(data|bss)$")
CONSTANT = re.compile(r"\.data\.rel\.ro(\..*)?$")


def plain(symbol):
    """The function behind glibc's names for it: __fprintf_chk, __isoc99_sscanf, exit@GLIBC_2.2.5."""
    symbol = symbol.split("@")[0]
    match = re.fullmatch(r"__(\w+)_chk", symbol)
    return match[1] if match else symbol


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def members(text, pattern):
    """(member, line) of every line of the tools' output about an archive."""
    member = "?"
    for line in text.splitlines():
        match = re.fullmatch(pattern, line)
        if match:
            member = match[1].rsplit("/", 1)[-1]
            member = re.sub(r"^.*_(\w+\.c\.o)$", r"\1", member)
        elif line.strip():
            yield member, line


def check(archive):
    findings = []
    objects = set()
    for member, line in members(output("nm", archive), r"(.*\.o):"):
        objects.add(member)
        *_, kind, symbol = line.split()
        if kind in "Uw":
            reason = REASON.get(plain(symbol))
            if reason and (member, plain(symbol)) not in EXCEPTIONS:
                findings.append(f"{member}: uses {symbol}: {reason}")
        elif kind == "C":
            findings.append(f"{member}: {symbol} is a mutable global")
        elif kind.isupper() and not symbol.startswith("fdpass_"):
            findings.append(f"{member}: the global symbol {symbol} does not begin with fdpass_")
    for member, line in members(output("size", "-A", archive), r"(.*\.o)\s.*:"):
        words = line.split()
        if len(words) == 3 and WRITABLE.match(words[0]) and not CONSTANT.match(words[0]):
            if int(words[1]) > 0:
                findings.append(f"{member}: {words[1]} bytes in {words[0]}: a mutable variable")
    return len(objects), findings


if __name__ == "__main__":
    count, found = check(sys.argv[1])
    if count == 0:
        found.append(f"{sys.argv[1]}: no objects in it")
    conclude(f"{count} objects looked at", found)
