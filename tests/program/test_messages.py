# SPDX-License-Identifier: MIT
"""An error says which step failed, on what, why, and what to do: what a user meets on the way from one process to
another, and when things are opened. messages.py says how to read it; test_messages_of_processes.py has what is
taken from others and ended, test_messages_of_usage.py the command line."""

import fcntl
import os
import signal
import socket

import pytest

import peers
from messages import Table, needs_glibc, needs_root, says
from processes import STRANGER

TABLE = Table()
case = TABLE.case


# ------------------------------------------------------------------------------------- no receiver

@case(1)
def nobody_there(programs):
    r"""fdsend: {run}/backup: no receiver is there (No such file or directory); start the receiver first \
        or use --blocking"""
    return programs.fdsend("-f", "0", "backup")


@case(1)
def stale_socket(programs):
    r"""fdsend: {here}/x.sock: nobody is listening (Connection refused); start the receiver first \
        or use --blocking"""
    peers.stale(programs.path("x.sock"))
    programs.leaves(programs.path("x.sock"))
    return programs.fdsend("-f", "0", programs.path("x.sock"))


@case(1)
def not_a_socket(programs):
    r"""fdsend: {here}/plain.txt: this is not a socket (Connection refused); a SOCKSPEC is the path or the \
        name that the receiver was given"""
    programs.file("plain.txt")
    return programs.fdsend("-f", "0", programs.path("plain.txt"))


@case(1)
def no_abstract_name(programs):
    r"""fdsend: @{name}: nobody is listening (Connection refused); start the receiver first \
        or use --blocking"""
    name = programs.abstract()
    return programs.fdsend("-a", "-f", "0", name), {"name": name}


@case(1, needs_root)
def no_run_directory(programs):
    r"""fdsend: /run/user/{uid}/fdsend/x: no receiver is there (No such file or directory), and not even \
        the user's run directory; set FDPASS_RUNTIME_DIR on both sides, or use a path"""
    programs.public_folder()
    return programs.fdsend("-f", "0", "x", user=54321, cwd="/",
                           env={"FDPASS_RUNTIME_DIR": None}), {"uid": 54321}


@case(125)
def nowhere_to_receive(programs):
    r"""fdrecv: {run}/x: the run directory cannot be used (No such file or directory); set \
        FDPASS_RUNTIME_DIR to a directory of your own, or use a path"""
    return programs.fdrecv("-f", "0", "x", "--run", "true", ready=None,
                           env={"FDPASS_RUNTIME_DIR": programs.path("no/run")}), {"run": programs.path("no/run")}


@case(125)
def unsafe_run_directory(programs):
    r"""fdrecv: {run}/x: the run directory is not safe: others may write to it; mend it, set \
        FDPASS_RUNTIME_DIR, or use a path"""
    programs.runtime.mkdir()
    programs.runtime.chmod(0o777)
    return programs.fdrecv("-f", "0", "x", "--run", "true", ready=None)


# --------------------------------------------------------------------------------- it is not taken

@case(1)
def refused(programs):
    """fdsend: {here}/x.sock: the receiver refused: 2 descriptors are wanted, and 1 came"""
    programs.fdrecv("-t", "20", "-f", "3,4", programs.path("x.sock"), "--run", "true")
    programs.leaves(programs.path("x.sock"))
    return programs.fdsend("-f", "0", programs.path("x.sock"))


@case(1)
def closed_unread(programs):
    r"""fdsend: {here}/x.sock: the receiver closed the connection without reading; nothing was given"""
    receiver = programs.closes(peers.Receiver(programs.path("x.sock")))
    sender = programs.fdsend("-f", "0", programs.path("x.sock"))
    receiver.accept()
    receiver.disconnect()
    return sender


