# SPDX-License-Identifier: MIT
"""The command line: what is accepted, what is wrong usage, and what is said about it."""

import os

import pytest

from programs import TRY_FDRECV, TRY_FDSEND, listens

USER = str(os.geteuid())
GROUP = str(os.getegid())

# NAME stands for a name in the run directory, 3 and 4 are open.
FDSEND_ACCEPTED = [
    "-b -f 3 NAME", "-b -f3 NAME", "-b --fd 3 NAME", "-b --fd=3 NAME", "-bf3 NAME", "-bvf 3 NAME",
    "NAME -b -f 3", "-b NAME -f 3", "-b -f 3 -- NAME", "--blocking -f 3 NAME", "--block -f 3 NAME",
    "-b -t 20 -f 3 NAME", "-b -t20 -f 3 NAME", "-bt20 -f 3 NAME", "-b --timeout 20.5 -f 3 NAME",
    "-b --timeout=0 -f 3 NAME", "-b --time=20 -f 3 NAME", "-b -f 3 --confirm=answer NAME",
    "-b -f 3 --confirm answer NAME", "-b -f 3 --no-confirm NAME", "-b -f 3 --no-c NAME",
    "-b -f 3 --to-user=USER NAME", "-b -f 3 --to-user USER --to-user 54321 NAME",
    "-b -f 3 --to-user any NAME", "-b -f 3 --to-group GROUP NAME", "-b -f 3 --to-g=GROUP NAME",
    "-b -f 3 -v NAME", "-b -f 3 --verbose NAME", "-b -f 3 -q NAME", "-b -f 3 --quiet NAME",
    "-b -f 3,4 NAME", "-b -f 3-4 NAME", "-b -f 3 -f 4 NAME", "-b -f 3,3,4-4 NAME", "-b -f 03 NAME",
]

FDRECV_ACCEPTED = [
    "-f 0 NAME --run CAT", "-f0 NAME --run CAT", "--fd 0 NAME -r CAT", "--fd=0 NAME -- CAT",
    "--fd 0 NAME --ru CAT", "-i NAME --run CAT", "-f 0 -t 20 NAME --run CAT",
    "-t 20 -f 0 NAME --run CAT", "-f 0 NAME -t20 --run CAT", "-f 0 NAME --timeout=20.25 -- CAT",
    "-f 0 -v NAME --run CAT", "-vf0 NAME -r CAT", "-q -f 0 NAME --run CAT",
    "-f 0 --verbose NAME --quiet --run CAT", "-f 0 --close-others NAME --run CAT",
    "-f 0 NAME --close --run CAT", "-t 0 -f 0 NAME --run CAT",
]

FDSEND_REFUSED = [
    # arguments, what the message has
    ("", []),
    ("-f 3", []),
    ("NAME", []),
    ("-f 3 NAME surplus", ["surplus"]),
    ("-f 3 --nonsense NAME", ["--nonsense"]),
    ("-f 3 -Z NAME", ["-Z"]),
    ("-f 3 -bZ NAME", ["-Z"]),
    ("NAME -f", ["-f"]),
    ("NAME --fd", ["--fd"]),
    ("--fd= NAME", ["--fd"]),
    ("-f x NAME", ["-f", "'x'"]),
    ("-f 3, NAME", ["-f", "3,"]),
    ("-f ,3 NAME", ["-f", ",3"]),
    ("-f 3,,4 NAME", ["-f", "3,,4"]),
    ("-f 3- NAME", ["-f", "3-"]),
    ("-f -3 NAME", ["-f", "-3"]),
    ("-f 4-3 NAME", ["-f", "4-3"]),
    ("-f 0x3 NAME", ["-f", "0x3"]),
    ("-f +3 NAME", ["-f", "+3"]),
    ("--fd=3;4 NAME", ["--fd", "3;4"]),
    ("-f 99999999999999999999 NAME", ["-f", "99999999999999999999"]),
    ("-f 2147483648 NAME", ["-f", "2147483648"]),
    ("-f 3-99999999999 NAME", ["-f", "99999999999"]),
    ("-f 3 -t soon NAME", ["-t", "soon"]),
    ("-f 3 -t -1 NAME", ["-t", "-1"]),
    ("-f 3 --timeout= NAME", ["--timeout"]),
    ("-f 3 -t inf NAME", ["-t", "inf"]),
    ("-f 3 -t nan NAME", ["-t", "nan"]),
    ("-f 3 -t 1s NAME", ["-t", "1s"]),
    ("-f 3 -t 1..5 NAME", ["-t", "1..5"]),
    ("-f 3 --to NAME NAME", ["--to"]),
    ("-f 3 --confirm=never NAME", ["--confirm", "never"]),
    ("-f 3 --confirm= NAME", ["--confirm"]),
    ("-f 3 --blocking=yes NAME", ["--blocking"]),
    ("-f 3 --to-user no.such.user NAME", ["--to-user", "no.such.user"]),
    ("-f 3 --to-group no.such.group NAME", ["--to-group", "no.such.group"]),
    ("-f 3 --to-user 4294967296 NAME", ["--to-user", "4294967296"]),
    ("-f 3 --to-user 4294967295 NAME", ["--to-user", "4294967295"]),
    ("-f 3 --to-user -1 NAME", ["--to-user", "-1"]),
    ("-f 3 --to-group 18446744073709551616 NAME", ["--to-group", "18446744073709551616"]),
]

