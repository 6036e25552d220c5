# SPDX-License-Identifier: MIT
"""--retire when something comes between: the old process goes on, as it was, and that is said."""

import os
import signal
import socket
import time

import pytest

from processes import STRANGER, until
from programs import READY
from retiring import (NEW, Port, all_text, echoes, has_looked, helper, helpers, no_helper, old_server, starting, state)
from tracing import TRACED, tampered

AT_ONCE = ["--retire-after", "0"]
GOES_ON = "the command was not started, or has ended already; process {} goes on"


@pytest.fixture
def port(programs):
    return Port(programs)


@pytest.fixture
def old(programs, port):
    """A server with one connection; ended with the test."""
    process = old_server(programs, port)
    yield process
    process.kill()
    no_helper(programs)


def replace(programs, port, *words, command=NEW, **conditions):
    new = programs.fdrecv("-p", port.expression, "-l", port.expression, *words, "--run", *command, ready=None,
                          **conditions)
    if command == NEW:
        new.said("started", 1)
    return new


def unharmed(programs, old, port):
    """It runs, and answers."""
    assert old.alive() and state(old) in "SR"
    client = port.client(b"old")
    echoes(client)
    client.close()


# ---------------------------------------------------------------------------------- the command does not start

@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
@pytest.mark.parametrize("command, status", [("no-such-command", 127), ("./nothing", 127), ("./plain", 126),
                                             ("/", 126)])
def test_no_such_command(programs, old, port, how, command, status):
    """Known before anything is done: no word of that process."""
    programs.file("plain", "#!/bin/sh\n")
    message = programs.fails(replace(programs, port, how, command=[command]), status, "fdrecv: ", command)
    assert "retire" not in message and str(old.pid) not in message and message.count("\n") == 1
    assert not helpers(programs)
    unharmed(programs, old, port)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
@pytest.mark.parametrize("content, busy, status, reason", [
    ("#!/no/such/interpreter\n", False, 127,
     "No such file or directory; it was found, but not the interpreter that it names"),
    ("#!/bin/sh\n", True, 126, "Text file busy"),
    ("\x7fELF\0\0\0\0", False, 126, "Exec format error")], ids=["interpreter", "busy", "format"])
def test_a_command_that_the_kernel_refuses(programs, old, port, how, content, busy, status, reason):
    """Known only when it is too late for everything else; and it is told what that means."""
    kept = programs.file("command", content, os.O_RDWR if busy else os.O_RDONLY)
    os.chmod(programs.path("command"), 0o755)
    reader, writer = programs.pipe()
    new = replace(programs, port, how, command=["./command"], fds={2: writer})
    programs.close(writer)
    assert new.wait().status == status
    text = all_text(reader)
    assert text.splitlines().count(f"fdrecv: running ./command failed: {reason}") == 1
    assert f"fdrecv: --retire: {GOES_ON.format(old.pid)}\n" in text and text.count("\n") == 2
    unharmed(programs, old, port)
    programs.close(kept)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_killed_before_the_command(programs, old, port, how):
    """Whoever is to retire the old process was made already, and sees that the command never was."""
    reader, writer = programs.pipe()
    new = programs.start([*tampered("execve:signal=KILL"), programs.fdrecv_path, "-p", str(old.pid), "-l",
                          port.expression, how, "--run", *NEW], fds={2: writer}, env=TRACED)
    programs.close(writer)
    assert new.wait().status == -signal.SIGKILL and new.stdout == ""
    assert all_text(reader) == f"fdrecv: --retire: {GOES_ON.format(old.pid)}\n"
    unharmed(programs, old, port)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_ended_by_a_signal_before_the_command(programs, old, port, how):
    """A closed descriptor is not taken for a command that runs, while this one is on its way out."""
    new = programs.start([*tampered("wait4:signal=TERM", "tgkill,tkill:delay_enter=300000"), programs.fdrecv_path, "-p",
                          str(old.pid), "-l", port.expression, how, "--run", *NEW], env=TRACED)
    assert new.wait().status == -signal.SIGTERM and new.stdout == ""
    no_helper(programs)
    unharmed(programs, old, port)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
