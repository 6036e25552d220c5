#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C file is as `make format` leaves it.

usage: format.py CLANG-FORMAT SOURCE-ROOT

Every version of clang-format formats a little differently, so that one decides: Debian 12's. With another one this
is left out (status 77, meson's for a test that is skipped).
"""

import subprocess
import sys

from findings import conclude, files


def check(clang_format, root):
    sources = files(root, ".", suffixes={".c", ".h"})
    run = subprocess.run([clang_format, "--dry-run", "-Werror", "--ferror-limit=1", "--style=file",
                          *map(str, sources)], capture_output=True, text=True)
    findings = [line for line in run.stderr.splitlines() if ": error: " in line]
    if run.returncode != 0 and not findings:
        findings.append(run.stderr.strip())
    return len(sources), findings


def is_ours(clang_format):
    said = subprocess.run([clang_format, "--version"], capture_output=True, text=True, check=True).stdout
    return " version 14." in said


if __name__ == "__main__":
    if not is_ours(sys.argv[1]):
        print("left out: clang-format 14: the format of the sources")
        sys.exit(77)
    count, found = check(*sys.argv[1:])
    if count == 0:
        found.append(f"{sys.argv[2]}: no sources found")
    conclude(f"{count} files looked at", found)
