#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the sweeps of the last `meson test` tried, as a short table: meson says nothing of tests that pass.

usage: figures.py BUILD

It is read from the log of that very run, so that a sweep which did not run has no figures.
"""

import json
import pathlib
import re
import sys

SWEEPS = {  # name of the test: what is said of it
    "failing": "calls of the library that fail",
    "faults": "system calls of the programs that fail",
    "kills": "programs that are killed",
    "zoo": "peers that misbehave",
}
FIGURES = re.compile(r"^[^:\n]+: (\d+ tried .*)$", re.MULTILINE)
REPLAYED = re.compile(r"^(\d+) files$", re.MULTILINE)


def runs(build):
    """(name, suite, what it wrote), of each test that passed."""
    log = pathlib.Path(build, "meson-logs/testlog.json")
    if log.exists():
        for run in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
            suite, _, name = run["name"].rpartition(" / ")
            if run["result"] == "OK":
                yield name, suite, run.get("stdout", "")


def main(build):
    found, files, corpora = {}, 0, 0
    for name, suite, text in runs(build):
        if name in SWEEPS and (figures := FIGURES.search(text)):
            found[name] = figures.group(1)
        elif suite.endswith("fuzz") and (replayed := REPLAYED.search(text)):
            files += int(replayed.group(1))
            corpora += 1
    print("\nSweeps")
    for name, what in SWEEPS.items():
        print(f"  {what}: {found.get(name, 'did not run, or did not pass')}")
    print(f"  made-up input: {files} files of {corpora} corpora replayed" if corpora else
          "  made-up input: did not run, or did not pass")


if __name__ == "__main__":
    main(*sys.argv[1:])
