# SPDX-License-Identifier: MIT
"""What is announced is one string of the environment, and execve(2) takes none that is longer than 32 pages: what
would make it longer is refused before anybody hears that it was accepted, and the wait goes on."""

import resource

from test_names import hand_over, refuses

MOST = 32 * resource.getpagesize()  # with the NUL, MAX_ARG_STRLEN
TOO_LONG = f"would be too long: {MOST + 1} bytes, and execve(2) takes {MOST}"
# How many names of 255 bytes LISTEN_FDNAMES has room for, each with a ':' or the NUL, and how much is left
FULL, LEFT = divmod(MOST - len("LISTEN_FDNAMES="), 256)


def named(*lengths):
    """Words that send stdin under names of these lengths; no word is too long itself."""
    names = ["x" * length + "=0" for length in lengths]
    return [word for first in range(0, len(names), 100) for word in ("-f", ",".join(names[first:first + 100]))]


def test_names(programs):
    """As much as fits is announced. A byte more is refused before a descriptor is taken."""
    names = [255] * FULL
    refuses(programs, ["-l"], named(*names, LEFT), {}, "LISTEN_FDNAMES " + TOO_LONG)
    report = hand_over(programs, ["-l"], named(*names, LEFT - 1), {})
    assert len(report["environment"]["LISTEN_FDNAMES"]) == FULL * 256 + LEFT - 1


def test_names_of_several_handovers(programs):
    """Those that came before count as well; and something shorter is taken then."""
    command, read = programs.listing()
    receiver = programs.fdrecv("-l", "one", "-l", "two", "--run", *command)
    programs.succeeds(programs.fdsend(*named(*[255] * 100), "two"))
    programs.fails(programs.fdsend(*named(*[255] * (FULL - 100), LEFT), "one"), 1,
                   "the receiver refused: LISTEN_FDNAMES " + TOO_LONG)
    programs.succeeds(programs.fdsend(*named(*[255] * (FULL - 100), LEFT - 1), "one"))
    programs.succeeds(receiver)
    assert len(read()["environment"]["LISTEN_FDNAMES"]) == FULL * 256 + LEFT - 1


def test_numbers(programs):
    """The same for a variable of one's own."""
    variable = "V" * (MOST - len("=3,4"))
    refuses(programs, ["-E", variable], ["-f", "0,0"], {}, variable[:100])
    assert hand_over(programs, ["-E", variable], ["-f", "0"], {})["environment"][variable] == "3"


def test_numbers_that_something_else_moves(programs):
    """From 9 up, once there are six others below."""
    variable = "V" * (MOST - len("=8,9") - 1)
    command, read = programs.listing()
    receiver = programs.fdrecv("-E", variable, "own", "-l", "others", "--run", *command)
    programs.succeeds(programs.fdsend("-f", "0,0", "own"))
    programs.fails(programs.fdsend("-f", "0,0,0,0,0,0", "others"), 1, "the receiver refused: VVV")
    programs.succeeds(programs.fdsend("-f", "0,0,0,0,0", "others"))
    assert receiver.wait().status == 0
    assert read()["environment"][variable] == "8,9"
