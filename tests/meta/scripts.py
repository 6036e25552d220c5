#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shellcheck finds nothing in our shell scripts.

usage: scripts.py SHELLCHECK SOURCE-ROOT
"""

import subprocess
import sys

from findings import conclude, files, is_script


def is_shell(path):
    if path.suffix in (".sh", ".bash"):
        return True
    if not is_script(path):
        return False
    with open(path, "rb") as file:
        interpreter = file.readline().split()[0:2]
    return any(word.rsplit(b"/", 1)[-1] in (b"sh", b"bash", b"dash") for word in interpreter) \
        or interpreter[:1] == [b"#!"]


def check(shellcheck, root):
    scripts = [path for path in files(root, ".") if is_shell(path)]
    findings = []
    if scripts:
        run = subprocess.run([shellcheck, "--format=gcc", *map(str, scripts)],
                             capture_output=True, text=True)
        findings = run.stdout.splitlines()
        if run.returncode != 0 and not findings:
            findings.append(run.stderr.strip())
    return len(scripts), findings


if __name__ == "__main__":
    count, found = check(*sys.argv[1:])
    if count == 0:
        found.append(f"{sys.argv[2]}: no scripts found")
    conclude(f"{count} scripts looked at", found)