@case(1)
def does_not_answer(programs):
    r"""fdsend: {here}/x.sock: the descriptors were read, but who has them does not answer, as \
        --confirm=answer demands"""
    receiver = programs.closes(peers.Receiver(programs.path("x.sock")))
    sender = programs.fdsend("--confirm=answer", "-f", "0", programs.path("x.sock"))
    receiver.receive()
    receiver.disconnect()
    return sender


@case(1)
def passed_on(programs):
    r"""fdsend: {here}/x.sock: accepted, but process {relay} passes them on, as fdfwd does; it cannot be told \
        what becomes of them there"""
    programs.fdrecv("-f", "0", "to", "--run", "true")
    relay = programs.fdfwd(programs.path("x.sock"), "to")
    return programs.fdsend("--until-run", "-f", "0", programs.path("x.sock")), {"relay": relay.pid}


@case(1)
def too_old_for_names(programs):
    r"""fdsend: {here}/x.sock: the receiver ended without asking for them; it is too old to take names or \
        more than 253 descriptors, or was ended. Nothing was given"""
    receiver = programs.closes(peers.Receiver(programs.path("x.sock")))
    sender = programs.fdsend("-f", "in=0", programs.path("x.sock"))
    receiver.receive()
    receiver.disconnect()
    return sender


@case(1, needs_root)
def receiver_of_another_user(programs):
    r"""fdsend: {folder}/x.sock: the receiver is process {pid} of user 65534, who may not have this; if it \
        should, name it with --to-user. Nothing was given"""
    folder = programs.stranger_folder()
    receiver = programs.fdrecv("-t", "20", "-f", "0", "./x.sock", "--run", "true", user=STRANGER, cwd=folder)
    programs.leaves(folder / "x.sock")
    return programs.fdsend("-f", "0", str(folder / "x.sock")), {"folder": folder, "pid": receiver.pid}


@case(1, needs_root)
def not_allowed_to_connect(programs):
    r"""fdsend: {folder}/x.sock: not allowed to connect (Permission denied); the receiver has to admit this \
        user with --from-user, and its directory to be open to this user"""
    folder = programs.public_folder()
    programs.fdrecv("-t", "20", "-f", "0", "./x.sock", "--run", "true", cwd=folder)
    programs.leaves(folder / "x.sock")
    return programs.fdsend("-f", "0", str(folder / "x.sock"), user=STRANGER, cwd="/"), {"folder": folder}


# ------------------------------------------------------------------------------------ the time ran out

@case(124)
def time_without_a_receiver(programs):
    """fdsend: {run}/x: the time ran out before there was a receiver; nothing was given"""
    return programs.fdsend("-b", "-t", "0.2", "-f", "0", "x")


@case(124)
def time_while_it_is_not_read(programs):
    r"""fdsend: {here}/x.sock: the time ran out before the receiver took the descriptors; as they are on \
        their way, it may still do so"""
    receiver = programs.closes(peers.Receiver(programs.path("x.sock")))
    sender = programs.fdsend("-t", "1.5", "-f", "0", programs.path("x.sock"))
    receiver.accept()
    return sender


@case(124)
def time_while_it_is_too_old(programs):
    r"""fdsend: {here}/x.sock: the time ran out, and the receiver has not asked for them; it may be too old \
        to take names or more than 253 descriptors. Nothing was given"""
    receiver = programs.closes(peers.Receiver(programs.path("x.sock")))
    sender = programs.fdsend("-t", "1.5", "-f", "in=0", programs.path("x.sock"))
    receiver.accept()
    return sender


@case(124)
def time_while_the_command_runs(programs):
    """fdsend: {here}/x.sock: the time ran out; the command was started, and has not ended"""
    reader, _ = programs.pipe()
    programs.fdrecv("-f", "3", programs.path("x.sock"), "--run", "cat", fds={0: reader})
    return programs.fdsend("--until-exit", "-t", "1", "-f", "0", programs.path("x.sock"))


@case(124)
def time_without_a_sender(programs):
    r"""fdrecv: {run}/x: the time ran out before somebody who is admitted had sent what is wanted; \
        --verbose shows who came"""
    return programs.fdrecv("-t", "0.2", "-f", "0", "x", "--run", "true", ready=None)


