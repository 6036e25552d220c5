# SPDX-License-Identifier: MIT
"""The recipes of docs/recipes.md that need a real server are run as they stand there, under load.

Of each, the first block that is typed is a server, and the second one replaces it.
"""

import os
import signal

import pytest

from addresses import Address
from families import ended, heeds, tree
from loading import Load
from namespaces import network
from processes import until
from test_man_examples import Terminal, judge_what_is_left, place
from test_recipes import RECIPES, SERVERS

PORT = Address("tcp:127.0.0.1:8080")
STEP = 50
# What the processes of each are, besides the shell that it was typed into, and the signal that ends it.
PROCESSES = {"nginx": 3, "gunicorn": 3, "node": 1}
END = {"nginx": signal.SIGQUIT, "gunicorn": signal.SIGTERM, "node": signal.SIGKILL}


def test_all_that_need_a_server_are_here():
    assert set(SERVERS.values()) == set(PROCESSES) == set(END)
    assert {name for name, blocks in RECIPES.items() if any(block.needs for block in blocks)} == set(SERVERS)


class Typed:
    """A server that was typed into a shell."""

    def __init__(self, programs, block, folder, env):
        self.needs = block.needs
        self.terminal = Terminal(programs, block, folder, env)

    def pids(self):
        return tree(self.terminal.process.pid)[1:]

    def is_ready(self):
        """All of it is there; gunicorn's workers, and nobody else in it, heed SIGABRT when they heed the rest."""
        pids = self.pids()
        return len(pids) == PROCESSES[self.needs] and (
            self.needs != "gunicorn" or all(heeds(pid, signal.SIGABRT) for pid in pids[1:]))

    def await_readiness(self):
        until(self.is_ready, f"{self.needs} is ready")


def answers(programs, label):
    """To a client in the same network, who waits until somebody listens."""
    client = programs.shell("curl -sS --retry 30 --retry-connrefused --retry-delay 1 http://127.0.0.1:8080/")
    assert client.wait().stdout == label, client


@pytest.mark.needs_root
@pytest.mark.parametrize("name", SERVERS)
def test_recipe(programs, name):
    blocks = RECIPES[name]
    first, second = (block for block in blocks if not block.file)
    with network(programs) as prefix:
        start = programs.start
        programs.start = lambda argv, **conditions: start([*prefix, *argv], **conditions)
        folder, env = place(programs, blocks)
        for block in blocks:
            if block.file:
                (folder / block.file).write_text(block.text)
        old = Typed(programs, first, folder, env)
        label = f"hello from {old.needs}\n"
        answers(programs, label)
        load = Load(programs, PORT, "--step", str(STEP))
        load.hears(label, STEP)
        old.await_readiness()
        pids = old.pids()
        new = Typed(programs, second, folder, env)
        until(lambda: ended(pids), "the old one has ended")
        old.terminal.judge()
        answers(programs, label)
        heard, failures, _ = load.report()
        assert set(heard) == {label} and failures == {}
        judge_what_is_left(programs, blocks, folder)
        new.await_readiness()
        os.kill(new.pids()[0], END[new.needs])
        new.terminal.judge()
        programs.start = start