FDRECV_REFUSED = [
    ("", []),
    ("--run CAT", []),
    ("NAME --run CAT", ["NAME"]),
    ("-f 0 --run CAT", ["-f"]),
    ("-f 0 NAME", []),
    ("-f 0 NAME --run", []),
    ("-f 0 NAME --", []),
    ("-f 0 NAME surplus --run CAT", ["surplus"]),
    ("-f 0 -i NAME --run CAT", ["-i"]),
    ("-f 0 -f 1 NAME --run CAT", ["-f"]),
    ("-f 0 NAME -f 1 --run CAT", ["-f"]),
    ("-f 3,3 NAME --run CAT", ["3"]),
    ("-f 3-5,4 NAME --run CAT", ["4"]),
    ("-f 0 NAME -i OTHER --run CAT", ["0"]),
    ("-f 0 NAME -f 5,0 OTHER --run CAT", ["0"]),
    ("-f 0 NAME --nonsense --run CAT", ["--nonsense"]),
    ("-Z -f 0 NAME --run CAT", ["-Z"]),
    ("-f x NAME --run CAT", ["-f", "'x'"]),
    ("--fd=3- NAME --run CAT", ["--fd", "3-"]),
    ("-f 99999999999999999999 NAME --run CAT", ["-f", "99999999999999999999"]),
    ("-f 0 NAME -t soon --run CAT", ["-t", "soon"]),
    ("-f 0 NAME --ready-fd x --run CAT", ["--ready-fd", "x"]),
    ("-f 0 NAME --ready-fd -1 --run CAT", ["--ready-fd", "-1"]),
    ("-f 0 ./x --from-user no.such.user --run CAT", ["--from-user", "no.such.user"]),
    ("-f 0 ./x --from-user 4294967296 --run CAT", ["--from-user", "4294967296"]),
    ("-f 0 ./x --from-group no.such.group --run CAT", ["--from-group", "no.such.group"]),
    ("-f 0 ./x --from 0 --run CAT", ["--from"]),
    ("-f 0 NAME --from-user daemon --run CAT", ["--from-user", "NAME"]),
    ("-f 0 NAME --from-user any --run CAT", ["--from-user", "NAME"]),
    ("-f 0 NAME --from-group daemon --run CAT", ["--from-group", "NAME"]),
    ("-f 0 listen:80 --run CAT", ["listen:80", "./"]),
    ("-f 0 NAME -a --run CAT", ["-a"]),
]

WORDS = {"NAME": "name", "CAT": "cat", "USER": USER, "GROUP": GROUP, "OTHER": "other"}


def words(line):
    for word, meaning in WORDS.items():
        line = line.replace(word, meaning)
    return line.split()


@pytest.mark.parametrize("line", FDSEND_ACCEPTED)
def test_fdsend_accepts(programs, line):
    receiver = programs.fdrecv("-f", "0", "name", "--run", "cat")
    sender = programs.fdsend(*words(line), fds={3: programs.text("sent"), 4: programs.text("too")})
    assert sender.wait().status == 0
    assert programs.succeeds(receiver) == "sent"
    verbose = any(word in line for word in ("-v", "-bv", "--verbose"))
    assert verbose == (sender.stderr != "")


@pytest.mark.parametrize("line", FDRECV_ACCEPTED)
def test_fdrecv_accepts(programs, line):
    receiver = programs.fdrecv(*words(line), ready=None)
    programs.succeeds(programs.fdsend("-b", "-f", "0", "name", fds={0: programs.text("sent")}))
    result = receiver.wait()
    assert (result.status, result.stdout) == (0, "sent")


@pytest.mark.parametrize("line, texts", FDSEND_REFUSED, ids=[line for line, _ in FDSEND_REFUSED])
def test_fdsend_refuses(programs, line, texts):
    sender = programs.fdsend(*words(line), fds={3: programs.text("sent")})
    message = programs.fails(sender, 2, "fdsend: ", *[WORDS.get(text, text) for text in texts])
    assert message.rstrip("\n").endswith(TRY_FDSEND)
    assert sender.result.stdout == ""


@pytest.mark.parametrize("line, texts", FDRECV_REFUSED, ids=[line for line, _ in FDRECV_REFUSED])
def test_fdrecv_refuses(programs, line, texts):
    receiver = programs.fdrecv(*words(line), ready=None)
    message = programs.fails(receiver, 125, "fdrecv: ", *[WORDS.get(text, text) for text in texts])
    assert message.rstrip("\n").endswith(TRY_FDRECV)
    assert receiver.result.stdout == ""


def test_what_follows_run_belongs_to_the_command(programs):
    receiver = programs.fdrecv("-f", "0", "name", "-r", "printf", "%s,", "-f", "--help", "--", "-a", "--run")
    programs.succeeds(programs.fdsend("-f", "0", "name"))
    assert programs.succeeds(receiver) == "-f,--help,--,-a,--run,"


