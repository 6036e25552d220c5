# SPDX-License-Identifier: MIT
"""Odd umasks: what is made has its mode all the same, and the command gets the umask back."""

import os
import stat

import pytest


@pytest.mark.parametrize("umask", [0o000, 0o277, 0o777, 0o022], ids=oct)
def test_all_three(programs, umask):
    """Through a relay, under names in a run directory that is made for it."""
    listing, read = programs.listing()
    relay = programs.fdfwd("-b", "from", "to", umask=umask)
    for path, mode in ((programs.runtime, 0o700), (programs.named("from"), 0o600)):
        assert stat.S_IMODE(os.lstat(path).st_mode) == mode
    receiver = programs.fdrecv("-f", "3,4", "to", "--run", "sh", "-c", 'umask; umask 022; exec "$@"', "sh", *listing,
                               umask=umask)
    assert stat.S_IMODE(os.lstat(programs.named("to")).st_mode) == 0o600
    programs.succeeds(programs.fdsend("-f", "5", "--listen", "unix:./made", "from", umask=umask,
                                      fds={5: programs.text("")}), relay)
    assert int(programs.succeeds(receiver), 8) == umask
    assert set(read()["fds"]) == {0, 1, 2, 3, 4}
    assert stat.S_IMODE(os.lstat(programs.path("made")).st_mode) == 0o600
    os.unlink(programs.path("made"))
