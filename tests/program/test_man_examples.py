# SPDX-License-Identifier: MIT
"""The manual pages do not lie: every example in them is run as it stands there, and every option of a
program's table is in its page, and the other way round.

What is typed is run as man(1) shows it and a reader pastes it: indented. Each literal block in EXAMPLES has comment lines right before it:

    example: NAME   the example that it belongs to; its blocks are terminals, all started at once
    file: NAME      the block is not typed, but is the content of that file
    before: SHELL   run first; the page tells of the files that it makes
    first: PATH     started when somebody listens there; not the first block of an example
    user: root, or nobody
    network: own    all of the example is in a network of its own, where every port is free; needs root
    stdin: LINE, stdout: LINE       what goes in, and all that must come out
    stderr: TEXT    must be in what it says there; nothing at all without
    status: NUMBER  with which it ends (0)
    terminal: LINE  0, 1 and 2 are a terminal, on which somebody types this
    shows: LINE     what that terminal shows, besides what was typed
    after: SHELL    run when everything has ended, and
    leaves: LINE    all that it prints
"""

import importlib.util
import os
import re
import select
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import peers
from namespaces import network
from processes import LONG, STRANGER
from programs import FDFWD, FDRECV, FDSEND, appears

TOP = Path(__file__).resolve().parents[2]
MAN = TOP / "man"
PAGES = ["fdsend.1", "fdrecv.1", "fdfwd.1", "fdpass.7", "fdpass-protocol.7"]
INDENTATION = " " * 11  # of man(1), and of .Bd -offset indent
ONCE = {"example", "file", "before", "first", "user", "network", "status", "after"}
MANY = {"stdin", "stdout", "stderr", "terminal", "shows", "leaves"}


