#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""House rules for every file: its licence in an SPDX line, no notes to self, a bounded length.

usage: sources.py SOURCE-ROOT
"""

import pathlib
import re
import sys

from findings import conclude, files, is_script

LINES_MAX = 420
BOUNDED = ("lib", "cli", "tools", "completions")
LICENSED = {".c", ".h", ".py", ".sh", ".bash", ".zsh", ".fish", ".sym", ".build", ".1", ".3", ".5", ".7", ".8"}
LICENSED_NAMES = {"Makefile", "meson_options.txt", "meson.options"}
SPDX = "SPDX-License-Identifier: MIT"
# Written so that this file does not find itself.
NOTE_TO_SELF = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")


def check(root):
    root = pathlib.Path(root)
    findings = []
    everything = files(root, ".")
    for path in everything:
        name = path.relative_to(root)
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        if path.suffix in LICENSED or path.name in LICENSED_NAMES or is_script(path):
            if not any(SPDX in line for line in lines[:3]):
                findings.append(f"{name}: no line with \"{SPDX}\" among its first three")
        for number, line in enumerate(lines, 1):
            match = NOTE_TO_SELF.search(line)
            if match:
                findings.append(f"{name}:{number}: {match[0]}: do it, or open an issue")
        if name.parts[0] in BOUNDED and len(lines) > LINES_MAX:
            findings.append(f"{name}: {len(lines)} lines, more than {LINES_MAX}: "
                            "it has more than one subject")
    return len(everything), findings


if __name__ == "__main__":
    count, found = check(sys.argv[1])
    if count == 0:
        found.append(f"{sys.argv[1]}: no files found")
    conclude(f"{count} files looked at", found)
