#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may include whom: a folder is a layer, lower never includes higher, siblings never each other.

usage: layers.py SOURCE-ROOT
"""

import pathlib
import re
import sys

from findings import conclude, files

# A folder of lib/ and the folders that it may include, besides itself and fdpass.h.
# The picture of this table is in CONTRIBUTING.md.
LIBRARY = {
    "base": set(),
    "wire": {"base"},
    "peer": {"base"},
    "sockfile": {"base"},
    "rendezvous": {"base", "peer", "sockfile"},
    "acquire": {"base"},
    "open": {"base", "sockfile"},
    "place": {"base"},
    "activate": {"base"},
    "handover": {"base", "wire", "peer", "sockfile", "rendezvous"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """(line, quoted, name) of every #include of a file."""
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield line, match[1] == '"', match[2]


def of_library(name, folder):
    """Why a file of lib/`folder` must not include `name`; None when it may."""
    parts = name.split("/")
    if name == "fdpass.h":
        return None
    if len(parts) != 2 or parts[0] not in LIBRARY:
        return "the library includes \"fdpass.h\" and \"FOLDER/FILE.h\" of lib/, and nothing else"
    if parts[0] != folder and parts[0] not in LIBRARY[folder]:
        allowed = ", ".join(sorted(LIBRARY[folder])) or "nothing"
        return f"{folder} may include {allowed} and itself"
    return None


def of_programs(name, folder):
    """The same for a file of cli/ or of a program's folder, such as tools/fdsend."""
    if name == "fdpass.h" or re.fullmatch(r"cli/[^/]+\.h", name):
        return None
    if folder != "cli" and re.fullmatch(rf"{folder}/[^/]+\.h", name):
        return None
    return f"{folder} includes \"fdpass.h\", \"cli/FILE.h\" and its own headers"


def check(root):
    root = pathlib.Path(root)
    findings = []
    looked_at = 0

    def look(path, folder, judge, base):
        nonlocal looked_at
        looked_at += 1
        for line, quoted, name in includes(path):
            where = f"{path.relative_to(root)}:{line}: includes {name}"
            if quoted:
                reason = judge(name, folder)
                if reason is None and name != "fdpass.h" and not (base / name).is_file():
                    reason = "there is no such file"
            elif (root / "lib" / name).is_file() or (root / "include" / name).is_file() \
                    or (root / name).is_file():
                reason = "our own headers are included with quotes"
            else:
                reason = None
            if reason is not None:
                findings.append(f"{where}: {reason}")

    for path in files(root, "lib", suffixes={".c", ".h"}):
        folder = path.relative_to(root / "lib").parts[0]
        if folder in LIBRARY and len(path.relative_to(root / "lib").parts) == 2:
            look(path, folder, of_library, root / "lib")
        else:
            findings.append(f"{path.relative_to(root)}: not in a folder of the table in layers.py")
    for path in files(root, "cli", "tools", "completions", suffixes={".c", ".h"}):
        look(path, path.relative_to(root).parent.as_posix(), of_programs, root)
    for path in files(root, "include", suffixes={".h"}):
        looked_at += 1
        for line, quoted, name in includes(path):
            if quoted:
                findings.append(f"{path.relative_to(root)}:{line}: includes {name}: "
                                "the public header needs nothing but the C library")
    return looked_at, findings


if __name__ == "__main__":
    count, found = check(sys.argv[1])
    if count == 0:
        found.append(f"{sys.argv[1]}: no sources found")
    conclude(f"{count} files looked at", found)
