# SPDX-License-Identifier: MIT
"""Draws cost against number of descriptors, with gnuplot where it is installed."""

import shutil
import subprocess

SETTINGS = """
set terminal svg size 800,560 font "sans,13" background "white"
set output "{output}"
set title "What one message, and one handover between programs started fresh, costs"
set xlabel "descriptors"
set ylabel "microseconds"
set logscale xy
set xrange [0.9:12000]
set xtics (1, 4, 16, 64, 253, "1,000" 1000, "10,000" 10000)
set grid
set key left top
"""


def script(lines, output):
    """What gnuplot is told. `lines`: {label: [(count, nanoseconds), ...]}."""
    text = SETTINGS.format(output=output.replace("\\", "\\\\").replace('"', '\\"'))
    for number, points in enumerate(lines.values()):
        data = "".join(f"{count} {ns / 1000:.3f}\n" for count, ns in points)
        text += f"$line{number} << END\n{data}END\n"
    # A pair has one colour: ours filled, the baseline hollow and dashed.
    styles = [f'$line{n} with linespoints linewidth 2 linecolor {n // 2 + 1} '
              f'pointtype {6 if n % 2 else 7} dashtype {2 if n % 2 else 1} title "{label}"'
              for n, label in enumerate(lines)]
    return text + "plot " + ", ".join(styles) + "\n"


def plot(lines, output):
    """Draws; returns what to tell the user."""
    gnuplot = shutil.which("gnuplot")
    if gnuplot is None:
        return "no plot: gnuplot is not installed (Debian: gnuplot-nox)"
    run = subprocess.run([gnuplot], input=script(lines, output), capture_output=True, text=True)
    if run.returncode != 0:
        return f"no plot: gnuplot failed: {run.stderr.strip()}"
    return f"plot: {output}"
