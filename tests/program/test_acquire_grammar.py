# SPDX-License-Identifier: MIT
"""The command lines with --pid: what belongs to what, and what is refused before anything is looked at."""

import os
import signal
import socket

import pytest

from programs import TRY_FDRECV, TRY_FDSEND, identity

SELF = str(os.getpid())


def listener(programs, host="127.0.0.1", family=socket.AF_INET):
    made = programs.closes(socket.socket(family, socket.SOCK_STREAM))
    made.bind((host, 0))
    made.listen()
    return made, str(made.getsockname()[1])


def placed(report):
    return {number: facts["identity"] for number, facts in report["fds"].items() if number > 2}


def same(expected):
    return {number: identity(fd) for number, fd in expected.items()}


# ------------------------------------------------------------------------------------------ wrong usage

@pytest.mark.parametrize("words, texts", [
    (["-d", "-f", "0"], ["-d", "--pid"]),
    (["-g", "--open", "/dev/null"], ["-g", "--pid"]),
    (["--dup", "-l"], ["--dup", "--pid"]),
    (["--pidfd-getfd", "-f", "0"], ["--pidfd-getfd", "--pid"]),
    (["-m", "r", "-f", "0"], ["--mode", "--open", "--pid"]),
    (["-M", "listen:80"], ["--match", "--pid"]),
    (["--match", "file:x", "-f", "0"], ["--match", "--pid"]),
    (["-p", SELF], [f"--pid {SELF}", "--fd", "--match", "--list"]),
    (["-p", SELF, "--open", "/dev/null"], [f"--pid {SELF}", "--fd", "--match"]),
    (["-p", SELF, "-l"], [f"--pid {SELF}", "--fd", "--match"]),
    (["-p", SELF, "-p", "1", "-f", "0"], ["-p 1", f"'{SELF}'", "already"]),
    (["-p", SELF, "-d", "-m", "r", "-f", "0"], ["--mode", "-d", "shares"]),
    (["-p", SELF, "--pidfd-getfd", "-m", "r+", "-f", "0"], ["--mode", "--pidfd-getfd", "shares"]),
    (["-p", SELF, "-m", "r", "-M", "listen:80"], ["--mode", "'listen:80'", "sockets"]),
    (["-p", SELF, "-m", "rw", "-f", "0"], ["-m", "'rw'", "'r+'"]),
    (["-p", "", "-f", "0"], ["-p", "which process"]),
    (["-p", "0", "-f", "0"], ["-p '0'", "no process"]),
    (["-p", "99999999999", "-f", "0"], ["99999999999", "no process"]),
    (["-p", "12x", "-f", "0"], ["'12x'", "PID:INODE"]),
    (["-p", "12:", "-f", "0"], ["'12:'", "PID:INODE", "--pidref"]),
    (["-p", "12:0", "-f", "0"], ["'12:0'", "PID:INODE"]),
    (["-p", "12:x", "-f", "0"], ["'12:x'", "PID:INODE"]),
    (["-p", "12:99999999999999999999", "-f", "0"], ["PID:INODE"]),
    (["-p", "-12", "-f", "0"], ["'-12'"]),
    (["-p", "nginx", "-f", "0"], ["'nginx'", "listen", "file:"]),
    (["-p", "listen:", "-f", "0"], ["'listen:'", "port"]),
    (["-p", "listen:http", "-f", "0"], ["'listen:http'", "a port is a number"]),
    (["-p", "listen:0", "-f", "0"], ["'listen:0'", "port 0"]),
    (["-p", SELF, "-M", "listen:65536"], ["-M", "'listen:65536'", "65535"]),
    (["-p", SELF, "-M", "listen:::1:80"], ["'listen:::1:80'", "brackets"]),
    (["-p", SELF, "-M", "listen:[::1]80"], ["'listen:[::1]80'", "']:'"]),
    (["-p", SELF, "-M", "listen:localhost:80"], ["'listen:localhost:80'", "numeric"]),
    (["-p", SELF, "-M", "listen::80"], ["'listen::80'", "host is empty"]),
    (["-p", SELF, "-M", "listen:@"], ["'listen:@'", "empty"]),
    (["-p", SELF, "-M", "unix:"], ["'unix:'", "empty"]),
    (["-p", SELF, "-M", "file"], ["'file'", "file:PATH"]),
    (["-p", SELF, "-M", "file:"], ["'file:'", "empty"]),
    (["-p", SELF, "-M", "unix:@" + "x" * 108], ["107"]),
    (["-p", SELF, "-M", ""], ["''", "listen"]),
    (["-p", SELF, "-f", ""], ["''"]),
    (["-p", SELF, "-f", "listen:80"], ["-f", "'listen:80'", "list"]),
    (["--list"], ["--list", "--pid"]),
    (["--list", "-f", "0"], ["--list", "--pid"]),
    (["--list", "-p", SELF], ["--list", "only prints", "'./socket'"]),
    (["--pidref", SELF], ["--pidref", "only prints", "'./socket'"]),
    (["--pidref", SELF, "-p", SELF], ["already"]),
    (["--pidref", SELF, "--list"], ["exclude"]),
    (["--list", "--pidref", SELF], ["exclude"]),
])
def test_wrong_usage_of_fdsend(programs, words, texts):
    message = programs.fails(programs.fdsend(*words, "./socket"), 2, "fdsend: ", *texts)
    assert message.rstrip("\n").endswith(TRY_FDSEND)