@case(124)
def time_of_a_relay(programs):
    r"""fdfwd: {run}/from: the time ran out before somebody who is admitted had sent what is wanted; \
        --verbose shows who came"""
    return programs.fdfwd("-t", "0.2", "from", "to", ready=None)


@case(124)
def time_while_connecting(programs):
    """fdsend: --connect unix:{here}/full.sock: the time ran out before it was open; nothing was given"""
    server = programs.closes(socket.socket(socket.AF_UNIX))
    server.bind(programs.path("full.sock"))
    server.listen(0)
    programs.leaves(programs.path("full.sock"))
    waiting = programs.closes(socket.socket(socket.AF_UNIX))
    waiting.connect(programs.path("full.sock"))
    return programs.fdsend("-t", "0.3", "--connect", f"unix:{programs.path('full.sock')}", "./x")


# ------------------------------------------------------------------------------------- names in use

@case(125)
def name_in_use(programs):
    r"""fdrecv: {here}/x.sock: already in use by process {pid}; choose another name or end that one first"""
    first = programs.fdrecv("-t", "20", "-f", "0", programs.path("x.sock"), "--run", "true")
    programs.leaves(programs.path("x.sock"))
    return programs.fdrecv("-f", "0", programs.path("x.sock"), "--run", "true", ready=None), {"pid": first.pid}


@case(125)
def file_in_the_way(programs):
    r"""fdrecv: {here}/plain.txt: something that is not a socket is there; choose another name or remove it"""
    programs.file("plain.txt")
    return programs.fdrecv("-f", "0", programs.path("plain.txt"), "--run", "true", ready=None)


@case(125)
def no_directory(programs):
    """fdrecv: {here}/no/x.sock: the directory is not there (No such file or directory); make it first"""
    return programs.fdrecv("-f", "0", programs.path("no/x.sock"), "--run", "true", ready=None)


@case(125, needs_root)
def not_our_directory(programs):
    r"""fdrecv: {folder}/x.sock: not allowed to make a socket in this directory (Permission denied); choose \
        one that this user may write to"""
    folder = programs.public_folder()
    return programs.fdrecv("-f", "0", str(folder / "x.sock"), "--run", "true", ready=None, user=STRANGER,
                           cwd="/"), {"folder": folder}


@case(125)
def a_stale_socket_with_its_lock_held(programs):
    r"""fdrecv: {here}/x.sock: a stale socket has this name, and another process holds the lock of its \
        directory; end that one, or remove the socket"""
    peers.stale(programs.path("x.sock"))
    programs.leaves(programs.path("x.sock"))
    fcntl.flock(programs.own(os.open(programs.folder, os.O_RDONLY | os.O_CLOEXEC)), fcntl.LOCK_EX)
    return programs.fdrecv("-f", "0", programs.path("x.sock"), "--run", "true", ready=None)


@case(125)
def ready_descriptor_that_is_not_open(programs):
    """fdrecv: --ready-fd: descriptor 9 is not open; open it with a redirection, such as 9>FIFO"""
    return programs.fdrecv("--ready-fd", "9", "-f", "0", "./x.sock", "--run", "true", ready=None)


@case(1)
def ready_descriptor_of_a_relay(programs):
    """fdfwd: --ready-fd: descriptor 9 is not open; open it with a redirection, such as 9>FIFO"""
    return programs.fdfwd("--ready-fd", "9", "./from.sock", "./to.sock", ready=None)


@case(125)
def ready_descriptor_that_is_a_connection(programs):
    """fdrecv: --ready-fd: descriptor 9 is a connection
    Try 'fdrecv --help' for more information."""
    mine, theirs = socket.socketpair()
    with mine, theirs:
        return programs.fdrecv("--ready-fd", "9", "-c", "-f", "0", "9", "--run", "true", ready=None,
                               fds={9: theirs.fileno()})


