#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing is forgotten: every C file and manual page is named in a meson.build, so that it is compiled
(or installed), and every tests/unit/test-NAME.c is run.

usage: listed.py SOURCE-ROOT
"""

import pathlib
import re
import sys

from findings import conclude, files


def names_in(build_file):
    """The strings of a meson.build, relative to its folder."""
    if not build_file.is_file():
        return set()
    text = re.sub(r"#[^\n]*", "", build_file.read_text())
    return set(re.findall(r"'([^'\n]+)'", text))


def check(root):
    root = pathlib.Path(root).resolve()
    findings = []
    sources = files(root, "lib", "cli", "tools", "completions", "tests/unit", suffixes={".c"})
    sources += files(root, "man", suffixes={".1", ".3", ".5", ".7", ".8"})
    for path in sources:
        folder = path.parent
        found = False
        while not found and root in (folder, *folder.parents):
            names = names_in(folder / "meson.build")
            found = path.relative_to(folder).as_posix() in names
            if folder == path.parent and re.fullmatch(r"test-.+\.c", path.name):
                found = found or path.stem[len("test-"):] in names
            folder = folder.parent
        if not found:
            findings.append(f"{path.relative_to(root)}: no meson.build names it")
    return len(sources), findings


if __name__ == "__main__":
    count, found = check(sys.argv[1])
    if count == 0:
        found.append(f"{sys.argv[1]}: no sources found")
    conclude(f"{count} files looked at", found)
