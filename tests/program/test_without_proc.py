# SPDX-License-Identifier: MIT
"""Where /proc is not mounted: what needs it says so, and the rest works.

The sender and the receiver of a handover need nothing of it.
"""

import os
import signal
import socket
import stat

import pytest

from processes import until

pytestmark = [pytest.mark.needs_namespaces, pytest.mark.needs_no_sanitizer]
NO_PROC = "mount -t tmpfs none /proc"


@pytest.fixture
def inside(sandbox):
    return sandbox(NO_PROC)


def place(programs, kind):
    return {"path": ["./socket"], "name": ["name"], "abstract": ["-a", programs.abstract()]}[kind]


@pytest.mark.parametrize("kind", ["path", "name", "abstract"])
@pytest.mark.parametrize("count", [1, 300])
def test_handover(programs, inside, kind, count):
    where = place(programs, kind)
    sender = inside.fdsend("-v", "-b", "-f", ",".join(["5"] * count), *where, fds={5: programs.text("sent")})
    numbers = f"0,10-{8 + count}" if count > 1 else "0"
    receiver = inside.fdrecv("-f", numbers, *where, "--run", "cat")
    assert sender.wait().status == 0 and f"keeps {count} of {count}" in sender.stderr
    assert programs.succeeds(receiver) == "sent"


def test_relay(programs, inside):
    receiver = inside.fdrecv("-l", "./to", "--run", "sh", "-c", "echo $LISTEN_FDS; cat <&3")
    relay = inside.fdfwd("-b", "./from", "./to")
    programs.succeeds(inside.fdsend("-f", "5", "./from", fds={5: programs.text("sent")}), relay)
    assert programs.succeeds(receiver) == "1\nsent"


def test_what_is_opened_here(programs, inside):
    programs.close(programs.file("plain", "hello"))
    receiver = inside.fdrecv("-f", "0,3,4", "./socket", "--run", "cat")
    sender = inside.fdsend("--open", "plain", "--listen", "tcp:127.0.0.1:0", "--listen", "unix:./made", "./socket")
    assert sender.wait().status == 0 and sender.stdout.startswith("tcp:127.0.0.1:")
    assert programs.succeeds(receiver) == "hello"
    os.unlink(programs.path("made"))


def test_targets_that_are_found_by_looking(programs, inside):
    """Free numbers, and those to close."""
    receiver = inside.fdrecv("--close-others", "-E", "GIVEN", "./socket", "--run", "sh", "-c", 'test -n "$GIVEN"')
    programs.succeeds(inside.fdsend("-f", "5", "./socket", fds={5: programs.text("")}), receiver)


def test_whether_it_was_started(programs, inside):
    """That takes a look at the process: no false success, and the descriptors are where they are."""
    for option in ("--until-run", "--until-exit"):
        reader, writer = programs.pipe()
        receiver = inside.fdrecv("-f", "0,3", "./socket", "--run", "sh", "-c", "cat; cat <&3")
        sender = inside.fdsend(option, "-f", "5,6", "./socket", fds={5: programs.text("sent"), 6: reader})
        programs.fails(sender, 1, "accepted", "/proc", "cannot be told")
        assert receiver.alive()
        programs.close(writer)
        assert programs.succeeds(receiver) == "sent"


def test_socket_that_is_in_use(programs, inside):
    """By whom can only be seen there."""
    receiver = inside.fdrecv("-f", "0", "./socket", "--run", "cat")
    programs.fails(inside.fdrecv("-f", "0", "./socket", "--run", "cat", ready=None), 125, "already in use")
    programs.succeeds(inside.fdsend("-f", "5", "./socket", fds={5: programs.text("sent")}), receiver)


@pytest.mark.parametrize("what", ["7", "listen", "file:/dev/null"])
def test_out_of_a_process(programs, inside, hold, what):
    pid = str(hold({7: programs.text("held")}).pid)
    option = "-f" if what == "7" else "-M"
    programs.fails(inside.fdsend("-p", pid, option, what, "./nobody"), 1, "/proc", "mounted")
    programs.fails(inside.fdrecv("-p", pid, "-E", "TAKEN", what, "--run", "true", ready=None), 125, "/proc",
                   "mounted")


def test_listing(programs, inside, hold):
    pid = hold().pid
    programs.fails(inside.fdsend("--list", "-p", str(pid)), 1, f"process {pid}: ", "/proc", "mounted")


@pytest.mark.parametrize("description", ["listen:{port}", "file:{file}"])
def test_process_that_is_described(programs, inside, hold, description):
    """There is one; it is not said that there is none."""
    with socket.create_server(("127.0.0.1", 0)) as server, open(programs.path("file"), "wb") as file:
        hold({7: server.fileno(), 8: file.fileno()})
        name = description.format(port=server.getsockname()[1], file=programs.path("file"))
    for words in (["--pidref", name], ["--list", "-p", name], ["-p", name, "-f", "7", "./nobody"]):
        programs.fails(inside.fdsend(*words), 1, f"fdsend: {name}: ", "/proc", "mounted")
    programs.fails(inside.fdrecv("-p", name, "-d", "-E", "TAKEN", "7", "--retire", "--run", "true", ready=None), 125,
                   f"fdrecv: {name}: ", "/proc", "mounted")


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_retiring(programs, inside, how):
    """Whether the command was started is seen there: it is refused before anything is done."""
    old = inside.start("python3", "-I", "-S", "-c", "import signal, socket; s = socket.create_server(('127.0.0.1', 0));"
                       "print(f'on {s.fileno()}.', flush=True); signal.pause()")
    old.said(".", 1)
    number = old.stdout[3:].rstrip(".\n")
    receiver = inside.fdrecv("-p", str(old.pid), "-d", "-l", number, how, "--run", "touch", "ran", ready=None)
    message = programs.fails(receiver, 125, "fdrecv: --retire: ", "/proc", "mounted")
    assert message.count("\n") == 1 and old.alive() and not os.path.exists(programs.path("ran"))
    old.kill()


def test_process_by_its_number(programs, inside, hold):
    """Sharing takes none of it, nor does naming it for later."""
    there = hold({7: programs.text("held")})
    reference = programs.succeeds(inside.fdsend("--pidref", str(there.pid))).strip()
    assert reference.startswith(f"{there.pid}:")


@pytest.mark.needs_fchmodat2
@pytest.mark.parametrize("words", [["fdrecv", "-f", "0", "./made", "--run", "cat"],
                                   ["fdrecv", "--from-user", "any", "-f", "0", "./made", "--run", "cat"],
                                   ["fdsend", "-b", "--socket-mode", "666", "--listen", "unix:./made", "./nobody"]],
                         ids=["private", "public", "made"])
def test_modes_that_the_umask_is_against(programs, inside, words):
    """Of a socket, and of a run directory that is made for it."""
    wanted = 0o600 if words[-1] == "cat" and "any" not in words else 0o666
    process = getattr(inside, words[0])(*words[1:], umask=0o277)

    def mode():
        return stat.S_IMODE(os.lstat(programs.path("made")).st_mode)

    if words[0] == "fdsend":  # it says nothing by then, and bind(2) makes the file before it has its mode
        until(lambda: os.path.lexists(programs.path("made")) and mode() == wanted, f"it is made, with {wanted:o}")
    assert mode() == wanted
    process.signal(signal.SIGTERM)
    process.wait()
    named = inside.fdrecv("-f", "0", "name", "--run", "cat", umask=0o777)
    assert stat.S_IMODE(os.lstat(programs.runtime).st_mode) == 0o700
    named.signal(signal.SIGTERM)
    named.wait()