@case(2)
def ready_descriptor_of_a_relay_that_is_a_connection(programs):
    """fdfwd: --ready-fd: descriptor 9 is a connection
    Try 'fdfwd --help' for more information."""
    mine, theirs = socket.socketpair()
    with mine, theirs:
        return programs.fdfwd("--ready-fd", "9", "./from.sock", "-c", "9", ready=None, fds={9: theirs.fileno()})


@case(125)
def one_path_in_two_spellings(programs):
    """fdrecv: '{here}/x.sock' is named twice
    Try 'fdrecv --help' for more information."""
    return programs.fdrecv("-f", "0", "./x.sock", "-f", "1", programs.path("x.sock"), "--run", "true", ready=None)


@case(125)
def connection_that_is_none(programs):
    """fdrecv: descriptor 9: it is not open (Bad file descriptor); --connected needs an inherited Unix socket"""
    return programs.fdrecv("-c", "-f", "0", "9", "--run", "true", ready=None)


@case(125)
def connection_that_ends(programs):
    """fdrecv: descriptor 9: the other end closed it without sending a descriptor"""
    mine, theirs = socket.socketpair()
    mine.close()
    with theirs:
        return programs.fdrecv("-c", "-f", "0", "9", "--run", "true", ready=None, fds={9: theirs.fileno()})


# ------------------------------------------------------------------------------------- the command

@case(127)
def no_command(programs):
    """fdrecv: ./no-such: No such file or directory; there is no such command"""
    return programs.fdrecv("-f", "3", programs.path("x.sock"), "--run", "./no-such", ready=None)


@case(126)
def command_that_is_no_program(programs):
    r"""fdrecv: {here}/plain.txt: Permission denied; nobody may execute it, which chmod +x changes"""
    programs.file("plain.txt")
    return programs.fdrecv("-f", "3", programs.path("x.sock"), "--run", programs.path("plain.txt"), ready=None)


@case(1)
def command_that_does_not_start(programs):
    r"""fdsend: {here}/x.sock: accepted, but it could not be started: running {here}/script failed: No such file or \
        directory; it was found, but not the interpreter that it names"""
    script = programs.folder / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    programs.fdrecv("-f", "3", programs.path("x.sock"), "--run", str(script))
    return programs.fdsend("--until-run", "-f", "0", programs.path("x.sock"))


# ------------------------------------------------------------------------------- what is sent, opened

@case(1)
def number_that_is_not_open(programs):
    r"""fdsend: descriptor 9 is not open (Bad file descriptor); open it with a redirection, such as \
        9<FILE"""
    return programs.fdsend("-f", "9", "x")


@case(1)
def file_that_is_not_there(programs):
    r"""fdsend: --open no.txt: there is no such file (No such file or directory); it is not created here, \
        but a shell does that, as with --fd 3 3>FILE"""
    return programs.fdsend("--open", "no.txt", "x")


@case(1)
def directory_to_write(programs):
    """fdsend: --open .: a directory can only be opened with --mode r (Is a directory)"""
    return programs.fdsend("-m", "w", "--open", ".", "x")


@case(1, needs_root)
def file_of_another_user(programs):
    r"""fdsend: --open {folder}/secret: this user may not open it so (Permission denied); its owner or root \
        may, or --mode may ask for less"""
    folder = programs.public_folder()
    (folder / "secret").write_text("")
    (folder / "secret").chmod(0o600)
    return programs.fdsend("--open", str(folder / "secret"), "x", user=STRANGER, cwd="/"), {"folder": folder}


@case(1, needs_glibc)
def address_in_use(programs):
    r"""fdsend: --listen tcp:127.0.0.1:{port}: already in use (Address already in use); choose another address \
        or end the program that has it"""
    server = programs.closes(socket.create_server(("127.0.0.1", 0)))
    port = server.getsockname()[1]
    return programs.fdsend("--listen", f"tcp:127.0.0.1:{port}", "x"), {"port": port}


