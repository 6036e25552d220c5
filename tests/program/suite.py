# SPDX-License-Identifier: MIT
"""What every test gets: its own folder, its own programs, and a look at what it left behind.

The hooks and the fixture of each conftest.py.
"""

import os
import subprocess

import pytest

from holding import holding
from processes import adopt_orphans
from programs import FDRECV, FDSEND, HAS_64_BITS, HAS_GLIBC, HAS_SANITIZER, Programs
from sandbox import OWN, Sandbox

IS_ROOT = os.geteuid() == 0
# unshare(1) makes the mounts private first, which fails where / is not a mount point.
CAN_MOUNT = IS_ROOT and subprocess.run(["unshare", "--mount", "true"], check=False,
                                       stderr=subprocess.DEVNULL).returncode == 0
CAN_HAVE_NAMESPACES = subprocess.run([*OWN, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0

HAS_FCHMODAT2 = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 6)

# What a test marked needs_... needs, and whether it is here.
NEEDS = {"root": IS_ROOT, "mounts": CAN_MOUNT, "namespaces": CAN_HAVE_NAMESPACES, "64_bits": HAS_64_BITS,
         "glibc": HAS_GLIBC, "no_sanitizer": not HAS_SANITIZER, "fchmodat2": HAS_FCHMODAT2}

left_out = pytest.StashKey[list]()
failed = pytest.StashKey[bool]()


def pytest_configure(config):
    config.stash[left_out] = []
    adopt_orphans()


def pytest_report_header():
    who = "root: every test" if IS_ROOT else "an ordinary user: without the tests that need root"
    return [f"fdsend: {FDSEND}", f"fdrecv: {FDRECV}", f"as {who}"]


def lacks(item):
    """The first thing that a test needs and cannot have here."""
    return next((need for need, there in NEEDS.items() if not there and item.get_closest_marker(f"needs_{need}")), None)


def pytest_collection_modifyitems(config, items):
    out = [item for item in items if lacks(item)]
    if out:
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)


def pytest_deselected(items):
    """Here, or by pytest's own -k and the like; each function is told once, in a line for ci/left-out."""
    lines = {f"{need.replace('_', ' ')}: {item.nodeid.partition('[')[0]}" for item in items if (need := lacks(item))}
    others = sum(not lacks(item) for item in items)
    items[0].config.stash[left_out] += sorted(lines) + [f"not selected: {others} tests"] * bool(others)


def pytest_collection_finish(session):
    if hasattr(session.config, "workeroutput"):  # pytest-xdist: the collection happens in its workers
        session.config.workeroutput["left_out"] = session.config.stash[left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[left_out] = getattr(node, "workeroutput", {}).get("left_out", [])


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[left_out]:
        terminalreporter.write_line(f"left out: {line}")


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
def sandbox(programs):
    """Makes namespaces for commands, see sandbox.py; they end with the test."""
    made = []

    def make(script):
        made.append(Sandbox(programs, script))
        return made[-1]

    yield make
    for each in made:
        each.close()


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
