#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every system call of every program fails in turn, once and for ever, and what must hold still holds.

usage: faults.py [options] [SCENARIO...]
"""

import argparse
import itertools
import sys

import injecting
import sweep


def cases(options, scenario, role, points):
    """With --everything each error of each call; else the errors take turns, two for each call."""
    turn = itertools.count()
    for point in points:
        errors = injecting.errors_of(point.call)
        lasting = [error for error in errors if error not in injecting.ONCE_ONLY]
        once = errors if options.everything else [errors[next(turn) % len(errors)]]
        ever = lasting if options.everything else [lasting[next(turn) % len(lasting)]]
        for error, how in [*((error, "") for error in once), *((error, "+") for error in ever)]:
            yield sweep.Case(scenario, role, f"{point.call}:error={error}:when={point.number}{how}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sweep.common_options(parser)
    options = parser.parse_args()
    options.title = "system calls that fail"
    return sweep.sweep(options, lambda *words: list(cases(options, *words)))


if __name__ == "__main__":
    sys.exit(main())
