#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every file that says the version says the same one as meson.build, the release notes are dated once the
version is packaged, and all packages have the same maintainer, who is told of vulnerabilities.

usage: versions.py SOURCE-ROOT
"""

import pathlib
import re
import sys

from findings import conclude

# Where it stands, and what stands around it.
PLACES = {
    "include/fdpass.h": r'#define FDPASS_VERSION "(.*)"',
    "NEWS": r"^fdpass (\S+) \(\d{4}-\d\d-\d\d\)$",
    "packaging/debian/changelog": r"^fdpass \((.*)\) ",
    "packaging/fdpass.spec": r"^Version: *(\S+)$",
    "packaging/APKBUILD": r"^pkgver=(\S+)$",
}

# Who looks after the packages, and packs this version; packaging/debian/control decides.
PERSON = r"(.+ <.+@.+>)"
MAINTAINED = {
    "packaging/debian/control": rf"^Maintainer: {PERSON}$",
    "packaging/debian/changelog": rf"^ -- {PERSON}  ",
    "packaging/fdpass.spec": rf"^\* \w+ \w+ \d+ \d+ {PERSON} - ",
    "packaging/APKBUILD": rf"^# Maintainer: {PERSON}$",
    "SECURITY.md": rf"^Contact: {PERSON}$",
}


def first(path, pattern):
    found = re.search(pattern, path.read_text(), re.MULTILINE) if path.is_file() else None
    return found[1] if found else None


def check(root):
    root = pathlib.Path(root)
    version = first(root / "meson.build", r"^ *version: '(.*)',$")
    findings = []
    if version is None:
        findings.append("meson.build: says no version")
    for name, pattern in PLACES.items():
        said = first(root / name, pattern)
        if said is None:
            findings.append(f"{name}: says no version as it should: {pattern}")
        elif said != version:
            findings.append(f"{name}: says {said}, and meson.build {version}")
    names = {name: first(root / name, pattern) for name, pattern in MAINTAINED.items()}
    decided = names["packaging/debian/control"]
    for name, said in names.items():
        if said is None:
            findings.append(f"{name}: names no maintainer as it should: {MAINTAINED[name]}")
        elif decided is not None and said != decided:
            findings.append(f"{name}: is maintained by {said}, and packaging/debian/control by {decided}")
    return len({"meson.build", *PLACES, *MAINTAINED}), findings


if __name__ == "__main__":
    count, found = check(sys.argv[1])
    conclude(f"{count} files looked at", found)
