# SPDX-License-Identifier: MIT
"""What is said when descriptors are not to be had from another process, or when that is not to be ended.
messages.py says how to read it."""

import fcntl
import os
import signal
import socket
import threading

import pytest

from messages import Table, needs_root, says
from processes import LIBC, STRANGER, until
from programs import READY
from retiring import Port, state

TABLE = Table()
case = TABLE.case
PR_SET_DUMPABLE = 4


# -------------------------------------------------------------------------------- another process

@case(1)
def no_such_process(programs):
    r"""fdsend: process {pid}: there is no such process, or no more (No such process); listen:PORT names the one behind \
        a port"""
    process = programs.shell("true")
    process.wait()
    return programs.fdsend("-p", str(process.pid), "-f", "0", "x"), {"pid": process.pid}


@case(1)
def nobody_behind_that_port(programs):
    r"""fdsend: listen:{here}/none.sock: no process holds that; 'fdsend --list -p PID' shows what a \
        process holds"""
    return programs.fdsend("-p", f"listen:{programs.path('none.sock')}", "-f", "0", "x")


@case(1)
def number_that_it_has_not(programs, hold):
    r"""fdsend: descriptor 9 of process {pid}: nothing is open there; 'fdsend --list -p {pid}' shows what is"""
    process = hold()
    return programs.fdsend("-p", str(process.pid), "-f", "9", "x"), {"pid": process.pid}


@case(1)
def socket_by_number(programs, hold):
    r"""fdsend: descriptor 9 of process {pid}: a socket cannot be opened a second time, only duplicated: use \
        --dup"""
    with socket.socket() as made:
        process = hold(fds={9: made.fileno()})
    return programs.fdsend("-p", str(process.pid), "-f", "9", "x"), {"pid": process.pid}


@case(1, needs_root)
def process_of_another_user(programs, hold):
    r"""fdsend: descriptor 0 of process {pid}: not allowed (Permission denied): the process runs, or began, as \
        another user (0); do this as root (CAP_SYS_PTRACE), as with sudo"""
    process = hold()
    programs.public_folder()
    return programs.fdsend("-p", str(process.pid), "-f", "0", "x", user=STRANGER, cwd="/"), {"pid": process.pid}


@case(1, needs_root)
def process_that_has_protected_itself(programs, hold):
    r"""fdsend: descriptor 0 of process {pid}: not allowed (Permission denied): the process has protected itself \
        (PR_SET_DUMPABLE, or its program may not be read); do this as root (CAP_SYS_PTRACE), as with sudo"""
    process = hold(user=STRANGER, cwd="/", before=lambda: LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
    programs.public_folder()
    return programs.fdsend("-p", str(process.pid), "-f", "0", "x", user=STRANGER, cwd="/"), {"pid": process.pid}


@case(1)
def process_that_is_another_one_by_now(programs, hold):
    r"""fdsend: process {pid}:1: the process with the number {pid} is another one by now; look again, with fdsend \
        --pidref"""
    process = hold()
    return programs.fdsend("-p", f"{process.pid}:1", "-f", "0", "x"), {"pid": process.pid}


@case(125)
def taken_by_fdrecv(programs, hold):
    """fdrecv: descriptor 9 of process {pid}: nothing is open there; 'fdsend --list -p {pid}' shows what is"""
    process = hold()
    return programs.fdrecv("-p", str(process.pid), "-f", "3", "9", "--run", "true", ready=None), {"pid": process.pid}


@case(1)
def nothing_that_fits(programs, hold):
    r"""fdsend: listen:1: process {pid} holds nothing that fits
        It has no sockets."""
    process = hold()
    return programs.fdsend("-p", str(process.pid), "-M", "listen:1", "x"), {"pid": process.pid}


@case(1)
def thread_of_a_process(programs):
    """fdsend: process {tid}: {tid} is a thread; name its process, see Tgid in /proc/{tid}/status"""
    def threads():
        made = threading.Thread(target=signal.pause, daemon=True)
        made.start()
        os.write(READY, b"\n")
        os.close(READY)
        made.join()

    process = programs.forked(threads, ready=READY).wait_ready()
    tid, = {int(name) for name in os.listdir(f"/proc/{process.pid}/task")} - {process.pid}
    sender = programs.fdsend("-p", str(tid), "-f", "0", "x")
    sender.wait()
    process.kill()
    return sender, {"tid": tid}


@case(1)
def process_that_has_ended(programs, hold):
    r"""fdsend: process {pid}: process {pid} has ended and holds nothing any more; its parent has not asked for its \
        status yet"""
    process = hold()
    process.signal(signal.SIGKILL)
    until(lambda: state(process) == "Z", "it has ended")
    return programs.fdsend("-p", str(process.pid), "-f", "0", "x"), {"pid": process.pid}


@case(1)
def several_behind_one_port(programs, hold):
    r"""fdsend: {expression}: several processes hold that, and none is the ancestor of all the others: {one} ({name}), \
        {other} ({name}); name one of them by its PID"""
    port = Port(programs)
    pids = sorted(hold(fds={7: port.fileno()}).pid for _ in range(2))
    port.socket.close()
    with open("/proc/self/comm", encoding="ascii") as file:
        name = file.read().strip()
    return (programs.fdsend("-p", port.expression, "-M", port.expression, "x"),
            {"expression": port.expression, "one": pids[0], "other": pids[1], "name": name})


@case(1, needs_root)
def process_that_is_not_visible(programs, hold):
    r"""fdsend: {expression}: it is there, but no process that holds it is visible to this user; try it as root, or in \
        the PID namespace of that process"""
    port = Port(programs)
    hold(fds={7: port.fileno()})
    port.socket.close()
    programs.public_folder()
    return (programs.fdsend("-p", port.expression, "-f", "7", "x", user=STRANGER, cwd="/"),
            {"expression": port.expression})


@case(1, needs_root)
def process_of_another_group(programs, hold):
    r"""fdsend: descriptor 0 of process {pid}: not allowed (Permission denied): the process runs, or began, with another \
        group; do this as root (CAP_SYS_PTRACE), as with sudo"""
    def become():
        os.setgroups([])
        os.setresgid(1, 1, 1)
        os.setresuid(STRANGER, STRANGER, STRANGER)
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)

    process = hold(before=become)
    programs.public_folder()
    return programs.fdsend("-p", str(process.pid), "-f", "0", "x", user=STRANGER, cwd="/"), {"pid": process.pid}


