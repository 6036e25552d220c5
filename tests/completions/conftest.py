# SPDX-License-Identifier: MIT
"""Tests of the completions, on the same footing as the tests of the programs."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "program"))

from suite import *  # noqa: E402, F401, F403