@case(1, needs_root)
def port_below_1024(programs):
    r"""fdsend: --listen tcp:127.0.0.1:1: not allowed to bind this address (Permission denied); ports below \
        1024 need root or CAP_NET_BIND_SERVICE, and a path write permission on its directory"""
    programs.public_folder()
    return programs.fdsend("--listen", "tcp:127.0.0.1:1", "x", user=STRANGER, cwd="/")


@case(1, needs_glibc)
def address_of_another_machine(programs):
    r"""fdsend: --listen tcp:192.0.2.1:0: this machine has no such address (Cannot assign requested address); \
        'ip address' shows which it has"""
    return programs.fdsend("--listen", "tcp:192.0.2.1:0", "x")


@case(1)
def nobody_to_connect_to(programs):
    """fdsend: --connect tcp:127.0.0.1:{port}: nobody listens there (Connection refused); start the server first"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return programs.fdsend("--connect", f"tcp:127.0.0.1:{port}", "x"), {"port": port}


@case(2)
def malformed_address(programs):
    r"""fdsend: --listen: 'tcp:70000': a port is at most 65535
        Try 'fdsend --help' for more information."""
    return programs.fdsend("--listen", "tcp:70000", "x")


@case(2)
def kind_of_socket_twice(programs):
    r"""fdsend: -c: -a was given for this SOCKSPEC already
        Try 'fdsend --help' for more information."""
    return programs.fdsend("-f", "0", "-a", "-c", "3")


@case(125)
def kind_of_socket_twice_to_receive(programs):
    r"""fdrecv: --abstract: -c was given for this SOCKSPEC already
        Try 'fdrecv --help' for more information."""
    return programs.fdrecv("-f", "0", "-c", "--abstract", "3", ready=None)


@case(2)
def kind_of_socket_twice_to_forward(programs):
    r"""fdfwd: -a: -a was given for this SOCKSPEC already
        Try 'fdfwd --help' for more information."""
    return programs.fdfwd("one", "-aa", "two", ready=None)


@case(1)
def nothing_announced(programs):
    r"""fdsend: --listen-fds: LISTEN_FDS announces nothing; it is set by who starts fdsend with sockets, such \
        as a socket unit of systemd"""
    return programs.fdsend("-l", "x")


@case(1, needs_glibc)
def full_table(programs):
    r"""fdsend: --open {here}/plain.txt: the table of open files is full (Too many open files); raise the \
        limit, ulimit -n"""
    programs.file("plain.txt")
    path = programs.path("plain.txt")
    return programs.fdsend(*["--open", path] * 20, "x", limits=(16, 16))


@case(1)
def full_table_of_the_receiver(programs):
    r"""fdsend: {here}/x.sock: the receiver refused: descriptors were lost on the way: the receiver's table of \
        open files is full, or a security module denied one"""
    programs.fdrecv("-t", "20", "-l", programs.path("x.sock"), "--run", "true", limits=(24, 24))
    programs.leaves(programs.path("x.sock"))
    return programs.fdsend("-f", ",".join(["0"] * 60), programs.path("x.sock"))


# ---------------------------------------------------------------------------------------- a relay

@case(1)
def relay_without_a_receiver(programs):
    r"""fdfwd: {run}/to: no receiver is there (No such file or directory); start the receiver first or use \
        --blocking"""
    relay = programs.fdfwd("from", "to")
    programs.fdsend("-f", "0", "from").wait()
    return relay


@case(1)
def sender_to_a_relay_without_a_receiver(programs):
    r"""fdsend: {run}/from: the receiver refused: {run}/to: no receiver is there (No such file or directory); \
        start the receiver first or use --blocking"""
    programs.fdfwd("from", "to")
    return programs.fdsend("-f", "0", "from")


@pytest.mark.parametrize("function, status", TABLE)
def test_message(programs, hold, function, status):
    says(programs, hold, function, status)
