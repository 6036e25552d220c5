#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The public header compiles alone, without any define and without a warning, as C and as C++, from
the oldest dialects promised to newer ones; and so do its initialisers.

usage: header.py FDPASS.H      ($CC and $CXX choose other compilers than cc and c++)
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from findings import conclude

DIALECTS = (
    ("CC", "cc", "c", "c99"),
    ("CC", "cc", "c", "c11"),
    ("CC", "cc", "c", "gnu17"),
    ("CXX", "c++", "c++", "c++17"),
    ("CXX", "c++", "c++", "c++20"),
)
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Werror", "-fsyntax-only"]


def program(header):
    """A program that includes the header twice and uses each FDPASS_X_INIT for its struct fdpass_x."""
    text = pathlib.Path(header).read_text()
    lines = [f'#include "{pathlib.Path(header).resolve()}"'] * 2
    lines.append("int main(void)\n{")
    for name in re.findall(r"#define\s+FDPASS_(\w+)_INIT\b", text):
        variable = name.lower()
        lines.append(f"\tstruct fdpass_{variable} {variable} = FDPASS_{name}_INIT;")
        lines.append(f"\t(void){variable};")
    lines.append("\treturn 0;\n}\n")
    return "\n".join(lines)


def check(header):
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "program"
        source.write_text(program(header))
        for variable, default, language, dialect in DIALECTS:
            compiler = shlex.split(os.environ.get(variable, default))
            run = subprocess.run([*compiler, f"-std={dialect}", *STRICT, "-x", language, str(source)],
                                 capture_output=True, text=True)
            if run.returncode != 0:
                findings.append(f"{compiler[0]} -std={dialect}:\n{run.stderr.rstrip()}")
    return len(DIALECTS), findings


if __name__ == "__main__":
    count, found = check(sys.argv[1])
    conclude(f"{count} dialects tried", found)
