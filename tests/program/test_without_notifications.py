# SPDX-License-Identifier: MIT
"""No inotify watch, or no instance, is left for this user: who waits looks again by itself, within about a second."""

import os
import signal

import pytest

pytestmark = pytest.mark.needs_namespaces
NONE_LEFT = ["max_inotify_watches", "max_inotify_instances"]


@pytest.fixture(params=NONE_LEFT)
def inside(request, sandbox):
    return sandbox(f"echo 0 >/proc/sys/user/{request.param}")


@pytest.mark.parametrize("path", ["./socket", "./deep/er/socket"])
def test_fdsend_waits_for_a_receiver(programs, inside, path):
    sender = inside.fdsend("-v", "-b", "-t", "30", "-f", "5", path, fds={5: programs.text("sent")})
    sender.said("waiting for a receiver")
    os.makedirs(os.path.dirname(programs.path(path)), exist_ok=True)
    receiver = inside.fdrecv("-f", "0", path, "--run", "cat")
    assert sender.wait().status == 0
    assert programs.succeeds(receiver) == "sent"


def test_fdfwd_waits_for_a_receiver(programs, inside):
    relay = inside.fdfwd("-v", "-b", "-t", "30", "./from", "./to")
    sender = inside.fdsend("-f", "5", "./from", fds={5: programs.text("sent")})
    relay.said("waiting for a receiver")
    receiver = inside.fdrecv("-f", "0", "./to", "--run", "cat")
    programs.succeeds(sender)
    assert relay.wait().status == 0
    assert programs.succeeds(receiver) == "sent"


def test_it_does_not_spin(inside):
    """Pauses, and not one look after the other."""
    sender = inside.fdsend("-b", "-f", "0", "./socket").settle()
    before = sender.cpu_ticks()
    sender.lasts(1)
    assert sender.cpu_ticks() - before <= 10  # hundredths of a second
    sender.signal(signal.SIGTERM)
    assert sender.wait().status == -signal.SIGTERM
