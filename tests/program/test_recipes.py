# SPDX-License-Identifier: MIT
"""docs/recipes.md does not lie either: every block is run as it stands there.

The comments before a block are those of test_man_examples.py, and

    before: yes     the block is typed first, before the others are; root does, where there are several users
    same: NAME      the block is the file, or the block before, of that example, and is not repeated
    needs: SERVER   a real server has part in it: tests/servers/test_server_recipes.py runs the example
    UID             in what comes out is the number of the user
"""

import os
import re
import socket
from pathlib import Path

import pytest

from namespaces import AS_STRANGER, network, with_file
from processes import STRANGER
from sshd import Sshd
from test_man_examples import Block, run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
BLOCK = re.compile(r"((?:<!-- example: (?:(?!-->).)*-->\n)+)```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(text):
    """The blocks by example, in their order; what is typed before is in the next one."""
    found, files, before = {}, {}, {}
    for match in BLOCK.finditer(text):
        comments = re.findall(r"<!-- (.*?) -->", match[1], re.DOTALL)
        lines = match[3].splitlines()
        for comment in comments:
            words = comment.replace("UID", str(os.geteuid())).split("\n")
            if "before: yes" in words:
                example, *same = (word.partition(": ")[2] for word in words if word != "before: yes")
                before[example] = before[same[0]] if same else match[3]
                continue
            same, needs = ([word.partition(": ")[2] for word in words if word.startswith(key)]
                           for key in ("same: ", "needs: "))
            block = Block(f"recipes.md: {words[0]}",
                          [word for word in words if not word.startswith(("same: ", "needs: "))],
                          files[same[0]] if same else lines)
            block.needs = needs[0] if needs else None
            assert block.before is None, f"{block.where}: what a reader needs must be seen"
            if block.example not in found:
                block.before = before.get(block.example)
            if block.file and not same:
                files[block.example] = lines
            found.setdefault(block.example, []).append(block)
    return found


RECIPES = blocks_of(PAGE.read_text(encoding="ascii"))
# What tests/servers/test_server_recipes.py runs.
SERVERS = {f"replace-{name}": name for name in ("nginx", "gunicorn", "node")}


def test_every_block_is_run():
    """By exactly one of the tests here, or by the one with real servers."""
    assert sorted([*cases(True), *cases(False), *APART, *SERVERS]) == sorted(RECIPES)
    for name, blocks in RECIPES.items():
        assert {block.needs for block in blocks} == {SERVERS.get(name)}, name
    text = PAGE.read_text(encoding="ascii")
    assert len(BLOCK.findall(text)) == text.count("```") // 2 > 10
    links = re.findall(r"^- \[(.*)\]\(#(.*)\)$", text, re.MULTILINE)
    assert [link for link, _ in links] == re.findall(r"^## (.*)$", text, re.MULTILINE)
    for link, anchor in links:
        assert anchor == re.sub(r"[^a-z0-9 -]", "", link.lower()).replace(" ", "-")


@pytest.fixture
def alone(programs):
    """In a network of its own, where port 80 is free and root's, and in a folder of the other user's."""
    programs.folder = programs.stranger_folder()
    usual = programs.environment
    programs.environment = lambda **changes: {**usual(**changes), "PATH": f"{programs.library_path}:/usr/bin:/bin"}
    with network(programs) as prefix:
        def shell(script, user=None, **conditions):
            return programs.start([*prefix, *(AS_STRANGER if user else []), "/bin/sh", "-c", script], **conditions)
        programs.shell = shell
        yield


APART = {"ssh", "sudo"}  # they have tests of their own


def cases(as_root):
    return [name for name, blocks in RECIPES.items()
            if name not in APART and not any(block.needs for block in blocks)
            and any(block.user for block in blocks) == as_root]


def marked(names):
    """What mounts something needs to be able to."""
    for name in names:
        mounts = any("unshare --mount" in f"{block.before} {block.text}" for block in RECIPES[name])
        yield pytest.param(name, marks=[pytest.mark.needs_mounts] if mounts else [])


@pytest.mark.needs_root
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", marked(cases(True)))
def test_recipe_of_two_users(programs, name):
    run(programs, RECIPES[name])


@pytest.mark.parametrize("name", marked(cases(False)))
def test_recipe(programs, name):
    run(programs, RECIPES[name])


def test_ssh_recipe(programs):
    """The configuration is in use: with it, and only for its hosts, fdsend connects."""
    block, = RECIPES["ssh"]
    sshd = Sshd(programs)
    (sshd.folder / "config").write_text(block.text + "Host *\n" + sshd.config.read_text())
    echo = programs.closes(socket.create_server(("127.0.0.1", 0)))
    words = ["-o", "LogLevel=DEBUG", "-o", "HostName=127.0.0.1"]
    for host, used in (("host.example.com", True), ("host.example.net", False)):
        result = sshd.through(echo, *words, host=host, config=sshd.folder / "config").wait()
        assert (result.status, result.stdout) == (0, "through")
        assert (f"fdsend --timeout 10 --connect tcp:[127.0.0.1]:{sshd.port} -c 1" in result.stderr) == used
    sshd.close()


def as_sudo_finds_them(programs):
    """A folder with the programs for sudo, which keeps no LD_LIBRARY_PATH."""
    folder = programs.folder.parent / "for-sudo"
    folder.mkdir()
    (folder / "fdsend").write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={programs.library_path} exec '
                                   f'{programs.fdsend_path} "$@"\n')
    (folder / "fdsend").chmod(0o755)
    return folder


@pytest.mark.needs_root
@pytest.mark.needs_mounts
@pytest.mark.usefixtures("alone")
def test_sudo_recipe(programs):
    """sudo itself, with rules of this test's own."""
    rules = (f"Defaults secure_path={as_sudo_finds_them(programs)}\n"
             f"#{STRANGER} ALL=(root) NOPASSWD: ALL\n")
    prefix = with_file(programs, "/etc/sudoers", rules)
    start = programs.start
    programs.start = lambda argv, **conditions: start([*prefix, *argv], **conditions)
    run(programs, RECIPES["sudo"])
