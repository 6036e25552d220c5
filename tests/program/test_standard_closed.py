# SPDX-License-Identifier: MIT
"""0 to 2 closed in every combination: what is opened meanwhile is on none of them, so that no message gets into it.

That placement copes with it is in test_placement.py.
"""

import itertools
import os

import pytest

from programs import identity

CLOSED = [set(some) for size in range(4) for some in itertools.combinations((0, 1, 2), size)]


def closing(closed, **fds):
    return {"fds": {**{number: None for number in closed}, **{int(name[1:]): fd for name, fd in fds.items()}}}


def said(process, closed, text):
    """Whether it said this, where it could say something."""
    stderr = process.wait().stderr
    return stderr == "" if 2 in closed else text in stderr


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_fdfwd_relays(programs, closed):
    given = programs.file("given", "hello")
    listing, read = programs.listing()
    receiver = programs.fdrecv("-f", "5", "./to", "--run", *listing)
    relay = programs.fdfwd("-v", "./from", "./to", **closing(closed))
    programs.succeeds(programs.fdsend("-f", "7", "./from", fds={7: given}), receiver)
    assert relay.wait().status == 0 and said(relay, closed, "received 1")
    assert read()["fds"][5]["identity"] == identity(given)
    assert (programs.folder / "given").read_text() == "hello"


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_fdfwd_fails(programs, closed):
    relay = programs.fdfwd("-v", "./missing/from", "./to", ready=None, **closing(closed))
    assert relay.wait().status == 1 and said(relay, closed, "fdfwd: ./missing/from: ")


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_fdsend_opens_and_fails(programs, closed):
    """The file that it opens would be the first closed number, and the message in it."""
    programs.close(programs.file("opened", "hello"))
    sender = programs.fdsend("-v", "--open", "opened", "--mode", "r+", "./nobody", **closing(closed))
    assert sender.wait().status == 1 and said(sender, closed, "fdsend: ./nobody: ")
    assert (programs.folder / "opened").read_text() == "hello"


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_fdsend_gives_what_it_opens(programs, closed):
    programs.close(programs.file("opened", "hello"))
    receiver = programs.fdrecv("-f", "0,3", "./socket", "--run", "cat")
    sender = programs.fdsend("-v", "--open", "opened", "--mode", "r+", "--listen", "unix:./made", "./socket",
                             **closing(closed))
    assert sender.wait().status == 0 and said(sender, closed, "sent")
    assert programs.succeeds(receiver) == "hello"
    assert (programs.folder / "opened").read_text() == "hello"
    os.unlink(programs.path("made"))


@pytest.mark.parametrize("number", ["0", "1", "2"])
def test_closed_numbers_are_not_sent(programs, number):
    """Whatever the program has put there for itself."""
    sender = programs.fdsend("-f", number, "./nobody", fds={int(number): None})
    assert sender.wait().status == 1 and said(sender, {int(number)}, f"descriptor {number} is not open")


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_fdrecv_fails_after_it_has_placed(programs, closed):
    """Onto 2, where the message that the command cannot run must not go."""
    strange = programs.folder / "strange"
    strange.write_text("#!/no/such/interpreter\n")
    strange.chmod(0o755)
    given = programs.file("given", "hello")
    receiver = programs.fdrecv("-f", "2,1,0", "./socket", "--run", "./strange", **closing(closed))
    sender = programs.fdsend("-f", "7,7,7", "./socket", fds={7: given})
    assert sender.wait().status == 0
    assert receiver.wait().status == 127 and said(receiver, closed, "./strange")
    assert (programs.folder / "given").read_text() == "hello"


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_fdrecv_fails_before(programs, closed):
    receiver = programs.fdrecv("-v", "-f", "0", "./missing/socket", "--run", "cat", ready=None, **closing(closed))
    assert receiver.wait().status == 125 and said(receiver, closed, "fdrecv: ./missing/socket: ")


@pytest.mark.parametrize("closed", CLOSED, ids=str)
@pytest.mark.parametrize("word", ["--version", "--help"])
def test_nothing_is_said_into_the_void(programs, word, closed):
    """What was asked for is on stdout, or the status tells."""
    for path, status in ((programs.fdsend_path, 1), (programs.fdrecv_path, 125), (programs.fdfwd_path, 1)):
        process = programs.start([path, word], **closing(closed))
        assert process.wait().status == (status if 1 in closed else 0)
        assert 1 not in closed or said(process, closed, "standard output")
