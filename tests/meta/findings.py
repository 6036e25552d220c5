# SPDX-License-Identifier: MIT
"""What the checks share: which files are the project's, and how a check ends."""

import os
import pathlib
import sys

# Build folders, version control, and what editors and tools leave behind.
OUTSIDE = ("build", ".git", ".cache", "__pycache__", ".pytest_cache", ".vscode", ".idea")


def is_outside(name):
    return name in OUTSIDE or name.startswith("build-")


def files(root, *folders, suffixes=None):
    """The project's files under `folders` (all of them: "."), in order."""
    found = []
    for folder in folders:
        for where, folders_below, names in os.walk(pathlib.Path(root) / folder):
            folders_below[:] = sorted(n for n in folders_below if not is_outside(n))
            for name in sorted(names):
                path = pathlib.Path(where) / name
                if path.is_file() and (suffixes is None or path.suffix in suffixes):
                    found.append(path)
    return found


def is_script(path):
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def conclude(looked_at, findings):
    """Ends a check: prints what was found, or what was looked at when there is nothing."""
    for finding in findings:
        print(finding)
    print(f"{looked_at}; {len(findings)} finding(s)")
    sys.exit(1 if findings else 0)
