#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGKILL, SIGTERM, and SIGSTOP with SIGKILL after it, before each system call of every program, and at random times.

usage: kills.py [options] [SCENARIO...]

A signal at call N+1 is one after call N, and the last call of all is the one that ends the program.
"""

import argparse
import itertools
import random
import signal
import sys

import injecting
import sweep

SIGNALS = ("KILL", "TERM", "STOP")
LATEST = 30000  # microseconds: most handovers are over by then, with a tracer


def cases(options, scenario, role, points):
    """With --everything each signal at each call; else they take turns."""
    turn = itertools.cycle(SIGNALS)
    for point in points:
        for name in SIGNALS if options.everything else [next(turn)]:
            yield sweep.Case(scenario, role, f"{point.call}:signal={name}:when={point.number}")
    for _ in range(options.random):
        number = random.choice([signal.SIGKILL, signal.SIGTERM])
        yield sweep.Case(scenario, role, None, (random.randrange(LATEST), number))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sweep.common_options(parser)
    parser.add_argument("--random", type=int, default=10, help="how many at random times, for each program of a scenario")
    options = parser.parse_args()
    options.title = "kills"
    if options.everything:
        options.random *= 5
    injecting.LEFT_OUT -= {"close", "execve", "munmap", "exit_group"}
    return sweep.sweep(options, lambda *words: list(cases(options, *words)))


if __name__ == "__main__":
    sys.exit(main())
