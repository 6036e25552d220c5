# SPDX-License-Identifier: MIT
"""The command lines of the design discussion, as they stand, through a shell."""

import itertools
import os

import pytest

from programs import appears, listens


def appears_in(programs):
    def there(name):
        appears(programs.runtime)
        appears(programs.named(name))
    return there


@pytest.fixture(params=["named", "abstract"])
def place(request, programs):
    """`-a` or nothing, a function that makes names, one that waits until a name listens."""
    if request.param == "abstract":
        return "-a", programs.abstract, listens
    return "", lambda name="test": name, appears_in(programs)


def test_hello_world(programs, place):
    option, make_name, there = place
    name = make_name("test")
    receiver = programs.shell(f"fdrecv {option} -f 0 {name} --run cat & wait $!")
    there(name)
    sender = programs.shell(f'echo "hello world" | fdsend {option} -f 0 {name}')
    assert programs.succeeds(sender, receiver) == "hello world\n"


def test_hello_world_in_one_script(programs, place):
    option, make_name, _ = place
    name = make_name("test")
    script = programs.shell(f'fdrecv {option} -f 0 {name} --run cat &\n'
                            f'echo "hello world" | fdsend {option} -b -f 0 {name}\n'
                            'wait $!')
    assert programs.succeeds(script) == "hello world\n"


@pytest.mark.parametrize("first", ["sender", "receiver"])
@pytest.mark.parametrize("wanted", ["0,1,2", "0,1", "0"])
def test_standard_three(programs, place, wanted, first):
    """fdsend gives its 0, 1 and 2; the receiver takes the first ones, and the surplus is closed."""
    option, make_name, _ = place
    name = make_name("name")
    command = "sh -c 'cat; echo out; echo err >&2'"
    out, out_writer = programs.pipe()
    err, err_writer = programs.pipe()

    def send():
        return programs.shell(f"exec fdsend {option} -b --fd 0,1,2 {name}",
                              fds={0: programs.text("in\n"), 1: out_writer, 2: err_writer})

    def receive():
        return programs.shell(f"exec fdrecv {option} --fd {wanted} {name} --run {command}")

    sender = send() if first == "sender" else None
    receiver = receive()
    sender = sender or send()
    programs.close(out_writer, err_writer)
    assert sender.wait().status == 0
    result = receiver.wait()
    with open(out, "rb", closefd=False) as sent_out, open(err, "rb", closefd=False) as sent_err:
        seen = {"out": sent_out.read(), "err": sent_err.read()}  # ends: nobody holds a surplus
    assert result.status == 0
    assert seen["out"] == (b"in\nout\n" if "1" in wanted else b"")
    assert seen["err"] == (b"err\n" if "2" in wanted else b"")
    assert result.stdout == ("" if "1" in wanted else "in\nout\n")
    assert result.stderr == ("" if "2" in wanted else "err\n")


def test_surplus_is_closed_while_the_command_runs(programs):
    out, out_writer = programs.pipe()
    keep, keep_writer = programs.pipe()
    receiver = programs.fdrecv("--fd", "0", "name", "--run", "cat")
    sender = programs.fdsend("--fd", "0,1,2", "name", fds={0: keep, 1: out_writer, 2: out_writer})
    programs.close(out_writer)
    assert sender.wait().status == 0
    with open(out, "rb", closefd=False) as reader:
        assert reader.read() == b""
    assert receiver.alive()
    programs.close(keep_writer)
    programs.succeeds(receiver)


def test_surplus_is_closed_while_another_socket_is_waited_for(programs):
    """Before the command runs, too: the sender's reader sees its end."""
    out, out_writer = programs.pipe()
    receiver = programs.fdrecv("-f", "0", "./one", "-f", "3", "./two", "--run", "cat")
    programs.succeeds(programs.fdsend("-f", "0,1", "./one", fds={0: programs.text("sent"), 1: out_writer}))
    programs.close(out_writer)
    assert os.read(out, 1) == b""
    programs.succeeds(programs.fdsend("-f", "0", "./two"))
    assert programs.succeeds(receiver) == "sent"


@pytest.mark.parametrize("order", list(itertools.permutations("ABC")), ids="".join)
def test_three_sockets_in_any_order(programs, place, order):
    option, make_name, there = place
    names = {letter: make_name("sock" + letter) for letter in "ABC"}
    receiver = programs.shell(
        f"exec fdrecv {option} -f 3 {names['A']} {option} -f 2 {names['B']} {option} -f 0 {names['C']}"
        " --run sh -c 'cat <&3; cat <&2; cat <&0'")
    for letter in "ABC":
        there(names[letter])
    for letter in order:
        sender = programs.shell(f"echo {letter} | fdsend {option} -f 0 {names[letter]}")
        programs.succeeds(sender)
    assert programs.succeeds(receiver) == "A\nB\nC\n"


def test_directions_by_letter(programs, place):
    """-i, -o and -e are 0, 1 and 2, here from three senders that waited."""
    option, make_name, _ = place
    names = [make_name(letter) for letter in "ioe"]
    out, out_writer = programs.pipe()
    err, err_writer = programs.pipe()
    given = [programs.text("in\n"), out_writer, err_writer]
    senders = [programs.shell(f"exec fdsend {option} -b -f 7 {name}", fds={7: fd})
               for name, fd in zip(names, given)]
    programs.close(out_writer, err_writer)
    i, o, e = names
    receiver = programs.shell(f"exec fdrecv {option} -i {i} {option} -o {o} {option} -e {e}"
                              " --run sh -c 'cat; echo err >&2'")
    assert programs.succeeds(*senders, receiver) == ""
    with open(out, "rb", closefd=False) as sent_out, open(err, "rb", closefd=False) as sent_err:
        assert (sent_out.read(), sent_err.read()) == (b"in\n", b"err\n")


def test_double_dash_is_run(programs, place):
    option, make_name, _ = place
    name = make_name()
    receiver = programs.shell(f"exec fdrecv {option} -f 0 {name} -- cat -u")
    sender = programs.shell(f"echo x | fdsend {option} -b -f 0 {name}")
    assert programs.succeeds(sender, receiver) == "x\n"


def test_status_of_the_command_is_the_status(programs):
    receiver = programs.fdrecv("-f", "0", "name", "--run", "sh", "-c", "exit 42")
    programs.succeeds(programs.fdsend("-f", "0", "name"))
    assert receiver.wait().status == 42


def test_terminal_of_another_process(programs):
    """The job that the discussion began with: a program over there gets this terminal."""
    leader, follower = map(programs.own, os.openpty())
    receiver = programs.fdrecv("-f", "0,1,2", "name", "--run", "sh", "-c", "test -t 0 -a -t 1 -a -t 2; echo $?")
    sender = programs.fdsend("-f", "0-2", "name", fds={0: follower, 1: follower, 2: follower})
    assert sender.wait().status == 0 and receiver.wait().status == 0
    with open(leader, "rb", buffering=0, closefd=False) as terminal:
        assert terminal.read(16).startswith(b"0")