@pytest.mark.parametrize("call", ["clone,fork", "wait4", "socketpair", "pidfd_open"])
def test_nobody_can_be_started(programs, old, port, how, call):
    """The command is not run either. (wait4: that makes no difference.)"""
    number = "2+" if call == "pidfd_open" else "1+"
    new = programs.start([*tampered(f"{call}:error=EAGAIN:when={number}"), programs.fdrecv_path, "-p", str(old.pid),
                          "-l", port.expression, how, "--run", "true"], env=TRACED)
    result = new.wait()
    if call == "wait4":
        assert result.status == 0
    else:
        assert (result.status, result.stdout) == (125, "")
        assert "preparing to retire the old process failed: Resource temporarily unavailable" in result.stderr
        no_helper(programs)
        unharmed(programs, old, port)


# ------------------------------------------------------------------------------- the command does not stay

@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_a_command_that_cannot_serve(programs, old, port, how):
    """It opens the port itself, where the old server still listens. (A machine that stands still may need a minute.)"""
    reader, writer = programs.pipe()
    new = replace(programs, port, how, "--retire-after", "60", fds={2: writer},
                  command=["python3", "-I", "-S", "-m", "http.server", "--bind", "127.0.0.1", str(port.address[1])])
    programs.close(writer)
    assert new.wait().status == 1
    text = all_text(reader)
    assert "Address already in use" in text and text.endswith(f"fdrecv: --retire: {GOES_ON.format(old.pid)}\n")
    unharmed(programs, old, port)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
@pytest.mark.parametrize("seconds", ["1000", "1000000000"])
def test_a_command_that_ends_after_a_while(programs, old, port, how, seconds):
    """As long as nobody knows whether it stays, both serve."""
    reader, writer = programs.pipe()
    new = replace(programs, port, how, "--retire-after", seconds, fds={2: writer})
    programs.close(writer)
    assert helper(programs) and old.alive() and state(old) in "SR"
    new.kill()
    assert all_text(reader) == f"fdrecv: --retire: {GOES_ON.format(old.pid)}\n"
    unharmed(programs, old, port)


def simple(*numbers):
    """A server that waits in accept(2), as the simplest do, and says "old"."""
    def server():
        listener = socket.socket(fileno=numbers[0])
        os.write(READY, b"\n")
        os.close(READY)
        while True:
            connection, _ = listener.accept()
            connection.sendall(b"old")
            connection.close()

    return server


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
@pytest.mark.parametrize("dialect, script", [
    ("nginx", "raise SystemExit(1)"),
    ("systemd", "import socket; socket.socket(fileno=3).setblocking(False); raise SystemExit(1)")])
def test_a_socket_blocks_again_when_the_command_has_ended(programs, port, how, dialect, script):
    """It is the old server's, who may count on it."""
    old = old_server(programs, port, serving=simple)
    reader, writer = programs.pipe()
    new = replace(programs, port, how, "--dialect", dialect, "--retire-after", "60", fds={2: writer},
                  command=["python3", "-I", "-S", "-c", script])
    programs.close(writer)
    assert new.wait().status == 1
    assert all_text(reader) == f"fdrecv: --retire: {GOES_ON.format(old.pid)}\n"
    for _ in range(5):
        port.client(b"old").close()
    assert old.alive()
    old.kill()


def test_the_command_ends_while_the_old_server_is_waited_for(programs, old, port):
    """Then it is not ended: nobody would be left."""
    client = port.client(b"old")
    reader, writer = programs.pipe()
    new = replace(programs, port, "--retire", *AT_ONCE, fds={2: writer})
    programs.close(writer)
    has_looked(helper(programs))
    new.kill()
    assert all_text(reader) == f"fdrecv: --retire: {GOES_ON.format(old.pid)}\n"
    client.close()
    unharmed(programs, old, port)