def load(name):
    """A module of tests/meta, which is not on the path here."""
    sys.path.append(str(TOP / "tests" / "meta"))
    try:
        specification = importlib.util.spec_from_file_location(f"meta_{name}", TOP / f"tests/meta/{name}.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        sys.path.pop()
    return module


pages = load("pages")


# --------------------------------------------------------------------------------------- examples

class Block:
    """One literal block, and how to run it."""

    def __init__(self, where, comments, lines):
        self.where = where
        self.text = "".join(line + "\n" for line in lines)
        for key in ONCE:
            setattr(self, key, None)
        for key in MANY:
            setattr(self, key, [])
        self.on_terminal = False
        for comment in comments:
            key, colon, value = comment.partition(":")
            assert colon and key in ONCE | MANY, f"{where}: '{comment}' is none of the words"
            value = value.strip()
            if key in MANY:
                getattr(self, key).append(value)
                self.on_terminal |= key == "terminal"
            else:
                assert getattr(self, key) is None, f"{where}: '{key}' twice"
                setattr(self, key, value)
        assert self.example, f"{where}: the block says no 'example:'"


def examples_of(name, text):
    """The blocks of EXAMPLES, by example, in their order."""
    found = {}
    for section, comments, number, lines in pages.literal_blocks(text):
        if section == "EXAMPLES":
            block = Block(f"{name}:{number}", comments, lines)
            if not block.file:
                block.text = textwrap.indent(block.text, INDENTATION)
            assert not block.first or block.example in found, f"{block.where}: what is to be there comes later"
            found.setdefault(block.example, []).append(block)
    return found


def every_example():
    for name in PAGES:
        for example, blocks in examples_of(name, (MAN / name).read_text()).items():
            marks = [pytest.mark.needs_root] if any(block.user or block.network for block in blocks) else []
            yield pytest.param(blocks, id=f"{name}-{example}", marks=marks)


class Terminal:
    """One block being run."""

    def __init__(self, programs, block, folder, env):
        self.block = block
        self.leader = None
        conditions = {"cwd": folder, "env": env}
        closing = []
        if block.user == "nobody":
            conditions["user"] = STRANGER
        if block.on_terminal:
            self.leader, follower = map(programs.own, os.openpty())
            conditions["fds"] = {number: follower for number in (0, 1, 2)}
            closing.append(follower)
            os.write(self.leader, "".join(f"{line}\n" for line in block.terminal if line).encode())
        elif block.stdin:
            closing.append(programs.text("".join(f"{line}\n" for line in block.stdin)))
            conditions["fds"] = {0: closing[-1]}
        # What it leaves in the background belongs to the example, too.
        script = f"{block.text}status=$?\nwait\nexit $status\n"
        self.process = programs.shell(script, **conditions)
        programs.close(*closing)

    def screen(self):
        """All that the terminal showed, once nobody has it open any more."""
        shown = b""
        while select.select([self.leader], [], [], LONG)[0]:
            try:
                shown += os.read(self.leader, 4096)
            except OSError:  # EIO: the last one has closed it
                return shown.decode().replace("\r\n", "\n")
        raise AssertionError(f"{self.block.where}: the terminal is still open, and shows {shown!r}")

    def judge(self):
        block, result = self.block, self.process.wait()
        assert result.status == int(block.status or 0), (block.where, result)
        assert result.stdout == "".join(f"{line}\n" for line in block.stdout), (block.where, result)
        if not block.stderr:
            assert result.stderr == "", (block.where, result)
        for text in block.stderr:
            assert text in result.stderr, (block.where, result)

    def judge_screen(self):
        if self.leader is None:
            return
        shown = self.screen()
        for line in self.block.terminal:
            shown = shown.replace(f"{line}\n", "", 1) if line else shown  # its echo
        assert shown.split() == " ".join(self.block.shows).split(), (self.block.where, shown)


def place(programs, blocks):
    """A folder for an example, and what is different in its environment."""
    env = {"PATH": programs.environment()["PATH"] + ":" + os.path.dirname(sys.executable)}
    if not any(block.user == "nobody" for block in blocks):
        return programs.folder, env
    folder = programs.stranger_folder()
    env["PATH"] = f"{programs.library_path}:/usr/bin:/bin"
    return folder, env


def run(programs, blocks):
    folder, env = place(programs, blocks)
    for block in blocks:
        if block.before:
            programs.succeeds(programs.shell(block.before, cwd=folder))
        if block.file:
            (folder / block.file).write_text(block.text)
    typed = [block for block in blocks if not block.file]
    terminals = []
    for block in sorted(typed, key=lambda block: block.first is not None):
        if block.first:
            appears(str(folder / block.first))
        terminals.append(Terminal(programs, block, folder, env))
    for terminal in terminals:
        terminal.judge()
    for terminal in terminals:
        terminal.judge_screen()
    judge_what_is_left(programs, blocks, folder)


def judge_what_is_left(programs, blocks, folder):
    for block in blocks:
        if block.after:
            left = programs.succeeds(programs.shell(block.after, cwd=folder))
            assert left == "".join(f"{line}\n" for line in block.leaves), block.where


@pytest.mark.parametrize("blocks", every_example())
def test_example(programs, blocks):
    if not any(block.network for block in blocks):
        run(programs, blocks)
        return
    with network(programs) as prefix:
        start = programs.start
        programs.start = lambda argv, **conditions: start([*prefix, *argv], **conditions)
        run(programs, blocks)
        programs.start = start


@pytest.mark.parametrize("name", PAGES)
def test_files_of_examples_are_named(name):
    """What a reader must have, and an example makes `before` unseen, the page mentions."""
    text = (MAN / name).read_text()
    named = set(re.findall(r"^\.Pa (\S+)", text.split(".Sh EXAMPLES")[1], re.MULTILINE))
    for blocks in examples_of(name, text).values():
        for block in blocks:
            made = set(re.findall(r">\s*([\w.-]+)", block.before or ""))
            assert bool(made) == bool(block.before) and made <= named, (block.where, made - named)


@pytest.mark.parametrize("old, new, prints", [
    ("", "", "this is a test\n"),
    ("--run cat", "--run false", None),
    ("--run cat", "--run /nonexistent", None),
    ("--run cat", "--run sh -c 'cat; exit 3'", None),
    ("--ready-fd 3", "--nonsense", None),
    ("fdsend -f 0", "fdsend --to-user 4294967294 -f 0", None),
])
def test_makefile_fails_when_it_should(programs, old, new, prints):
    makefile, test = examples_of("fdpass.7", (MAN / "fdpass.7").read_text())["makefile"]
    assert old in makefile.text
    # Nothing is to wait when nobody comes.
    (programs.folder / "Makefile").write_text(makefile.text.replace(old, new, 1).replace("-t 10", "-t 1"))
    process = programs.shell(test.text, cwd=programs.folder, env={"PATH": programs.environment()["PATH"]})
    result = process.wait()
    assert (result.status == 0) == (prints is not None), result
    if prints is not None:
        assert result.stdout == prints


PAGE = """.Sh EXAMPLES
.\\" example: pipe
.\\" stdout: {stdout}
.Bd -literal
echo hello{option}
.Ed
"""


def blocks_of(**changes):
    text = PAGE.format(**{"stdout": "hello", "option": "", **changes})
    return examples_of("page", text)["pipe"]


def test_examples_can_fail(programs):
    run(programs, blocks_of())
    run(programs, blocks_of(stdout="hello-x", option="\\-x"))
    for changes in ({"stdout": "hullo"}, {"option": "; false"}, {"option": "; echo oops >&2"}):
        with pytest.raises(AssertionError):
            run(programs, blocks_of(**changes))


@pytest.mark.parametrize("text", [
    ".Sh EXAMPLES\n.Bd -literal\necho\n.Ed\n",                                     # says nothing
    '.Sh EXAMPLES\n.\\" example: x\n.\\" nonsense: 1\n.Bd -literal\necho\n.Ed\n',
    '.Sh EXAMPLES\n.\\" example: x\n.Bd -literal\necho -n\n.Ed\n',                 # becomes a hyphen
    '.Sh EXAMPLES\n.\\" example: x\n.Bd -literal\necho \\*x\n.Ed\n',
    '.Sh EXAMPLES\n.\\" example: x\n.Bd -literal\n.br\n.Ed\n',
    '.Sh EXAMPLES\n.\\" example: x\n.Bd -literal\necho\n',
])
def test_examples_must_be_complete(text):
    with pytest.raises((AssertionError, pages.Trouble)):
        examples_of("page", text)


@pytest.mark.parametrize("line, word", [
    (".Bd -literal\n.Xx\n.Ed", "request"),
    (".Bd -literal\necho -n\n.Ed", "is not copied"),
    (".sp -x", "groff"),
])
def test_pages_check_can_fail(tmp_path, line, word):
    page = ".Dd November 21, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd a thing\n.Sh DESCRIPTION\nText.\n"
    (tmp_path / "x.1").write_text(page)
    assert pages.check("mandoc", tmp_path) == (1, [])
    (tmp_path / "x.1").write_text(page + line + "\n")
    assert any(word in finding for finding in pages.check("mandoc", tmp_path)[1])


# ---------------------------------------------------------------------------------------- options

def options_of_help(text):
    """Each option of a --help text, as its letter or None, its name, and its argument or None."""
    found = re.findall(r"^ (?:-(\w), |    )--([\w-]+)(?:(?: |\[=)([A-Z]+)\]?)?(?:  ?|$)", text, re.MULTILINE)
    return set(found)


def options_of_page(text):
    """The same, of the .It lines of a page's OPTIONS."""
    found = set()
    options = re.search(r"^\.Sh OPTIONS$(.*?)^\.Sh ", text, re.MULTILINE | re.DOTALL)[1]
    for item in re.findall(r"^\.It (Fl .*)$", options, re.MULTILINE):
        letter = re.search(r"(?:^|, )Fl (\w)\b", item)
        name, kind, argument = re.search(
            r"Fl \\-(\w(?:\w|\\-)*)(?:(?: Ns Op = Ns)? (Ar|Cm) (\w+))?", item).groups()
        found.add((letter[1] if letter else "", name.replace("\\-", "-"),
                   "HOW" if kind == "Cm" else argument or ""))
    return found


def help_of(program):
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("program", [FDSEND, FDRECV, FDFWD], ids=os.path.basename)
def test_every_option_is_in_the_page(program):
    help_text, page = help_of(program), (MAN / f"{os.path.basename(program)}.1").read_text()
    assert len(options_of_help(help_text)) == len(re.findall(r"^ .{3} --", help_text, re.MULTILINE)) > 8
    assert options_of_page(page) == options_of_help(help_text)
    headings = re.findall(r"^([A-Z][a-z ]+):$", help_text, re.MULTILINE)
    assert re.findall(r"^\.Ss (.*)$", page.split(".Sh OPTIONS")[1].split(".Sh ")[0], re.MULTILINE) \
        == headings[1:-1]  # without Usage and Examples


@pytest.mark.parametrize("program", [FDSEND, FDRECV, FDFWD], ids=os.path.basename)
def test_every_option_is_in_the_synopsis(program):
    page = (MAN / f"{os.path.basename(program)}.1").read_text()
    synopsis = page.split(".Sh SYNOPSIS")[1].split(".Sh ")[0]
    letters = "".join(re.findall(r"Fl (\w+(?: \| \w+)*)", synopsis))
    for letter, name, _ in options_of_help(help_of(program)):
        assert (letter and letter in letters) or "\\-" + name.replace("-", "\\-") in synopsis, name


@pytest.mark.parametrize("old, new", [
    (".It Fl q , Fl \\-quiet\n", ""),                              # missing
    (".It Fl q , Fl \\-quiet\n", ".It Fl Q , Fl \\-quiet\n"),      # another letter
    (".It Fl \\-no\\-confirm\n", ".It Fl \\-no\\-confirm Ar HOW\n"),
    ("Ar SECONDS , Fl \\-timeout Ar SECONDS", "Ar SECONDS , Fl \\-timeout"),
    (".Ss Other\n.Bl -tag -width Ds\n", ".Ss Other\n.Bl -tag -width Ds\n.It Fl \\-more\n"),
])
def test_options_can_differ(old, new):
    page = (MAN / "fdsend.1").read_text()
    assert old in page
    assert options_of_page(page.replace(old, new)) != options_of_help(help_of(FDSEND))


@pytest.mark.parametrize("program", [FDSEND, FDRECV, FDFWD], ids=os.path.basename)
def test_exit_statuses_are_in_the_page(program):
    page = (MAN / f"{os.path.basename(program)}.1").read_text()
    section = page.split(".Sh EXIT STATUS")[1].split(".Sh ")[0]
    told = help_of(program).split("Exit status:")[1].split("For more")[0]
    assert set(re.findall(r"^\.It (\d+)$", section, re.MULTILINE)) == set(re.findall(r"\d+", told))


# ------------------------------------------------------------- the protocol page's peers, further on

@pytest.fixture
def page_peers(programs):
    """give.py and take.py of fdpass-protocol(7), in this test's folder."""
    for blocks in examples_of("", (MAN / "fdpass-protocol.7").read_text()).values():
        for block in blocks:
            if block.file:
                (programs.folder / block.file).write_text(block.text)


def give(programs, address, *fds):
    return programs.start([sys.executable, "-I", programs.path("give.py"), address, *map(str, fds or [0])])


def take(programs, address, *command):
    process = programs.start([sys.executable, "-I", programs.path("take.py"), address,
                              *(command or ["cat"])])
    appears(programs.path(address))
    return process


def test_page_peers_meet(programs, page_peers):
    receiver = take(programs, "./x")
    assert programs.succeeds(give(programs, "./x", 0, 0)) == "accepted, 1 kept\n"
    assert programs.succeeds(receiver) == ""


def test_page_sender_hears_a_refusal(programs, page_peers):
    receiver = programs.fdrecv("-f", "0,1", "./x", "--run", "true")
    sender = give(programs, "./x")
    programs.fails(sender, 1)
    assert sender.stdout == "refused: 2 descriptors are wanted, and 1 came\n"
    programs.succeeds(give(programs, "./x", 0, 0))
    assert receiver.wait().status == 0


@pytest.mark.parametrize("how, status, words", [
    ("read", 0, "read, by a receiver that does not answer\n"),
    ("read and close", 0, "read, by a receiver that does not answer\n"),
    ("close", 1, "nothing was given: closed without reading\n"),
    ("peek and close", 1, "nothing was given: closed without reading\n"),
    ("garbage", 1, "cannot tell: this is no greeting\n"),
    ("greet and end", 1, "cannot tell: ended without an answer\n"),
    ("busy", 1, "nothing was given: another was first\n"),
    ("bytewise", 0, "accepted, 7 kept\n"),
])
def test_page_sender_concludes(programs, page_peers, how, status, words):
    receiver = programs.closes(peers.Receiver(programs.path("x")))
    sender = give(programs, "./x")
    connection = receiver.accept()
    if how == "garbage":
        connection.sendall(b"HTTP")
    if how in ("greet and end", "busy", "bytewise"):
        connection.sendall(b"fdpass/1")
    if how == "busy":
        connection.sendall(b"B\0\0\3\0\0\0\0abc")
        connection.close()
    elif how == "peek and close":
        peers.peek(connection)
        connection.close()
    elif how in ("read", "read and close", "greet and end", "bytewise"):
        _, fds, _, _ = peers.socket.recv_fds(connection, 10, 10)
        receiver.fds += fds
    if how == "bytewise":
        for byte in b"A\0\0\0\0\0\0\7":
            connection.send(bytes([byte]))
    if how in ("close", "read and close", "greet and end"):
        connection.close()
    result = sender.wait()
    assert (result.status, result.stdout, result.stderr) == (status, words, "")


def test_page_receiver_outlasts_bad_callers(programs, page_peers):
    receiver = take(programs, "./x")
    peers.connect(programs.path("x")).close()
    with peers.connect(programs.path("x")) as silent:
        silent.sendall(b"no descriptor")
        silent.shutdown(peers.socket.SHUT_WR)
        assert b"no descriptor came" in silent.makefile("rb").read()
    with peers.connect(programs.path("x")) as rich:
        rich.sendall(b"\x89fdpass\x01")
        said = rich.makefile("rb").read()
    assert said.startswith(b"fdpass/1R\0") and said.endswith(b"only plain handovers are taken here")
    sender = programs.fdsend("-b", "-v", "--confirm=answer", "-f", "0,1", "./x")
    assert sender.wait().status == 0
    assert "keeps 1 of 2" in sender.stderr
    programs.succeeds(receiver)


def test_page_receiver_says_that_the_command_failed(programs, page_peers):
    receiver = take(programs, "./x", "/nonexistent")
    reader = programs.text("x")
    with peers.send(programs.path("x"), [reader]) as connection:
        said = connection.makefile("rb").read()
    assert said[:16] == b"fdpass/1A\0\0\0\0\0\0\1" and said[16:17] == b"F"
    assert receiver.wait().status == 127


def test_page_peers_can_be_pasted(programs):
    """What takes the indentation away makes of what man(1) shows what the page has."""
    examples = examples_of("", (MAN / "fdpass-protocol.7").read_text())
    paste, = examples["paste"]
    for file in (block for blocks in examples.values() for block in blocks if block.file):
        shown = programs.text(textwrap.indent(file.text, INDENTATION))
        programs.succeeds(programs.shell(paste.text, cwd=programs.folder, fds={0: shown}))
        programs.close(shown)
        assert (programs.folder / "give.py").read_text() == file.text


# ----------------------------------------------------------------- what the page says, byte by byte

def test_page_bytes_are_the_programs_bytes(programs):
    """The hexadecimal blocks of the page against what fdrecv writes."""
    blocks = [bytes.fromhex("".join(line)) for section, _, _, lines
              in pages.literal_blocks((MAN / "fdpass-protocol.7").read_text())
              if section != "EXAMPLES" for line in lines]
    greeting, accepted, refused, head, names, go_on = blocks
    receiver = programs.fdrecv("-f", "3-5", "./x", "--run", "true")
    reader = programs.text("x")
    with peers.connect(programs.path("x")) as newer:
        newer.sendall(head[:7] + b"\2" + head[8:] + names)
        said = newer.makefile("rb").read()
    assert said[:10] == greeting + refused[:2]
    assert said[16:].decode() == "this receiver is older than the sender's handover"
    assert int.from_bytes(said[10:12], "big") == len(said) - 16 and said[12:16] == bytes(4)
    assert refused[2:4] == (len(refused) - 8).to_bytes(2, "big")
    with peers.connect(programs.path("x")) as rich:
        rich.sendall(head + names)
        said = b""
        while len(said) < 16:
            said += rich.recv(16 - len(said)) or b"the end"
        assert said == greeting + go_on
        socket.send_fds(rich, [b"\3"], [reader] * 3)
        assert rich.makefile("rb").read() == accepted
    programs.succeeds(receiver)
    receiver = programs.fdrecv("-f", "3-5", "./x", "--run", "true")
    with peers.send(programs.path("x"), [reader] * 3) as connection:
        assert connection.makefile("rb").read() == greeting + accepted
    programs.succeeds(receiver)


def test_page_companion_is_poked(programs):
    """A waiter that was written after the page: fdrecv pokes the slots of its abstract name."""
    text = (MAN / "fdpass-protocol.7").read_text()
    told = re.search(r"^\.Dl fdpass-wait/([0-9a-f]{16})/0$", text, re.MULTILINE)[1]

    def companion(name):
        value = 0xcbf29ce484222325
        for byte in name.encode():
            value = (value ^ byte) * 0x100000001b3 % 2 ** 64
        return f"{value:016x}"

    assert companion("greeting") == told
    name = programs.abstract()
    slots = []
    for slot in (0, 7):
        made = programs.closes(peers.socket.socket(peers.socket.AF_UNIX, peers.socket.SOCK_DGRAM))
        made.bind(f"\0fdpass-wait/{companion(name)}/{slot}")
        made.settimeout(LONG)
        slots.append(made)
    receiver = programs.fdrecv("-a", "-f", "0", name, "--run", "true")
    assert [made.recv(10) for made in slots] == [b"", b""]
    programs.succeeds(programs.fdsend("-a", "-f", "0", name), receiver)
