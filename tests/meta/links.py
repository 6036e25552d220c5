#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every link of a .md file to something in the tree leads there: the file exists, and has a heading of that name.

usage: links.py SOURCE-ROOT
"""

import pathlib
import re
import sys

from findings import conclude, files

LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:")


def anchors(path):
    """What "#..." may be, as sites that show such files make it of the headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE) if path.suffix == ".md" else []
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check(root):
    count, findings = 0, []
    for page in files(root, ".", suffixes={".md"}):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for link in LINK.findall(line):
                if ELSEWHERE.match(link):
                    continue
                count += 1
                name, _, anchor = link.partition("#")
                target = page.parent / name if name else page
                if not target.exists() or anchor and anchor not in anchors(target):
                    findings.append(f"{page.relative_to(root)}:{number}: there is no {link}")
    return count, findings


if __name__ == "__main__":
    looked_at, found = check(pathlib.Path(sys.argv[1]))
    if looked_at == 0:
        found.append(f"{sys.argv[1]}: no links found")
    conclude(f"{looked_at} links looked at", found)
