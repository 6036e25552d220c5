# SPDX-License-Identifier: MIT
"""Users whose run directory is missing, somebody else's, or no directory: the message names it, and what helps.

As such a user in a user namespace, since root has a run directory of another name. With FDPASS_RUNTIME_DIR: see
test_rendezvous.py.
"""

import os

import pytest

from processes import STRANGER

pytestmark = pytest.mark.needs_namespaces
USER = 1234
AS_USER = ["unshare", "--user", f"--map-user={USER}", "--map-group=1234"]


def environment(folder):
    return {"FDPASS_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": folder}


def all_fail(programs, folder, *texts):
    """Who would make it, and who would only look into it."""
    env = environment(folder)
    programs.fails(programs.start([*AS_USER, programs.fdrecv_path, "-f", "0", "name", "--run", "cat"], env=env), 125,
                   "fdrecv: ", *texts)
    programs.fails(programs.start([*AS_USER, programs.fdfwd_path, "name", "./to"], env=env), 1, "fdfwd: ", *texts)
    programs.fails(programs.start([*AS_USER, programs.fdsend_path, "-f", "0", "name"], env=env), 1, "fdsend: ", *texts)


def missing(_programs, folder):
    assert not folder.exists()


def plain_file(_programs, folder):
    folder.write_text("")


def dangling(_programs, folder):
    folder.symlink_to("nowhere")


def loop(_programs, folder):
    folder.symlink_to(folder.name)


def closed(_programs, folder):
    folder.mkdir(mode=0)
    if os.geteuid() == 0:  # who is USER inside, and owns it
        os.chown(folder, STRANGER, STRANGER)


@pytest.mark.parametrize("make", [missing, plain_file, dangling, loop, closed], ids=lambda make: make.__name__)
def test_what_cannot_be_used(programs, make):
    folder = programs.folder / "xdg"
    make(programs, folder)
    all_fail(programs, str(folder), f"{folder}/fdsend/name: ")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702], ids=oct)
def test_too_open(programs, mode):
    folder = programs.folder / "xdg"
    (folder / "fdsend").mkdir(parents=True)
    (folder / "fdsend").chmod(mode)
    all_fail(programs, str(folder), f"{folder}/fdsend/name: ", "not safe", "others may write", "FDPASS_RUNTIME_DIR")
    assert os.listdir(folder / "fdsend") == []


def test_a_link_in_its_place(programs):
    folder = programs.folder / "xdg"
    folder.mkdir()
    (folder / "real").mkdir(mode=0o700)
    (folder / "fdsend").symlink_to("real")
    all_fail(programs, str(folder), f"{folder}/fdsend/name: ", "FDPASS_RUNTIME_DIR")
    assert os.listdir(folder / "real") == []


@pytest.mark.parametrize("folder", [None, "", "relative"], ids=str)
def test_without_xdg_runtime_dir(programs, folder):
    """Nobody has logged in: no /run/user/UID, and what helps."""
    assert not os.path.exists(f"/run/user/{USER}")
    all_fail(programs, folder, f"/run/user/{USER}/fdsend/name: ", "FDPASS_RUNTIME_DIR")


def test_who_waits_finds_it_when_it_comes(programs):
    folder = programs.folder / "xdg"
    env = environment(str(folder))
    sender = programs.start([*AS_USER, programs.fdsend_path, "-b", "-f", "5", "name"], env=env,
                            fds={5: programs.text("sent")}).settle()
    folder.mkdir(mode=0o700)
    receiver = programs.start([*AS_USER, programs.fdrecv_path, "-f", "0", "name", "--run", "cat"], env=env)
    programs.succeeds(sender)
    assert programs.succeeds(receiver) == "sent"
    assert os.stat(folder / "fdsend").st_mode & 0o7777 == 0o700


@pytest.mark.parametrize("script, text", [("mount -t tmpfs none /run", None),
                                          ("mount -t tmpfs -o ro none /run", "Read-only file system"),
                                          ("mount -t tmpfs -o nr_inodes=1 none /run", "No space left on device")],
                         ids=["fresh", "read-only", "full"])
def test_run_of_root(programs, sandbox, script, text):
    """/run as a container has it: empty; or as nobody wants it."""
    inside = sandbox(script)
    env = {"FDPASS_RUNTIME_DIR": None}
    if text is None:
        receiver = inside.fdrecv("-f", "0", "name", "--run", "cat", env=env)
        programs.succeeds(inside.fdsend("-f", "5", "name", env=env, fds={5: programs.text("sent")}))
        assert programs.succeeds(receiver) == "sent"
        return
    help_ = ("/run/fdsend/name: ", text, "FDPASS_RUNTIME_DIR")
    programs.fails(inside.fdrecv("-f", "0", "name", "--run", "cat", ready=None, env=env), 125, *help_)
    programs.fails(inside.fdfwd("name", "./to", ready=None, env=env), 1, *help_)
