#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs somebody else's project that has this one as a subproject.

usage: superproject.py SOURCE-ROOT MESON...
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile


def main(root, *meson):
    root = pathlib.Path(root).resolve()
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder) / "project"
        shutil.copytree(root / "tests/package/superproject", project)
        # What a subproject needs, and nothing else: no tests, no programs, no manual pages.
        inside = project / "subprojects/fdpass"
        inside.mkdir(parents=True)
        for name in ("meson.build", "meson_options.txt"):
            shutil.copy(root / name, inside)
        for name in ("include", "lib"):
            shutil.copytree(root / name, inside / name)
        build = pathlib.Path(folder) / "build"
        for command in (["setup", build, project], ["compile", "-C", build],
                        ["test", "-C", build, "--print-errorlogs"]):
            run = subprocess.run([*meson, *map(str, command)], capture_output=True, text=True,
                                 stdin=subprocess.DEVNULL)
            if run.returncode != 0:
                sys.exit(f"meson {command[0]}: {run.stdout}{run.stderr}")
            if "warning:" in run.stdout + run.stderr:
                sys.exit(f"meson {command[0]} warns:\n{run.stdout}{run.stderr}")
        print("built and ran, in C and in C++")


if __name__ == "__main__":
    main(*sys.argv[1:])