@pytest.mark.parametrize("line, texts", [
    ("-d -f 3 ./a", ["-d", "--pid"]),
    ("-g -p 1 -f 3 5", ["-g", "--pid", "before"]),
    ("-m r -f 3 ./a", ["-m", "--pid"]),
    ("--mode r -p 1 -f 3 5", ["--mode", "--pid", "before"]),
    ("-p 1 -f 3 5 -a -f 4 name --dup", ["--dup", "--pid"]),
    ("-p 1", ["--pid 1", "no target"]),
    ("-f 3 ./a -p 1", ["--pid 1", "-l listen:8080"]),
    ("-p 1 -p 2 -f 3 5", ["--pid 1", "-l listen:8080"]),
    ("-p 1 -f 3", ["no LIST or EXPR", "-f"]),
    ("-p 1 -f 3 -f 4 5", ["-f 4", "-f"]),
    ("-p 1 5", ["'5'", "target"]),
    ("-p 1 -f 3,4 5", ["'5'", "(1)", "targets (2)"]),
    ("-p 1 -f 3-6 5-7", ["'5-7'", "(3)", "targets (4)"]),
    ("-p 1 -f 3 5 -f 3 6", ["target 3", "twice"]),
    ("-p 1 -f 3 5 -p 2 -f 3 6", ["target 3", "twice"]),
    ("-f 3 ./a -p 2 -f 3 6", ["target 3", "twice"]),
    ("-p 1 -f 3,3 5,6", ["target 3", "twice"]),
    ("-p 1 --inetd 5 -i 6", ["target 0", "twice"]),
    ("-p 1 -E VAR 5 -E VAR 6", ["VAR", "twice"]),
    ("-p 1 -l 5 -f 3 6", ["target 3", "--listen-fds"]),
    ("-p 1 -m r -l listen:80", ["--mode", "'listen:80'", "sockets"]),
    ("-p 1 -d -m r -f 3 5", ["--mode", "-d", "shares"]),
    ("-p 1 -m x -f 3 5", ["-m", "x"]),
    ("-p 1 -a -f 3 name -p 2", ["--pid 1", "-l listen:8080"]),
    ("-a -p 1 -f 3 5", ["-p 1", "-a"]),
    ("-c -p 1 -f 3 5", ["-p 1", "-c"]),
    ("-p x -f 3 5", ["'x'", "listen"]),
    ("-p 1:x -f 3 5", ["'1:x'", "PID:INODE"]),
    ("-p 1 -f 3 5,", ["'5,'"]),
    ("-p 1 -f 3 7-5", ["'7-5'", "backwards"]),
    ("-p 1 -l listen:x", ["'listen:x'", "number"]),
    ("-p 1 -l ./socket", ["'./socket'", "SOCKSPEC", "--pid"]),
    ("-p 1 -l name", ["'name'", "SOCKSPEC", "--pid"]),
    ("-l listen:80", ["'listen:80'", "--pid"]),
    ("--retire -f 3 ./a", ["--retire", "--pid"]),
    ("--retire=TERM -f 3 ./a", ["--retire", "--pid"]),
    ("-p 1 -f 3 5 --retire=NONE", ["--retire", "'NONE'", "TERM"]),
    ("-p 1 -f 3 5 --retire=0", ["--retire", "'0'"]),
    ("-p 1 -f 3 5 --retire=65", ["--retire", "'65'"]),
    ("-p 1 -f 3 5 --retire=-1", ["--retire", "'-1'"]),
    ("-p 1 -f 3 5 --retire=", ["--retire", "''"]),
    ("-p 1 -f 3 5 --retire=RTMIN+99", ["--retire", "'RTMIN+99'"]),
    ("-p 1 -f 3 5 --retire TERM", ["'TERM': a signal for --retire is written --retire=TERM"]),
    ("-p 1 -f 3 5 --retire FOO", ["'FOO'", "target"]),
    ("-p 1 -f 3 5 --retire=INT TERM", ["'TERM'", "target"]),
])
def test_wrong_usage_of_fdrecv(programs, line, texts):
    receiver = programs.fdrecv(*line.split(), "--run", "touch", "ran", ready=None)
    message = programs.fails(receiver, 125, "fdrecv: ", *texts)
    assert message.rstrip("\n").endswith(TRY_FDRECV)
    assert not os.path.lexists(programs.path("ran")) and not os.path.lexists(programs.path("a"))


