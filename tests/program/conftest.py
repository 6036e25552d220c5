# SPDX-License-Identifier: MIT
"""What every test gets: its own folder, its own programs, and a look at what it left behind."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from processes import adopt_orphans  # noqa: E402
from programs import FDRECV, FDSEND, Programs  # noqa: E402

IS_ROOT = os.geteuid() == 0
left_out = pytest.StashKey[int]()
failed = pytest.StashKey[bool]()


def pytest_configure(config):
    config.stash[left_out] = 0
    adopt_orphans()


def pytest_report_header():
    who = "root: every test" if IS_ROOT else "an ordinary user: without the tests that need root"
    return [f"fdsend: {FDSEND}", f"fdrecv: {FDRECV}", f"as {who}"]


def pytest_collection_modifyitems(config, items):
    if IS_ROOT:
        return
    out = [item for item in items if item.get_closest_marker("needs_root")]
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)
    config.stash[left_out] = len(out)
    if hasattr(config, "workeroutput"):  # pytest-xdist: the collection happens in its workers
        config.workeroutput["left_out"] = len(out)


def pytest_report_collectionfinish(config):
    return [] if IS_ROOT else f"{config.stash[left_out]} tests left out that need root"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[left_out] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[left_out]:
        terminalreporter.write_line(f"{config.stash[left_out]} tests left out that need root")


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
