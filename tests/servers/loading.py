# SPDX-License-Identifier: MIT
"""The load generator as a process of a test."""

import json
import os
import signal
import sys

LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.py")
KEPT = ["--keep-alive"]
MODES = [[], KEPT]


class Load:
    """At least 32 clients; from the moment that this is made until report()."""

    def __init__(self, programs, address, *options):
        self.process = programs.start([sys.executable, "-E", "-s", "-S", "-B", LOAD, *options, address.text])

    def hears(self, generation, count=1):
        """Waits until that generation has given so many answers: 1, or --step times a power of two."""
        self.process.said(f"{generation}: {count}\n", number=1)

    def fails(self, reason, count=1):
        self.hears(f"! {reason}", count)

    def report(self):
        """Ends it. Answers, failures, and how many requests were repeated."""
        self.process.signal(signal.SIGTERM)
        result = self.process.wait()
        assert result.status == 0 and result.stderr == "", result
        told = json.loads(result.stdout.splitlines()[-1])
        return told["answers"], told["failures"], told["repeated"]