# ------------------------------------------------------------------------------------------- how far it holds

def test_pid_holds_until_the_next_one(programs, hold):
    files = [programs.file(str(number)) for number in range(5)]
    one, two = hold({7: files[0], 8: files[1], 9: files[2]}), hold({7: files[3], 8: files[4]})
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", str(one.pid), "-f", "5", "7", "-f", "6,3", "8-9", "-p", str(two.pid), "-f",
                                      "9", "8", "-f", "11", "7", "--run", *command, ready=None))
    assert placed(read()) == same({5: files[0], 6: files[1], 3: files[2], 9: files[4], 11: files[3]})


def test_pid_holds_until_a_name(programs, hold):
    """-a and -c are of senders again; a path or a name stands before the first --pid."""
    files = [programs.file(str(number)) for number in range(6)]
    one, name = hold({7: files[0], 8: files[1]}), programs.abstract()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command, read = programs.listing()
        receiver = programs.fdrecv("-f", "3", "./path", "-f", "4", "-p", str(one.pid), "7", "-a", "-f", "5", name, "-p",
                                   str(one.pid), "-f", "6", "8", "-f", "8", "-c", "9", "-f", "10", "named", "--run",
                                   *command, fds={9: theirs.fileno()})
        programs.succeeds(programs.fdsend("-f", "7", "named", fds={7: files[5]}))
        programs.succeeds(programs.fdsend("-f", "7", "-a", name, fds={7: files[3]}))
        programs.succeeds(programs.fdsend("-f", "7", "./path", fds={7: files[2]}))
        programs.succeeds(programs.fdsend("-f", "7", "-c", "6", fds={6: ours.fileno(), 7: files[4]}))
        programs.succeeds(receiver)
    assert placed(read()) == same({3: files[2], 4: files[0], 5: files[3], 6: files[1], 8: files[4], 10: files[5]})


def test_options_of_one_process_are_not_the_next_ones(programs, hold):
    """--dup, wherever it stands in its group; --mode of another."""
    file = programs.file("file", "content", os.O_RDONLY)
    os.lseek(file, 3, os.SEEK_SET)
    pid = str(hold({7: file}).pid)
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", pid, "-f", "3", "7", "-d", "-p", pid, "-f", "4", "-m", "w", "7", "-p", pid,
                                      "-f", "5", "7", "--run", *command, ready=None))
    modes = [read()["fds"][number]["flags"] & os.O_ACCMODE for number in (3, 4, 5)]
    assert modes == [os.O_RDONLY, os.O_WRONLY, os.O_RDONLY]
    receiver = programs.fdrecv("-p", pid, "-f", "3", "7", "-d", "-p", pid, "-f", "4", "7", "--run", "sh", "-c",
                               "cat <&4; cat <&3", ready=None)
    assert programs.succeeds(receiver) == "contenttent"


