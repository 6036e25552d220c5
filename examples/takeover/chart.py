# SPDX-License-Identifier: MIT
"""Shows what becomes of a load while it goes on, and several outcomes side by side; in 80 columns."""
import statistics
import typing

LABEL, CELL, BAR = 13, 22, 10  # columns


class Outcome(typing.NamedTuple):
    name: str
    answered: list  # by each server
    failed: list  # while each was replaced
    kinds: dict  # of failures, with their counts
    seconds: list  # from the beginning of a replacement until the old server has ended and the new one answers
    longest: float  # seconds of the slowest request

    def failures(self):
        return sum(self.kinds.values())

    def rate(self):
        share = self.failures() / (self.failures() + sum(self.answered))
        return f"{self.failures()}, {share:.1%} of all" if share else "0"


class Chart:
    """Colours only on a terminal; ASCII where there is nothing else."""

    def __init__(self, stream):
        self.stream = stream
        utf8 = (stream.encoding or "").lower() in ("utf-8", "utf8")
        self.levels = " ▏▎▍▌▋▊▉█" if utf8 else " #"
        self.cross = "✗" if utf8 else "!"
        self.colours = stream.isatty()

    def print(self, text="", end="\n"):
        print(text, end=end, file=self.stream, flush=True)

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def dim(self, text):
        return self.paint(2, text)

    def verdict(self, count, text):
        return self.paint(31 if count else 32, text)

    def typed(self, terminal, command):
        self.print(f"  {self.dim(terminal)} $ {command}")
        if terminal == "C":
            self.print("      ", end="")

    def dot(self):
        self.print(".", end="")

    def done(self, outcome):
        self.print(f" {sum(outcome.answered)} requests answered, "
                   + self.verdict(outcome.failures(), f"{outcome.failures()} failed") + "\n")
        return outcome

    def note(self, *lines):
        self.print()
        for line in lines:
            self.print("  " + self.dim(line))

    def bar(self, value, most):
        full = len(self.levels) - 1
        whole, part = divmod(round(BAR * full * value / most), full)
        return (self.levels[-1] * whole + self.levels[part].strip()).ljust(BAR)

    def row(self, label, cells):
        self.print((self.dim(label.rjust(LABEL - 2)) + "  " + "".join(cells)).rstrip())

    def table(self, outcomes):
        most = max(max(outcome.answered) for outcome in outcomes)
        self.row("", [self.paint(1, outcome.name.ljust(CELL)) for outcome in outcomes])
        for number in range(len(outcomes[0].answered)):
            cells = []
            for outcome in outcomes:
                answered, failed = outcome.answered[number], outcome.failed[number]
                mark = f"{self.cross}{failed}" if failed else ""
                cells.append(f"{self.bar(answered, most)}{answered:5} "
                             + self.verdict(failed, mark.ljust(CELL - BAR - 6)))
            self.row(f"server {number + 1}", cells)
        self.print()

        def sums(label, text):
            self.row(label, [text(outcome).ljust(CELL) for outcome in outcomes])

        sums("answered", lambda outcome: str(sum(outcome.answered)))
        self.row("failed", [self.verdict(outcome.failures(), outcome.rate().ljust(CELL)) for outcome in outcomes])
        for kind in sorted({kind for outcome in outcomes for kind in outcome.kinds}):
            sums(kind, lambda outcome: str(outcome.kinds.get(kind, "")))
        sums("replaced in", lambda outcome: f"{statistics.median(outcome.seconds):.2f} s"
                                            f", at most {max(outcome.seconds):.2f}")
        sums("slowest", lambda outcome: f"{outcome.longest:.2f} s")
