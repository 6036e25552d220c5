#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mandoc finds no warning or error in the manual pages.

usage: pages.py MANDOC MAN-FOLDER
"""

import subprocess
import sys

from findings import conclude, files


def check(mandoc, folder):
    pages = files(folder, ".", suffixes={".1", ".3", ".5", ".7", ".8"})
    findings = []
    if pages:
        run = subprocess.run([mandoc, "-T", "lint", "-W", "warning", *map(str, pages)],
                             capture_output=True, text=True)
        findings = (run.stdout + run.stderr).splitlines()
        if run.returncode != 0 and not findings:
            findings.append(f"mandoc ended with status {run.returncode}")
    return len(pages), findings


if __name__ == "__main__":
    count, found = check(*sys.argv[1:])
    if count == 0:
        found.append(f"{sys.argv[2]}: no pages found")
    conclude(f"{count} pages looked at", found)