def test_empty_arguments_reach_the_command(programs):
    receiver = programs.fdrecv("-f", "0", "name", "--", "printf", "<%s>", "", "a b", "")
    programs.succeeds(programs.fdsend("-f", "0", "name"))
    assert programs.succeeds(receiver) == "<><a b><>"


def test_abstract_holds_for_one_name(programs):
    """Before or after its TARGET; the next SOCKSPEC is a name in the run directory again."""
    first, third = programs.abstract("first"), programs.abstract("third")
    receiver = programs.fdrecv("-a", "-f", "3", first, "-f", "4", "second", "-f", "5", "-a", third,
                               "--run", "sh", "-c", "cat <&3; cat <&4; cat <&5")
    programs.succeeds(programs.fdsend("-f", "0", "second", fds={0: programs.text("2")}))
    programs.succeeds(programs.fdsend("-f", "0", third, "-a", fds={0: programs.text("3")}))
    programs.succeeds(programs.fdsend("--abstract", "-f", "0", first, fds={0: programs.text("1")}))
    assert programs.succeeds(receiver) == "123"


def test_several_lists_add_up_in_order(programs):
    receiver = programs.fdrecv("-f", "7,5-6,9", "name", "--run", "sh", "-c", "cat <&7; cat <&5; cat <&6; cat <&9")
    given = {number: programs.text(str(number)) for number in range(3, 7)}
    programs.succeeds(programs.fdsend("-f", "6", "-f", "3-4", "--fd=5", "name", fds=given))
    assert programs.succeeds(receiver) == "6345"


def test_ready_means_every_socket_listens(programs):
    """A newline, then end-of-file; and the number may be a target."""
    name = programs.abstract()
    receiver = programs.fdrecv("-f", "5", "one", "-a", "-f", "6", name, "--run", "sh", "-c", "cat <&5; cat <&6",
                               ready=5)
    listens(name)
    assert os.path.exists(programs.named("one"))
    programs.succeeds(programs.fdsend("-a", "-f", "0", name, fds={0: programs.text("6")}))
    programs.succeeds(programs.fdsend("-f", "0", "one", fds={0: programs.text("5")}))
    assert programs.succeeds(receiver) == "56"


def test_ready_descriptor_that_is_not_open(programs):
    for number in ("77", "0"):
        receiver = programs.fdrecv("-f", "5", "name", "--ready-fd", number, "--run", "cat", ready=None, fds={0: None})
        programs.fails(receiver, 125, "fdrecv: ", "--ready-fd", number, "not open")
    assert not os.path.lexists(programs.runtime)


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("program, options", [
    ("fdsend", ["-f", "--fd", "-a", "-b", "-t", "--to-user", "--to-group", "--confirm", "--no-confirm",
                "-v", "-q", "-h", "-V"]),
    ("fdrecv", ["-f", "--fd", "-i", "-o", "-e", "-l", "-E", "--inetd", "--dialect", "--fdname", "-a", "-t",
                "--from-user", "--from-group", "--ready-fd",
                "--close-others", "-r", "--run", "-v", "-q", "-h", "-V"])])
def test_help(programs, program, options, option):
    text = programs.succeeds(programs.start([program, option]))
    assert max(map(len, text.splitlines())) <= 80
    assert "\t" not in text and text.endswith("\n")
    for name in options:
        assert name in text.replace(",", " ").replace("=", " ").replace("[", " ").split(), name


@pytest.mark.parametrize("option", ["-V", "--version"])
@pytest.mark.parametrize("program", ["fdsend", "fdrecv"])
def test_version(programs, program, option):
    text = programs.succeeds(programs.start([program, option]))
    assert text.startswith(program) and any(part[0].isdigit() for part in text.split())
    assert text.count("\n") == 1


@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("program, status", [("fdsend", 1), ("fdrecv", 125)])
def test_help_that_cannot_be_written(programs, program, status, option):
    full = programs.own(os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC))
    programs.fails(programs.start([program, option], fds={1: full}), status, program, "No space left")
    programs.fails(programs.start([program, option], fds={1: None}), status, program)


def test_quiet_says_nothing(programs):
    sender = programs.fdsend("-q", "-f", "0", "nobody")
    receiver = programs.fdrecv("-q", "-f", "0", "/nowhere/at/all", "--run", "cat", ready=None)
    assert programs.fails(sender, 1) == ""
    assert programs.fails(receiver, 125) == ""


def test_verbose_tells_of_both_ends(programs):
    receiver = programs.fdrecv("-v", "-f", "0", "name", "--run", "cat")
    sender = programs.fdsend("-v", "-f", "0", "name")
    assert sender.wait().status == 0 and receiver.wait().status == 0
    assert str(receiver.pid) in sender.stderr
    assert str(sender.pid) in receiver.stderr
    for process in (sender, receiver):
        assert all(line.startswith(("fdsend: ", "fdrecv: ")) for line in process.stderr.splitlines())