@pytest.mark.parametrize("how, number", [("--retire", signal.SIGKILL), ("--retire=TERM", signal.SIGTERM)])
def test_one_second_unless_told_otherwise(programs, port, how, number):
    old = old_server(programs, port)
    start = time.monotonic()
    new = replace(programs, port, how)
    assert old.wait().status == -number
    assert time.monotonic() - start >= 1
    port.client(b"new")
    new.kill()


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_the_time_runs_out_before_it_is_known(programs, old, port, how):
    """It was waited for a sender until little of it was left."""
    name = programs.abstract()
    new = replace(programs, port, how, "-t", "10", "--retire-after", "9.9", "-a", "-f", "50", name,
                  command=["sleep", "infinity"])
    assert new.lasts(0.2)
    programs.succeeds(programs.fdsend("-a", "-b", "-f", "0", name))
    new.said(f"--retire: the time ran out before the command had run for long enough; process {old.pid} goes on, beside "
             "the command\n")
    no_helper(programs)
    assert new.alive()
    new.kill()
    unharmed(programs, old, port)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_it_is_not_known(programs, old, port, how, sent):
    new = replace(programs, port, how, "--retire-after", "1000")
    os.kill(helper(programs), sent)
    new.said(f"--retire: interrupted; process {old.pid} goes on, beside the command\n")
    no_helper(programs)
    assert new.alive()
    new.kill()
    unharmed(programs, old, port)


# ------------------------------------------------------------------------------------- refused from the start

@pytest.mark.parametrize("number", ["8", "9", "8-9"])
def test_without_a_listening_socket(programs, hold, number):
    """It could not be seen whether it is idle; with a signal that does not matter."""
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        there = hold({8: programs.file("file"), 9: made.fileno()})
    words = ["-p", str(there.pid), "-d", "-E", "VAR", number]
    receiver = programs.fdrecv("-f", "5", "./socket", *words, "--retire", "--run", "touch", "ran", ready=None)
    message = programs.fails(receiver, 125, f"--retire: no listening socket was taken from process {there.pid}",
                             "--retire=TERM")
    assert message.count("\n") == 1 and there.alive()
    assert not os.path.lexists(programs.path("ran")) and not os.path.lexists(programs.path("socket"))


def test_without_a_listening_socket_of_one_of_two(programs, old, port, hold):
    there = hold({8: programs.file("file")})
    new = replace(programs, port, "-p", str(there.pid), "-f", "8", "8", "--retire", command=["true"])
    message = programs.fails(new, 125, f"no listening socket was taken from process {there.pid}")
    assert str(old.pid) not in message
    unharmed(programs, old, port)


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_oneself(programs, port, how):
    """A shell that becomes the command."""
    receiver = programs.shell(f"exec fdrecv -p $$ -d -l 7 {how} --run touch ran", fds={7: port.fileno()})
    programs.fails(receiver, 125, f"--retire: process {receiver.pid} is this one")
    assert not os.path.lexists(programs.path("ran"))


@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_what_comes_before_fails(programs, old, port, how):
    """Fewer than there are targets, a sender's time that runs out, a signal: nobody is retired."""
    fewer = programs.fdrecv("-p", str(old.pid), "-f", "5,6", port.expression, how, "--run", *NEW, ready=None)
    programs.fails(fewer, 125)
    from_nobody = ["-a", "-f", "9", programs.abstract()]
    programs.fails(replace(programs, port, how, *from_nobody, "-t", "1.1", command=["true"]), 124)
    waiting = programs.fdrecv("-p", str(old.pid), "-l", port.expression, how, *from_nobody, "--run", *NEW)
    waiting.signal(signal.SIGTERM)
    assert waiting.wait().status == -signal.SIGTERM
    assert not helpers(programs)
    unharmed(programs, old, port)


# -------------------------------------------------------------------------------------- left running, afterwards

