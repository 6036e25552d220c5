#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mandoc and groff find nothing to warn about in the manual pages; what their literal blocks show can be copied: no
character there becomes another one on its way to the reader; and no markup is read as text, nor a word as markup.

usage: pages.py MANDOC MAN-FOLDER
"""

import re
import subprocess
import sys

from findings import conclude, files

# What formatters print as a hyphen, typographic quotes or accents, and how it is written instead.
CHANGED = {"-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
ESCAPES = {r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(ga": "`", r"\(ha": "^", r"\(ti": "~",
           r"\e": "\\", r"\&": ""}
ESCAPE = re.compile(r"\\(?:\(..|.)|" + "|".join(map(re.escape, CHANGED)))


# Words of English, capitalised, that are macros where macros are looked for: in a heading or the head of an item.
MACROS = re.compile(r"^\.(?:Sh|Ss|It|Nd) (?:.* )?(Ad|An|At|Do|Em|En|Es|In|So|Us)(?: |$)")
# What is left in the text when a macro was not where macros are looked for, or within itself.
LEFT_OVER = {
    "a list that is none": re.compile(r"^\s*-(?:\s|$)|(?:^|\s)::(?:\s|$)"),
    "a quotation within itself": re.compile("\u2019\u2019"),
    "'a' before a vowel": re.compile(r"(?<![-\w])a\s+[aei]\w"),
}


class Trouble(Exception):
    """A literal block that shows something else than what it says."""


def shown(line):
    """A line of a literal block as the reader sees it."""
    def one(match):
        found = match[0]
        if found in CHANGED:
            raise Trouble(f"'{found}' in a literal block is not copied as it is: write {CHANGED[found]}")
        if found not in ESCAPES:
            raise Trouble(f"{found} is none of the escapes that literal blocks use here")
        return ESCAPES[found]

    return ESCAPE.sub(one, line)


def literal_blocks(text):
    """(section, comments right before it, first line, lines as shown) of every literal block."""
    section, comments, block = "", [], None
    for number, line in enumerate(text.splitlines(), 1):
        if block is not None:
            if line == ".Ed":
                yield section, comments, block[0], block[1]
                comments, block = [], None
                continue
            if line[:1] in (".", "'"):
                raise Trouble(f"{number}: a request in a literal block")
            try:
                block[1].append(shown(line))
            except Trouble as trouble:
                raise Trouble(f"{number}: {trouble}") from None
        elif line.startswith(".Bd -literal"):
            block = (number + 1, [])
        elif line.startswith('.\\" '):
            comments.append(line[4:])
        else:
            comments = []
            if line.startswith(".Sh "):
                section = line[4:]
    if block is not None:
        raise Trouble(f"{block[0]}: a literal block that does not end")


def check_blocks(mandoc, path):
    """Every line is well formed, and is in what the formatter makes of the page."""
    made = subprocess.run([mandoc, "-T", "utf8", "-O", "width=200", str(path)],
                          capture_output=True, text=True).stdout
    made = re.sub(".\b", "", made)  # bold and underlined
    try:
        for _, _, number, lines in literal_blocks(path.read_text()):
            for line in lines:
                if line.strip() not in made:
                    yield f"{path.name}:{number}: a reader does not see '{line.strip()}'"
    except Trouble as trouble:
        yield f"{path.name}:{trouble}"


def without_blocks(text):
    """A page without its literal blocks and comments."""
    text = re.sub(r"^\.Bd -literal.*?^\.Ed$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r'^\.\\".*\n', "", text, flags=re.MULTILINE)


def check_text(mandoc, path):
    """What is markup, and what is text."""
    source = without_blocks(path.read_text())
    for line in source.splitlines():
        found = MACROS.search(line)
        if found:
            yield f"{path.name}: '{line}': {found[1]} is a macro here: write \\&{found[1]}"
    made = subprocess.run([mandoc, "-T", "utf8", "-O", "width=1000"], input=source, capture_output=True, text=True).stdout
    for line in re.sub(".\b", "", made).splitlines():
        for what, pattern in LEFT_OVER.items():
            found = pattern.search(line)
            if found:
                yield f"{path.name}: {what}: '{line[max(0, found.start() - 40):found.end() + 40].strip()}'"


def warnings(command):
    run = subprocess.run(command, capture_output=True, text=True)
    found = (run.stdout + run.stderr).splitlines()
    if run.returncode != 0 and not found:
        found.append(f"{command[0]} ended with status {run.returncode}")
    return found


def check(mandoc, folder):
    pages = files(folder, ".", suffixes={".1", ".3", ".5", ".7", ".8"})
    findings = []
    if pages:
        findings += warnings([mandoc, "-T", "lint", "-W", "warning", *map(str, pages)])
    for page in pages:
        findings += [f"{page.name}: groff: {found}"
                     for found in warnings(["groff", "-mandoc", "-Tutf8", "-ww", "-z", str(page)])]
        findings += check_blocks(mandoc, page)
        findings += check_text(mandoc, page)
    return len(pages), findings


if __name__ == "__main__":
    count, found = check(*sys.argv[1:])
    if count == 0:
        found.append(f"{sys.argv[2]}: no pages found")
    conclude(f"{count} pages looked at", found)
