# SPDX-License-Identifier: MIT
"""The programs in EXAMPLES of the manual's section 3: each is complete, compiles as C99 without a warning, and
writes what the comment lines before its literal block say:

    .\\" example: C
    .\\" shows: a line of its standard output
"""

import os
import pathlib
import shlex
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAN = ROOT / "man"
COMPILER = shlex.split(os.environ.get("LIBFDPASS_CC", "cc"))
LIBRARY = shlex.split(os.environ.get("LIBFDPASS", str(ROOT / "build/lib/libfdpass.a")))
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]

sys.path.insert(0, str(ROOT / "tests/meta"))
import pages  # noqa: E402 (it is in another folder)


def examples():
    for page in sorted(MAN.glob("*.3")):
        for section, comments, number, lines in pages.literal_blocks(page.read_text()):
            if section == "EXAMPLES":
                yield page.name, number, comments, lines


def test_every_page_has_one():
    assert {name for name, *_ in examples()} == {page.name for page in MAN.glob("*.3")} != set()


@pytest.mark.parametrize("name, number, comments, lines",
                         [pytest.param(*example, id=f"{example[0]}-{example[1]}") for example in examples()])
def test_example(tmp_path, name, number, comments, lines):
    assert comments[:1] == ["example: C"], f"{name}:{number}: what is this?"
    assert all(comment.startswith("shows: ") for comment in comments[1:])
    source = tmp_path / "example.c"
    source.write_text("\n".join(lines) + "\n")
    made = subprocess.run([*COMPILER, *STRICT, f"-I{ROOT / 'include'}", source, *LIBRARY, "-o", "example"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert (made.returncode, made.stderr) == (0, "")
    ran = subprocess.run(["./example"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [comment[len("shows: "):] for comment in comments[1:]]
    assert [path.name for path in tmp_path.iterdir() if path.is_socket()] == []