def test_the_time_runs_out(programs, old, port):
    """It is left running, and not stopped, beside the command."""
    client = port.client(b"old")
    new = replace(programs, port, "--retire", "-t", "2")
    new.said(f"--retire: process {old.pid} still had 1 connection when the time ran out; it goes on, beside the "
             "command\n")
    no_helper(programs)
    assert old.alive() and new.alive() and state(old) in "SR"
    echoes(client)
    new.kill()
    unharmed(programs, old, port)


def test_the_time_runs_out_for_two(programs, old, port):
    """Both are told."""
    other = Port(programs)
    second = old_server(programs, other)
    clients = [port.client(b"old"), other.client(b"old"), other.client(b"old")]
    new = replace(programs, port, "-p", other.expression, "-l", other.expression, "--retire", "-t", "2")
    new.said(f"process {old.pid} still had 1 connection when")
    new.said(f"process {second.pid} still had 2 connections when")
    no_helper(programs)
    for client in clients:
        echoes(client)
    new.kill()
    second.kill()


def test_the_time_runs_out_while_a_thread_does_not_stop(programs, port):
    """It could not be looked at, and goes on."""
    os.mkfifo(programs.path("fifo"))
    stuck = old_server(programs, port, serving=starting(programs.path("fifo")))
    client = port.client(b"old")
    new = replace(programs, port, "--retire", "-t", "2")
    new.said(f"--retire: process {stuck.pid} was not stopped when the time ran out, and could not be looked at; it goes "
             "on, beside the command\n")
    no_helper(programs)
    assert stuck.alive() and new.alive() and state(stuck) in "SR"
    echoes(client)
    stuck.kill()
    os.close(os.open(programs.path("fifo"), os.O_WRONLY))
    new.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_whoever_retires_it_is_ended(programs, old, port, number):
    client = port.client(b"old")
    new = replace(programs, port, "--retire")
    os.kill(helper(programs), number)
    new.said(f"--retire: interrupted; process {old.pid} goes on, beside the command\n")
    no_helper(programs)
    assert old.alive() and new.alive() and state(old) in "SR"
    echoes(client)
    new.kill()


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN])
def test_whoever_retires_it_is_not_stopped_with_the_command(programs, old, port, number):
    """Ctrl-Z reaches both; a server that is being looked at must not stay stopped for it."""
    client = port.client(b"old")
    new = replace(programs, port, "--retire")
    retiring = helper(programs)
    os.kill(retiring, number)
    for _ in range(20):
        echoes(client)
        with open(f"/proc/{retiring}/stat", encoding="ascii") as file:
            assert ") T " not in file.read()
    client.close()
    assert old.wait().status == -signal.SIGKILL
    new.kill()


def test_it_was_stopped_before(programs, old, port):
    """By somebody else, for his own reasons: it stays as it was."""
    client = port.client(b"old")
    old.stop()
    new = replace(programs, port, "--retire", "-t", "2")
    new.said("still had 1 connection when the time ran out")
    no_helper(programs)
    assert state(old) == "T"
    old.signal(signal.SIGCONT)
    echoes(client)
    new.kill()


def test_it_was_stopped_before_and_is_idle(programs, old, port):
    old.stop()
    new = replace(programs, port, "--retire")
    assert old.wait().status == -signal.SIGKILL
    port.client(b"new")
    new.kill()


@pytest.mark.needs_root
@pytest.mark.parametrize("how, text", [
    ("--retire=TERM", "--retire: sending TERM to process {} failed: Operation not permitted; it goes on\n"),
    ("--retire", "--retire: ending process {} failed: Operation not permitted; it goes on, beside the command\n")])
def test_it_may_not_be_ended(programs, hold, how, text):
    """Allowed to look into it and not to signal it: CAP_SYS_PTRACE without CAP_KILL."""
    port = Port(programs)
    there = hold({7: port.fileno()}, user=STRANGER)
    port.socket.close()
    without = ["setpriv", "--bounding-set", "-kill", "--inh-caps", "-kill", "--"]
    new = programs.start([*without, programs.fdrecv_path, "-p", str(there.pid), "-l", port.expression, how, "--run",
                          *NEW])
    new.said(text.format(there.pid))
    no_helper(programs)
    assert there.alive() and new.alive() and state(there) in "SR"
    new.kill()


