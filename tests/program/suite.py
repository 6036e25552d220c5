# SPDX-License-Identifier: MIT
"""What every test gets: its own folder, its own programs, and a look at what it left behind.

The hooks and the fixture of each conftest.py.
"""

import os
import subprocess

import pytest

from holding import holding
from processes import adopt_orphans
from programs import FDRECV, FDSEND, HAS_64_BITS, Programs

IS_ROOT = os.geteuid() == 0
# unshare(1) makes the mounts private first, which fails where / is not a mount point.
CAN_MOUNT = IS_ROOT and subprocess.run(["unshare", "--mount", "true"], check=False,
                                       stderr=subprocess.DEVNULL).returncode == 0

left_out = pytest.StashKey[int]()
failed = pytest.StashKey[bool]()


def pytest_configure(config):
    config.stash[left_out] = 0
    adopt_orphans()


def pytest_report_header():
    who = "root: every test" if IS_ROOT else "an ordinary user: without the tests that need root"
    return [f"fdsend: {FDSEND}", f"fdrecv: {FDRECV}", f"as {who}"]


def lacks(item):
    """What a test needs and cannot have here."""
    return (item.get_closest_marker("needs_64_bits") and not HAS_64_BITS
            or item.get_closest_marker("needs_root") and not IS_ROOT
            or item.get_closest_marker("needs_mounts") and not CAN_MOUNT)


def pytest_collection_modifyitems(config, items):
    out = [item for item in items if lacks(item)]
    if not out:
        return
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)
    config.stash[left_out] = len(out)
    if hasattr(config, "workeroutput"):  # pytest-xdist: the collection happens in its workers
        config.workeroutput["left_out"] = len(out)


def pytest_report_collectionfinish(config):
    return f"{config.stash[left_out]} tests left out that need root, mounts or 64 bits" if config.stash[left_out] else []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[left_out] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[left_out]:
        terminalreporter.write_line(f"{config.stash[left_out]} tests left out that need root, mounts or 64 bits")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().failed:
        item.stash[failed] = True


@pytest.fixture
def programs(request, tmp_path):
    made = Programs(tmp_path)
    yield made
    made.finish(judge=not request.node.stash.get(failed, False))


@pytest.fixture
def hold(programs):
    """Starts processes that hold descriptors, see holding.py; they end with the test."""
    made = []

    def start(*arguments, **conditions):
        made.append(holding(programs, *arguments, **conditions))
        return made[-1]

    yield start
    for process in made:
        process.kill()