def test_several_sockets_of_one_server(programs, hold):
    """-l after -l, by description."""
    (one, port), (two, other) = listener(programs), listener(programs)
    there = hold({7: one.fileno(), 8: two.fileno()})
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", str(there.pid), "-l", f"listen:{other}", "-l", f"listen:{port}", "--run",
                                      *command, ready=None))
    report = read()
    assert placed(report) == same({3: two.fileno(), 4: one.fileno()})
    assert report["environment"]["LISTEN_FDS"] == "2"
    assert report["environment"]["LISTEN_PID"] == str(report["pid"])


# ------------------------------------------------------------------------------------------------ targets

def test_every_target(programs, hold):
    files = {number: programs.file(str(number)) for number in range(7, 16)}
    pid = str(hold(files).pid)
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", pid, "-i", "7", "-o", "8", "-e", "9", "-l", "10,11", "-E", "VAR", "12-13",
                                      "-f", "20", "14", "--run", *command, ready=None))
    report = read()
    first, second = map(int, report["environment"]["VAR"].split(","))
    assert {first, second} == {5, 6} and report["environment"]["LISTEN_FDS"] == "2"
    assert {number: facts["identity"] for number, facts in report["fds"].items()} == same(
        {0: files[7], 1: files[8], 2: files[9], 3: files[10], 4: files[11], first: files[12], second: files[13],
         20: files[14]})


def test_inetd(programs, hold):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        there = hold({7: theirs.fileno()})
        receiver = programs.fdrecv("-p", str(there.pid), "--dup", "--inetd", "7", "--run", "sh", "-c",
                                   "read line; echo got $line", ready=None)
        ours.sendall(b"this\n")
        programs.succeeds(receiver)
        assert ours.recv(100) == b"got this\n"


@pytest.mark.parametrize("words", [["-f", "3", "7-9"], ["-i", "7,8,9"], ["--inetd", "7,8"]], ids=lambda words: words[0])
def test_more_than_there_are_targets_is_closed(programs, hold, words):
    files = {number: programs.file(str(number)) for number in range(7, 10)}
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", str(hold(files).pid), *words, "--run", *command, ready=None))
    found = {number: facts["identity"] for number, facts in read()["fds"].items()}
    assert list(found.values()).count(identity(files[7])) == (2 if words[0] == "--inetd" else 1)
    assert identity(files[8]) not in found.values() and identity(files[9]) not in found.values()


def test_fewer_fit_than_there_are_targets(programs, hold):
    """By description that is known only afterwards."""
    one, port = listener(programs)
    there = hold({7: one.fileno(), 8: one.fileno()})
    receiver = programs.fdrecv("-p", str(there.pid), "-f", "3,4", f"listen:{port}", "--run", "touch", "ran", ready=None)
    message = programs.fails(receiver, 125, f"--pid {there.pid}: listen:{port}: ", "2", "1")
    assert message.count("\n") == 1 and not os.path.lexists(programs.path("ran"))


def test_hundreds_of_descriptors(programs, hold):
    """From a process there is no limit of one message."""
    files = {number: programs.file("file") for number in range(20, 420)}
    command, read = programs.listing()
    programs.succeeds(programs.fdrecv("-p", str(hold(files).pid), "-f", "30-429", "20-419", "--run", *command,
                                      ready=None, limits=(64, 4096)))
    report = read()
    assert placed(report) == {number: identity(files[20]) for number in range(30, 430)}
    assert report["limits"][1] == 4096


