# SPDX-License-Identifier: MIT
"""Replaces a server under load twenty times with fdrecv, as `make demo` does, and prints what became of the requests.

usage: replacements.py (with fdrecv in PATH)

Prints {"answered": …, "failed": …, "longest": seconds}, or null where the kernel lets nobody take anything.
"""
import json
import os
import pathlib
import sys

sys.dont_write_bytecode = True  # nothing is written into the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples/takeover"))
from chart import Chart  # noqa: E402
from stage import Failed, Interrupted, adopt_orphans, catch_signals  # noqa: E402
from takeover import WAYS, play, refusal  # noqa: E402


def main():
    if refusal():
        print("null")
        return 0
    adopt_orphans()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        try:
            outcome = play(WAYS[0], catch_signals(), Chart(nowhere))
        except Interrupted as interrupted:
            return 128 + interrupted.args[0]
        except Failed as failed:
            print(f"replacements: {failed}", file=sys.stderr)
            return 2
    print(json.dumps({"answered": sum(outcome.answered), "failed": outcome.failures(), "longest": outcome.longest}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
