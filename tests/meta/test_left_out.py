# SPDX-License-Identifier: MIT
"""ci/left-out fails when a test that must run did not, however it was left out."""

import json
import os
import subprocess
from pathlib import Path

import pytest

LEFT_OUT = Path(__file__).resolve().parents[2] / "ci" / "left-out"
FINE = {"name": "fine", "result": "OK", "stdout": "100%: Checks: 7, Failures: 0, Errors: 0\n"}


def judge(folder, *results, flavour="gcc"):
    (folder / "meson-logs").mkdir()
    (folder / "meson-logs" / "testlog.json").write_text("".join(json.dumps(result) + "\n" for result in results))
    return subprocess.run([LEFT_OUT, folder, flavour], capture_output=True, text=True, check=False)


def test_nothing_was_left_out(tmp_path):
    done = judge(tmp_path, FINE, FINE)
    assert (done.returncode, done.stdout) == (0, "gcc: 2 test programs ran\n")


def of_pytest(line):
    return {"name": "programs", "result": "OK", "stdout": f"....\n{line}\n"}


@pytest.mark.parametrize("result, text", [
    ({"name": "format", "result": "SKIP", "stdout": ""}, "skipped: format"),
    ({"name": "format", "result": "SKIP", "stdout": "left out: clang-format 14: the format\n"},
     "clang-format 14: the format"),
    (of_pytest("1952 passed, 1 skipped in 301.20s (0:05:01)"), "1 skipped: programs"),
    (of_pytest("==== 5 passed, 2 xfailed in 1.20s ===="), "2 xfailed: programs"),
    (of_pytest("left out: not selected: 12 tests\n5 passed in 1.20s"), "not selected: 12 tests"),
    (of_pytest("left out: 64 bits: test_x.py::test_y\n5 passed in 1.20s"), "64 bits: test_x.py::test_y"),
    ({"name": "rule", "result": "OK", "stdout": "100%: Checks: 0, Failures: 0, Errors: 0\n"}, "Checks: 0: rule"),
    ({"name": "rule", "result": "OK", "stdout": "left out: user namespaces: in_a_namespace\n"}, "in_a_namespace"),
], ids=str)
def test_what_must_run(tmp_path, result, text):
    done = judge(tmp_path, FINE, result)
    assert done.returncode == 1 and text in done.stderr


def test_what_is_expected(tmp_path):
    done = judge(tmp_path, of_pytest("left out: 64 bits: test_x.py::test_y\n5 passed in 1.20s"), flavour="32bit")
    assert done.returncode == 0 and "without 64 bits: 1 left out (" in done.stdout


def test_what_needs_root(tmp_path):
    done = judge(tmp_path, of_pytest("left out: root: test_x.py::test_y\n5 passed in 1.20s"))
    assert (done.returncode == 0) == (os.geteuid() != 0)


def test_no_tests_at_all(tmp_path):
    assert judge(tmp_path).returncode == 1