@case(1, needs_root)
def process_that_may_do_more(programs, hold):
    r"""fdsend: descriptor 0 of process {pid}: not allowed (Permission denied): the process has capabilities that this \
        one has not; do this as root (CAP_SYS_PTRACE), as with sudo"""
    process = hold()
    return (programs.start(["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "--",
                            programs.fdsend_path, "-p", str(process.pid), "-f", "0", "x"]), {"pid": process.pid})


@case(1)
def what_has_no_file(programs, hold):
    r"""fdsend: descriptor 7 of process {pid}: it has no file that could be opened a second time, it can only be \
        duplicated: use --dup"""
    process = hold(fds={7: programs.own(os.eventfd(0, os.EFD_CLOEXEC))})
    return programs.fdsend("-p", str(process.pid), "-f", "7", "x"), {"pid": process.pid}


@case(1)
def device_that_is_new_each_time(programs, hold):
    r"""fdsend: descriptor 7 of process {pid}: opening this device a second time makes another one of it, it can only be \
        duplicated: use --dup"""
    leader, follower = os.openpty()
    programs.own(follower)
    process = hold(fds={7: programs.own(leader)})
    return programs.fdsend("-p", str(process.pid), "-f", "7", "x"), {"pid": process.pid}


@case(1)
def file_that_asks_its_opener(programs, hold):
    r"""fdsend: descriptor 7 of process {pid}: a file of procfs or cgroupfs does what its opener might, so it is not \
        opened a second time, only duplicated: use --dup"""
    process = hold(fds={7: programs.own(os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC))})
    return programs.fdsend("-p", str(process.pid), "-f", "7", "x"), {"pid": process.pid}


@case(1)
def fifo_that_nobody_reads(programs, hold):
    r"""fdsend: descriptor 7 of process {pid}: nobody reads from this FIFO, so it cannot be opened for writing; use \
        --dup"""
    os.mkfifo(programs.path("fifo"))
    reader = os.open(programs.path("fifo"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    process = hold(fds={7: programs.own(os.open(programs.path("fifo"), os.O_WRONLY | os.O_CLOEXEC))})
    os.close(reader)
    return programs.fdsend("-p", str(process.pid), "-f", "7", "x"), {"pid": process.pid}


@case(1)
def file_with_a_lease(programs, hold):
    r"""fdsend: descriptor 7 of process {pid}: another process has a lease on this file (Resource temporarily \
        unavailable); use --dup"""
    programs.close(programs.file("file"))
    reader = programs.own(os.open(programs.path("file"), os.O_RDONLY | os.O_CLOEXEC))

    def lease():
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        fcntl.fcntl(7, fcntl.F_SETLEASE, fcntl.F_RDLCK)

    process = hold(fds={7: reader}, before=lease)
    return programs.fdsend("-p", str(process.pid), "-m", "w", "-f", "7", "x"), {"pid": process.pid}


@case(1)
def nothing_that_fits_among_others(programs, hold):
    r"""fdsend: listen:1: process {pid} holds nothing that fits
        It has:
          7 tcp-listen 127.0.0.1:{port}"""
    port = Port(programs)
    process = hold(fds={7: port.fileno()})
    return (programs.fdsend("-p", str(process.pid), "-M", "listen:1", "x"),
            {"pid": process.pid, "port": port.address[1]})


# -------------------------------------------------------------------------------- ending it

@case(125)
def retired_without_a_listening_socket(programs, hold):
    r"""fdrecv: --retire: no listening socket was taken from process {pid}, so that it cannot be seen whether it is \
        idle; name the signal that ends it, such as --retire=TERM"""
    process = hold()
    return (programs.fdrecv("-p", str(process.pid), "-f", "3", "0", "--retire", "--run", "true", ready=None),
            {"pid": process.pid})


@case(125)
def retired_with_several_processes(programs, hold):
    r"""fdrecv: --retire: 2 processes hold the listening socket; a server of several is ended by its own signal, such \
        as --retire=QUIT or --retire=TERM"""
    port = Port(programs)
    pid, _ = [hold(fds={7: port.fileno()}).pid for _ in range(2)]
    port.socket.close()
    return programs.fdrecv("-p", str(pid), "-l", port.expression, "--retire", "--run", "true", ready=None)


@case(125)
def retired_oneself(programs):
    """fdrecv: --retire: process {pid} is this one, which becomes the command"""
    process = programs.shell("exec fdrecv -p $$ -f 3 0 --retire=TERM --run true")
    return process, {"pid": process.pid}


@pytest.mark.parametrize("function, status", TABLE)
def test_message(programs, hold, function, status):
    says(programs, hold, function, status)