# --------------------------------------------------------------------------------------------- in narrow places

@pytest.mark.parametrize("how", ["--retire", "--retire=TERM"])
def test_hardly_any_room_for_descriptors(programs, how):
    """With each limit it is replaced, or goes on and somebody says why."""
    outcomes = set()
    for limit in range(6, 40):
        port = Port(programs)
        old = old_server(programs, port)
        reader, writer = programs.pipe()
        wait, release = programs.pipe()
        new = programs.fdrecv("-p", str(old.pid), "-l", port.expression, how, *AT_ONCE, "--run", "/bin/sh", "-c",
                              "read line", ready=None, limits=(limit, limit), fds={0: wait, 2: writer})
        programs.close(writer, wait)
        until(lambda: not old.alive() or not new.alive() or not helpers(programs) and state(new) == "S" and
              os.readlink(f"/proc/{new.pid}/exe") != programs.fdrecv_path, "something has come of it")
        no_helper(programs)
        programs.close(release)
        status = new.wait().status
        text = all_text(reader)
        if status == 125 or "goes on" in text:
            assert str(old.pid) in text or str(limit) in text, (limit, status, text)
            unharmed(programs, old, port)
            old.kill()
        outcomes.add((status == 125, old.wait().status))
        programs.close(reader)
    assert outcomes == {(True, -9), (False, -9 if how == "--retire" else -15)}


@pytest.mark.needs_mounts
def test_as_the_first_process_of_a_container(programs):
    """A script that starts a server, which is replaced by what PID 1 becomes."""
    script = """
mkfifo port
python3 -I -S -c 'import signal, socket
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
c = s.accept()[0]; c.recv(1); c.close(); signal.pause()' > port &
read port < port
echo "on port $port:"
exec fdrecv -v -p $! -l "listen:$port" --retire --run "$@"
"""
    reader, writer = programs.pipe()
    inside = programs.start(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh",
                             *NEW], fds={2: writer})
    programs.close(writer)
    inside.said("started 1", 1)
    with open(reader, "rb", closefd=False) as text:
        while b"which had no connections left" not in (line := text.readline()):
            assert line, "nobody was ended"
    port = int(inside.stdout.split("on port ")[1].split(":")[0])
    client = programs.closes(socket.create_connection(("127.0.0.1", port)))
    assert client.recv(10) == b"new"
    inside.kill()


def test_it_may_be_stopped_and_not_ended(programs, old, port):
    """Then it is not left stopped."""
    new = programs.start([*tampered("pidfd_send_signal:error=EPERM:when=2"), "-f", "-b", "execve", programs.fdrecv_path,
                          "-p", str(old.pid), "-l", port.expression, "--retire", "--run", *NEW], env=TRACED)
    new.said(f"ending process {old.pid} failed: Operation not permitted; it goes on, beside the command")
    no_helper(programs)
    assert old.alive() and state(old) in "SR"
    new.kill()


def test_a_server_of_several_processes(programs, hold):
    """Only the first would be ended, and the others go on without it: refused before anything happens."""
    port = Port(programs)
    first = hold({7: port.fileno()})
    second = hold({7: port.fileno()})
    port.socket.close()
    new = programs.start([programs.fdrecv_path, "-p", str(first.pid), "-l", port.expression, "--retire", "--run", *NEW])
    programs.fails(new, 125, "--retire: 2 processes hold the listening socket", "--retire=QUIT")
    assert first.alive() and second.alive() and state(first) in "SR"
    # With a signal of its own there is nothing to be seen beforehand.
    new = programs.start([programs.fdrecv_path, "-p", str(first.pid), "-l", port.expression, "--retire=TERM", "--run",
                          *NEW])
    assert first.wait().status == -signal.SIGTERM
    no_helper(programs)
    assert second.alive()
    port.client(b"new")
    new.kill()