def test_numbers_beyond_the_hard_limit(programs, hold):
    there = hold({7: programs.file("file")})
    programs.fails(programs.fdrecv("-p", str(there.pid), "-f", "3000", "7", "--run", "cat", ready=None,
                                   limits=(256, 1024)), 125, "3000", "1024")
    programs.fails(programs.fdrecv("-p", str(there.pid), "-l", ",".join(["7"] * 80), "--run", "cat", ready=None,
                                   limits=(64, 64)), 125, "table of open files is full", "ulimit -n")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_standard_numbers_closed_at_start(programs, hold, number):
    file = programs.file("file", "content")
    command, read = programs.listing()
    receiver = programs.fdrecv("-p", str(hold({7: file}).pid), "-f", "5", "7", "-f", str(number), "7", "--run",
                               *command, ready=None, fds={number: None})
    assert receiver.wait().status == 0
    assert [read()["fds"][target]["identity"] for target in (5, number)] == [identity(file)] * 2


# --------------------------------------------------------------------------------------------------- when

def test_a_process_may_end_while_senders_are_waited_for(programs, hold):
    file = programs.file("file", "content")
    there = hold({7: file})
    receiver = programs.fdrecv("-f", "5", "./socket", "-p", str(there.pid), "-f", "4", "7", "--run", "sh", "-c",
                               "cat <&4; cat <&5")
    there.kill()
    programs.succeeds(programs.fdsend("-f", "7", "./socket", fds={7: programs.text("!")}))
    assert programs.succeeds(receiver) == "content!"


def test_nobody_is_waited_for_when_it_cannot_be_taken(programs, hold):
    there = hold()
    receiver = programs.fdrecv("-f", "5", "./socket", "-p", str(there.pid), "-f", "4", "77", "--run", "touch", "ran",
                               ready=None)
    programs.fails(receiver, 125, f"descriptor 77 of process {there.pid}")
    assert not os.path.lexists(programs.path("socket")) and not os.path.lexists(programs.path("ran"))


def test_nothing_is_taken_when_there_is_no_command(programs, hold):
    """127 and 126 come first: that process is not even looked for."""
    for command, status in (("no-such-command", 127), ("/", 126)):
        receiver = programs.fdrecv("-p", "listen:1", "-f", "4", "77", "--run", command, ready=None)
        assert "listen:1" not in programs.fails(receiver, status, command)


def test_a_signal_while_senders_are_waited_for(programs, hold):
    there = hold({7: programs.file("file")})
    receiver = programs.fdrecv("-f", "5", "./socket", "-p", str(there.pid), "-f", "4", "7", "--run", "cat")
    receiver.signal(signal.SIGTERM)
    assert receiver.wait().status == -signal.SIGTERM
    assert there.alive() and not os.path.lexists(programs.path("socket"))


def test_the_time_runs_out_while_senders_are_waited_for(programs, hold):
    there = hold({7: programs.file("file")})
    receiver = programs.fdrecv("-t", "0.2", "-f", "5", "./socket", "-p", str(there.pid), "-f", "4", "7", "--run", "cat")
    programs.fails(receiver, 124)
    assert there.alive()


def test_what_a_sender_gives_must_fit_beside_what_was_taken(programs, hold):
    """--listen-fds of a sender and of a process are one row of numbers."""
    files = [programs.file(str(number)) for number in range(3)]
    there = hold({7: files[0]})
    command, read = programs.listing()
    receiver = programs.fdrecv("-l", "./socket", "-p", str(there.pid), "-l", "7", "-f", "5", "7", "--run", *command)
    sender = programs.fdsend("-f", "7-8", "./socket", fds={7: files[1], 8: files[2]})
    programs.fails(sender, 1, "refused", "target 5")
    assert receiver.alive()
    programs.succeeds(programs.fdsend("-f", "7", "./socket", fds={7: files[1]}))
    assert receiver.wait().status == 0
    assert placed(read()) == same({3: files[1], 4: files[0], 5: files[0]})


@pytest.mark.parametrize("word", ["-p", "--pid"])
def test_help_of_what_is_missing(programs, word):
    programs.fails(programs.fdsend(word), 2, word, TRY_FDSEND)
    programs.fails(programs.fdrecv(word, ready=None), 125, word, TRY_FDRECV)
