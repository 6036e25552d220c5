#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every page of the manual has its sections. Section 3 and the header say the same: every function that fdpass.h
declares is in the NAME and the SYNOPSIS of one page, with its very types and parameters, and nothing else is; every
type and constant is on some page, by its whole name; structs are shown as they are declared; every word that an error
may have is in a page; and what a page refers to is there.

usage: manual.py FDPASS.H MAN-FOLDER WORDING.C
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


def types_and_constants(header):
    """Every other public name of a header."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.DOTALL)
    constants = re.findall(r"^#define (FDPASS_\w+) ", text, re.MULTILINE)
    for values in re.findall(r"^enum \w+ \{(.*?)\}", text, re.MULTILINE | re.DOTALL):
        constants += re.findall(r"\bFDPASS_\w+", values)
    types = re.findall(r"^(?:struct|enum) (\w+)(?: \{|;)", text, re.MULTILINE)
    return sorted({*types, *re.findall(r"^typedef .*?\(\*(\w+)\)", text, re.MULTILINE)}), sorted(set(constants))


def to_be_shown(header):
    """What a program cannot use by its name alone: structs with members, and types of functions."""
    return re.findall(r"^(struct \w+) \{|^typedef .*?(\(\*\w+\))", header, re.MULTILINE)


def words_of_errors(wording):
    """Every word for a table that struct fdpass_error may have in `text`: those that have a phrase of their own."""
    return sorted(set(re.findall(r'^\t\{FDPASS_STEP_\w+, \w+, "(\w+)",', wording, re.MULTILINE)))


def unquoted(text):
    return plain(text.strip('"'))


def synopsis(text):
    """The same of a page."""
    found = {}
    for result, name, rest in re.findall(r"^\.Ft (.*)\n\.Fo (\w+)\n((?:\.Fa .*\n)*)\.Fc$", text, re.MULTILINE):
        found[name] = unquoted(result), [unquoted(line[4:]) for line in rest.splitlines()]
    return found


def literal_structs(text):
    """Every type that a page shows."""
    for block in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL):
        lines = [shown(line) for line in block.splitlines()]
        if lines and re.match(r"(struct|enum) \w+ \{|typedef ", lines[0]):
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


def check_words(wording, folder):
    """The words that an error may have: how many, and which no page of section 3 tells."""
    words = words_of_errors(pathlib.Path(wording).read_text())
    told = set()
    for page in pathlib.Path(folder).glob("*.3"):
        told |= set(re.findall(r"^\.(?:It )?Ql (?:\( )?(\w+)", page.read_text(), re.MULTILINE))
    return len(words), [f"{word}: no page says when an error has that word" for word in words if word not in told]


def check(header, folder):
    header = pathlib.Path(header).read_text()
    functions = declared(header)
    types, constants = types_and_constants(header)
    everything, literal = "", ""
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
        for lines in literal_structs(text):
            literal += lines[0] + "\n"
            if "\n".join(lines) not in expanded:
                findings.append(f"{page.name}: {lines[0]} is not so in the header")
        for reference in re.findall(r"^\.Xr \(? ?(fd[\w-]+) (\d)", text, re.MULTILINE):
            if not (pathlib.Path(folder) / ".".join(reference)).is_file():
                findings.append(f"{page.name}: there is no {reference[0]}({reference[1]})")
        for name in sorted(set(re.findall(r"\b(?:fdpass|FDPASS)_\w+", re.sub(r"(?m)^\.Dt .*", "", text)))):
            if not re.search(rf"\b{name}\b", header) and name not in [p.stem for p in pages] \
                    and not name.endswith("_"):
                findings.append(f"{page.name}: {name} is not in the header")
        findings += [f"{page.name}: {word} is short for FDPASS_{word}"
                     for word in sorted(set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", text))) if f"FDPASS_{word}" in constants]
        everything += text
    findings += [f"{name}: no page has it" for name in sorted(functions) if name not in names]
    findings += [f"{name}: is on no page" for name in [*types, *constants] if not re.search(rf"\b{name}\b", everything)]
    findings += [f"{name}: no page shows it" for name in map("".join, to_be_shown(header)) if name not in literal]
    return len(functions), len(pages), findings


if __name__ == "__main__":
    header_file, man_folder, wording_file = sys.argv[1:]
    count, looked_at, found = check(header_file, man_folder)
    others, lacking = check_others(man_folder)
    words, untold = check_words(wording_file, man_folder)
    if 0 in (count, looked_at, others, words):
        found.append(f"{header_file}: no functions, no pages, or no words")
    conclude(f"{count} functions and {looked_at} + {others} pages looked at", found + lacking + untold)
