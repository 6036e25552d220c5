# SPDX-License-Identifier: MIT
"""What README.md shows works as it stands there: each line of these blocks is typed in a terminal of its own."""

import re
import signal
import subprocess
from pathlib import Path

from programs import appears
from test_c_pages import COMPILER, LIBRARY, STRICT
from test_takeover import reserved_port

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def terminals(word):
    """The command lines of the block with this word, without what is said about them."""
    block, = [block for block in re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if word in block]
    return [re.sub(r" +# .*", "", line) for line in block.splitlines()]


def test_a_pipe_by_name(programs):
    """In either order."""
    receiver, sender = terminals("greeting")
    for lines in [(receiver, sender), (sender, receiver)]:
        shells = {line: programs.shell(line) for line in lines}
        assert programs.succeeds(shells[sender], shells[receiver]) == "hello world\n"


def test_from_c(programs):
    """In the place of the sender; and without a receiver it says that it failed."""
    source, = re.findall(r"^```c\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (programs.folder / "give.c").write_text(source)
    subprocess.run([*COMPILER, *STRICT, f"-I{ROOT / 'include'}", "give.c", *LIBRARY, "-o", "give"],
                   cwd=programs.folder, check=True)
    receiver, sender = terminals("greeting")
    # It ends, and leaves it to the kernel to free what it has, which a build with sanitizers would mind.
    program = re.sub(r"\| fdsend .*", "| ASAN_OPTIONS=detect_leaks=0 ./give", sender)
    assert program != sender
    assert programs.shell(program).wait().status == 1
    programs.runtime.mkdir(mode=0o700)
    waiting = programs.shell(receiver)
    appears(programs.named("greeting"))
    assert programs.succeeds(programs.shell(program), waiting) == "hello world\n"


def test_a_server_is_replaced(programs):
    """In the folder of the sources, with another port than 8080, which may be in use. The old one is there typed with an &
    for the sake of an interactive shell, which would see it stopped."""
    port = reserved_port(programs)
    old, new, ask = (line.replace("8080", str(port)) for line in terminals("examples/takeover"))
    old, background = old.split(" &")
    assert background == ""

    def serve(line):
        server = programs.shell(f"exec {line}", cwd=ROOT)
        server.said("Serving HTTP", 1)
        return server

    def answer():
        result = programs.shell(ask).wait()
        assert result.status == 0, result
        return result.stdout

    first = serve(old)
    assert answer() == f"{first.pid}\n"
    second = serve(new)
    assert first.wait().status == -signal.SIGKILL
    assert answer() == f"{second.pid}\n"
    second.kill()


def test_the_same_in_long_words():
    """The line on top is the one that can be tried."""
    line, = terminals("./new-server")
    _, tried, _ = terminals("examples/takeover")
    for letter, name in [("-p", "--pid"), ("-l", "--listen-fds")]:
        tried = tried.replace(f"{letter} ", f"{name} ")
    assert line.split("--run")[0] == tried.split("--run")[0]
