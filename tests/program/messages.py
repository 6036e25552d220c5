# SPDX-License-Identifier: MIT
"""A table of failures, each with the exact words that the user gets.

Each case makes a failure happen and has its whole message in its docstring: {run} is the run directory,
{here} the folder of the test, and what a case returns beside the process is filled in as well. A message that
changes is read there by somebody who asks whether it would have helped.
"""

import inspect
import re
import signal

import pytest


class Table(list):
    """What pytest.mark.parametrize("function, status", ...) takes."""

    def case(self, status, *marks):
        """A failure, and the exit status that goes with it."""
        def add(function):
            self.append(pytest.param(function, status, id=function.__name__, marks=marks))
            return function
        return add


needs_root = pytest.mark.needs_root
needs_glibc = pytest.mark.needs_glibc  # has other words


def message_of(function):
    """A line of the docstring that ends with a backslash goes on in the next one."""
    text = re.sub(r"\\\n\s*", "", function.__doc__)
    return inspect.cleandoc(text) + "\n"


def says(programs, hold, function, status):
    """The case fails with these words and this status; what else it has started is ended."""
    words = [programs, hold][:function.__code__.co_argcount]
    process = function(*words)
    process, facts = process if isinstance(process, tuple) else (process, {})
    facts = {"run": programs.runtime, "here": programs.folder, **facts}
    result = process.wait()
    assert result.stderr == message_of(function).format(**facts)
    assert result.status == status
    for other in programs.processes:
        if other.alive() and other.name.startswith((programs.fdrecv_path, programs.fdfwd_path)):
            other.signal(signal.SIGTERM)
            other.wait()
