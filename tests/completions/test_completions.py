# SPDX-License-Identifier: MIT
"""What bash, zsh and fish offer on command lines of ours."""

import os
import re
import signal
import socket
import subprocess

import pytest

from programs import FDFWD, FDRECV, FDSEND, appears, listens
from shells import BUILT, FILES, offered, shell

PROGRAMS = [FDSEND, FDRECV, FDFWD]


@pytest.fixture(params=FILES)
def typing(request, programs):
    made = shell(request.param, programs)
    yield made
    made.close()


def is_offered(typing, line, *words):
    text = typing.lists(line)
    for word in words:
        assert offered(text, word), (line, word, text)
    return text


def receiving(programs, *words):
    process = programs.fdrecv(*words, "--run", "true")
    yield process
    process.signal(signal.SIGTERM)
    process.wait()


def help_of(program):
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def test_every_option_is_offered(typing):
    for program in PROGRAMS:
        names = re.findall(r"^ .{3} (--[\w-]+)", help_of(program), re.MULTILINE)
        assert len(names) > 8
        is_offered(typing, f"{os.path.basename(program)} --", *names)


# A shell takes longer to start than to complete, so that each has them all.
@pytest.mark.parametrize("lines", [[
    ("fdsend --mode ", ["r", "w", "r+"]),
    ("fdsend -m ", ["r", "w", "r+"]),
    ("fdrecv --dialect ", ["systemd", "nginx", "server-starter", "php-fpm"]),
    ("fdsend --confirm ", ["answer"]),
    ("fdsend --to-user ", ["any", "root", "nobody"]),
    ("fdfwd --from-group ", ["root"]),
    ("fdrecv -E ", ["EXPORTED"]),
    ("fdrecv -f ", ["0", "1", "2", "3"]),
    ("fdsend -f ", ["0", "1", "2"]),
    ("fdsend --listen ", ["tcp:", "udp:", "unix:", "unix-abstract:"]),
    ("fdsend -p 1 -M ", ["listen:", "file:", "unix:"]),
    ("fdrecv -i ./x --run mine ", ["alpha", "beta"]),
    ("fdrecv -i ./x -- mine ", ["alpha", "beta"]),
    ("fdrecv -i ./x -r mine ", ["alpha", "beta"]),
]], ids=["lines"])
def test_arguments(typing, lines):
    for line, words in lines:
        is_offered(typing, line, *words)


@pytest.mark.parametrize("lines", [[
    ("fdsend --until-e", "fdsend --until-exit "),
    ("fdsend --open fi", "fdsend --open file.txt "),
    ("fdsend --open=fi", "fdsend --open=file.txt "),
    ("fdsend --dup --listen unix-seq", "fdsend --dup --listen unix-seqpacket:"),
    ("fdsend --listen unix:./fi", "fdsend --listen unix:./file.txt "),
    ("fdsend -p 1 -M file:./fi", "fdsend -p 1 -M file:./file.txt "),
    ("fdsend --socket-owner nobody:roo", "fdsend --socket-owner nobody:root "),
    ("fdrecv --retire=TE", "fdrecv --retire=TERM "),
    ("fdrecv -i ./x --run mine al", "fdrecv -i ./x --run mine alpha "),
]], ids=["lines"])
def test_the_only_candidate_is_taken(typing, programs, lines):
    programs.file("file.txt")
    for line, completed in lines:
        assert typing.completes(line).rstrip() == completed.rstrip()


def test_names_in_the_run_directory(typing, programs):
    (programs.folder / "plain").mkdir()
    for _ in receiving(programs, "-f", "0", "greeting"):
        text = is_offered(typing, "fdsend -f 0 ", "greeting")
        assert not offered(text, "plain/")
        is_offered(typing, "fdfwd greeting ", "greeting")
        assert typing.completes("fdsend -f 0 gree").rstrip() == "fdsend -f 0 greeting"


def test_paths_of_sockets(typing, programs):
    programs.file("other.txt")
    for _ in receiving(programs, "-f", "0", "./one.sock"):
        appears(programs.path("one.sock"))
        assert typing.completes("fdsend -f 0 ./o").rstrip() == "fdsend -f 0 ./one.sock"


def test_abstract_names(typing, programs):
    name = programs.abstract("completed")
    for _ in receiving(programs, "-a", "-f", "0", name):
        listens(name)
        # Tests of other shells have names that begin alike.
        assert typing.completes(f"fdsend -f 0 -a {name[:-2]}").rstrip() == f"fdsend -f 0 -a {name}"


@pytest.mark.parametrize("typing", ["bash"], indirect=True)
def test_what_the_shell_has_open(typing):
    """As it has them itself, and not as completing does. (zsh completes with 0 on /dev/null.)"""
    text = is_offered(typing, "fdsend -f ", "0", "1", "2")
    for number in "012":
        assert re.search(rf"\b{number}\b.*pty /dev/pts/", text), text
    assert not re.search(r"\b[3-9]\b.*pipe", text), text


def test_processes_and_what_they_have(typing, programs, hold):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    file = programs.file("held.log")
    process = hold(fds={7: server.fileno(), 9: file})
    server.close()
    pid = process.pid

    # zsh shows those with the same name together, and the name where there is room for it.
    assert "python" in is_offered(typing, "fdsend -p ", str(pid))
    text = is_offered(typing, f"fdsend -p {pid} -f ", "7", "9")
    assert re.search(rf"\b7\b.*tcp-listen 127\.0\.0\.1:{port}", text)
    assert re.search(r"\b9\b.*file .*held\.log", text)
    assert re.search(r"\b7,9\b.*file", typing.lists(f"fdsend --pid={pid} -f 7,"))
    is_offered(typing, f"fdrecv -p {pid} -f 3 ", "7", f"listen:{port}")
    assert typing.completes(f"fdsend -bp {pid} -M listen:{port}"[:-1]).rstrip() \
        == f"fdsend -bp {pid} -M listen:{port}"
    assert typing.completes(f"fdsend -p {pid} -M file:{programs.path('he')}").rstrip() \
        == f"fdsend -p {pid} -M file:{programs.path('held.log')}"
    assert re.search(r"\b7\b.*tcp-listen", typing.lists(f"fdsend -p listen:{port} -f "))
    assert typing.completes(f"fdrecv --pid listen:{port}"[:-1]).startswith("fdrecv --pid listen:")


def test_what_an_address_may_begin_with():
    """fdsend knows everything that is offered: it finds fault with what follows, not with that."""
    with open(os.path.join(BUILT, FILES["zsh"]), encoding="utf-8") as file:
        lines = re.search(r"^addresses\(\).*?^END", file.read(), re.MULTILINE | re.DOTALL)[0]
    words = re.findall(r"^([a-z0-9-]+):\t", lines, re.MULTILINE)
    assert len(words) > 8

    def complaint(word):
        said = subprocess.run([FDSEND, "--listen", f"{word}:", "./x"], capture_output=True, text=True, check=False)
        assert said.returncode == 2
        return said.stderr.replace(word, "")

    for word in words:
        assert complaint(word) != complaint("nonsense"), word
