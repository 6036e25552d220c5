#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every page of the manual has its sections. Section 3 and the header say the same: every function that fdpass.h
declares is in the NAME and the SYNOPSIS of one page, with its very types and parameters, and nothing else is; structs
are shown as they are declared; and what a page refers to is there.

usage: manual.py FDPASS.H MAN-FOLDER
"""

import pathlib
import re
import sys

from findings import conclude
from pages import shown

SECTIONS = ["NAME", "LIBRARY", "SYNOPSIS", "DESCRIPTION", "RETURN VALUES", "EXAMPLES", "ERRORS", "SEE ALSO"]
MAY_LACK = {"ERRORS"}
# Those of other pages, which may have more between them.
AT_LEAST = {
    ".1": ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SECURITY",
           "SEE ALSO"],
    ".7": ["NAME", "DESCRIPTION", "EXAMPLES", "SECURITY", "SEE ALSO"],
}


def plain(text):
    return re.sub(r"\s+", " ", text).replace("* ", "*").strip()


def parameters(text):
    """A parameter list taken apart at its commas."""
    return [plain(part) for part in re.split(r",(?![^(]*\))", text)]


def declared(header):
    """{function: (type, parameters)} of a header."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.DOTALL)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)
    found = {}
    for result, name, rest in re.findall(r"([\w\s*]+?)\b(fdpass_\w+)\s*\(([^;{]*)\)\s*;", text):
        if not result.strip().startswith("typedef"):
            found[name] = plain(result), parameters(rest)
    return found


def unquoted(text):
    return plain(text.strip('"'))


def synopsis(text):
    """The same of a page."""
    found = {}
    for result, name, rest in re.findall(r"^\.Ft (.*)\n\.Fo (\w+)\n((?:\.Fa .*\n)*)\.Fc$", text, re.MULTILINE):
        found[name] = unquoted(result), [unquoted(line[4:]) for line in rest.splitlines()]
    return found


def literal_structs(text):
    """Every struct that a page shows."""
    for block in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL):
        lines = [shown(line) for line in block.splitlines()]
        if lines and re.match(r"(struct|enum) \w+ \{", lines[0]):
            yield lines


def sections_of(text):
    return re.findall(r"^\.Sh (.*)$", text, re.MULTILINE)


def check_others(folder):
    """The pages of other sections of the manual: how many, and what they lack."""
    pages = sorted(page for page in pathlib.Path(folder).iterdir() if page.suffix in AT_LEAST)
    findings = []
    for page in pages:
        sections = sections_of(page.read_text())
        if [name for name in sections if name in AT_LEAST[page.suffix]] != AT_LEAST[page.suffix]:
            findings.append(f"{page.name}: its sections are {', '.join(sections)}")
    return len(pages), findings


def check(header, folder):
    header = pathlib.Path(header).read_text()
    functions = declared(header)
    expanded = header.expandtabs(8)
    pages = sorted(pathlib.Path(folder).glob("*.3"))
    findings = []
    names = {}
    for page in pages:
        text = page.read_text()
        sections = sections_of(text)
        if [s for s in SECTIONS if s in sections or s not in MAY_LACK] != sections:
            findings.append(f"{page.name}: its sections are {', '.join(sections)}")
        named = re.findall(r"^\.Nm (\w+)", text.split("\n.Nd ")[0], re.MULTILINE)
        if not named or named[0] != page.stem:
            findings.append(f"{page.name}: its first name is not {page.stem}")
        for name in named:
            if name in names and name != page.stem:
                findings.append(f"{page.name}: {name} is in {names[name]}, too")
            names[name] = page.name
            if name not in functions and name != page.stem:
                findings.append(f"{page.name}: {name} is not declared in the header")
        for name, prototype in synopsis(text).items():
            if name not in named:
                findings.append(f"{page.name}: {name} is in the SYNOPSIS and not in the NAME")
            if functions.get(name) != prototype:
                findings.append(f"{page.name}: {name} is not declared like that")
        findings += [f"{page.name}: {name} is in the NAME and not in the SYNOPSIS"
                     for name in named if name in functions and name not in synopsis(text)]
        findings += [f"{page.name}: {lines[0]} is not so in the header" for lines in literal_structs(text)
                     if "\n".join(lines) not in expanded]
        for reference in re.findall(r"^\.Xr \(? ?(fd[\w-]+) (\d)", text, re.MULTILINE):
            if not (pathlib.Path(folder) / ".".join(reference)).is_file():
                findings.append(f"{page.name}: there is no {reference[0]}({reference[1]})")
        for name in sorted(set(re.findall(r"\b(?:fdpass|FDPASS)_\w+", re.sub(r"(?m)^\.Dt .*", "", text)))):
            if not re.search(rf"\b{name}\b", header) and name not in [p.stem for p in pages] \
                    and not name.endswith("_"):
                findings.append(f"{page.name}: {name} is not in the header")
    findings += [f"{name}: no page has it" for name in sorted(functions) if name not in names]
    return len(functions), len(pages), findings


if __name__ == "__main__":
    count, looked_at, found = check(*sys.argv[1:])
    others, lacking = check_others(sys.argv[2])
    if count == 0 or looked_at == 0 or others == 0:
        found.append(f"{sys.argv[1]}: no functions, or no pages")
    conclude(f"{count} functions and {looked_at} + {others} pages looked at", found + lacking)
