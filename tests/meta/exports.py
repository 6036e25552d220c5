#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shared library exports what fdpass.sym lists, and that is what fdpass.h declares.

usage: exports.py FDPASS.H FDPASS.SYM LIBFDPASS.SO
"""

import pathlib
import re
import subprocess
import sys

from findings import conclude


def declared(header):
    """The functions that a header declares."""
    text = pathlib.Path(header).read_text()
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)
    return set(re.findall(r"\b(fdpass_\w+)\s*\([^;{]*\)\s*(?:__attribute__[^;]*)?;", text))


def listed(symbols):
    """What a version script lists as global, and the names of its nodes."""
    text = re.sub(r"/\*.*?\*/|#[^\n]*", " ", pathlib.Path(symbols).read_text(), flags=re.DOTALL)
    names = set()
    nodes = {}
    for node, body in re.findall(r"(\w[\w.]*)\s*\{([^}]*)\}", text):
        scope = "global"
        for word in re.findall(r"(?:global|local)\s*:|[^\s;]+", body):
            if word.endswith(":"):
                scope = word.rstrip(": \t")
            elif scope == "global":
                names.add(word)
                nodes[word] = node
    return names, nodes


def exported(library):
    """{symbol: version} that a shared library defines for others."""
    text = subprocess.run(["nm", "--dynamic", "--defined-only", "--with-symbol-versions", library],
                          check=True, capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        *_, kind, symbol = line.split()
        name, _, version = symbol.partition("@")
        if kind != "A": # the version node itself
            found[name] = version.lstrip("@")
    return found


def check(header, symbols, library):
    in_header = declared(header)
    in_list, nodes = listed(symbols)
    in_library = exported(library)
    findings = []
    for name in sorted(in_header | in_list | set(in_library)):
        if name not in in_header:
            findings.append(f"{name}: not declared in fdpass.h")
        if name not in in_list:
            findings.append(f"{name}: not listed in fdpass.sym")
        if name not in in_library:
            findings.append(f"{name}: not exported by the shared library")
        elif name in nodes and in_library[name] != nodes[name]:
            findings.append(f"{name}: exported as version {in_library[name] or 'none'}, "
                            f"listed in {nodes[name]}")
    return len(in_header), findings


if __name__ == "__main__":
    count, found = check(*sys.argv[1:])
    if count == 0:
        found.append(f"{sys.argv[1]}: declares no function")
    conclude(f"{count} declared functions looked at", found)
