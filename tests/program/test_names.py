# SPDX-License-Identifier: MIT
"""Descriptors with names: given, selected by them, and told on in LISTEN_FDNAMES."""

import pytest

import peers
from processes import LONG
from programs import TRY_FDSEND, identity
from test_activate import distinct, placed, usage


def hand_over(programs, target, words, fds, **conditions):
    """fdrecv with `target`, fdsend with `words` and what it inherits; the report of the command."""
    command, read = programs.listing()
    receiver = programs.fdrecv(*target, "name", "--run", *command, **conditions)
    programs.succeeds(programs.fdsend(*words, "name", fds=fds))
    programs.succeeds(receiver)
    return read()


def refuses(programs, target, words, fds, *texts):
    """Refused with that reason, before a descriptor was taken; and the wait goes on."""
    receiver = programs.fdrecv(*target, "name", "--run", "cat")
    programs.fails(programs.fdsend(*words, "name", fds=fds), 1, "the receiver refused: ", *texts)
    assert receiver.alive()
    receiver.kill()
    (programs.runtime / "name").unlink()


SELECTIONS = [
    # what is wanted, what is sent, which of that goes where
    ("a=5,b=6", "a=10,b=11", {5: 0, 6: 1}),
    ("b=5,a=6", "a=10,b=11", {5: 1, 6: 0}),
    ("a=5,6", "10,a=11", {5: 1, 6: 0}),
    ("5,a=6", "a=10,11", {5: 1, 6: 0}),
    ("5,6", "b=10,a=11", {5: 0, 6: 1}),                   # nobody asks for names
    ("a=5", "b=10,a=11,a=12", {5: 1}),                    # the first of several; the rest is closed
    ("a=5-6", "b=10,a=11,c=12,a=13", {5: 1, 6: 3}),
    ("a=0,a=5", "a=10,a=11", {0: 0, 5: 1}),
    ("5,6,b=7", "a=10,b=11,c=12,d=13", {5: 0, 6: 2, 7: 1}),
    ("a b=5", "a b=10", {5: 0}),
]


@pytest.mark.parametrize("wanted, sent, expected", SELECTIONS, ids=lambda value: str(value).replace("/", ""))
def test_selection(programs, wanted, sent, expected):
    given = distinct(programs, 4)
    report = hand_over(programs, ["-f", wanted], ["-f", sent], dict(enumerate(given, start=10)))
    for number, index in expected.items():
        assert report["fds"][number]["identity"] == identity(given[index])
    assert set(report["fds"]) == {0, 1, 2} | set(expected)


def test_selected_onto_a_standard_number(programs):
    receiver = programs.fdrecv("-f", "in=0", "name", "--run", "cat")
    programs.succeeds(programs.fdsend("-f", "other=10,in=11", "name",
                                      fds={10: programs.text("no"), 11: programs.text("yes")}))
    assert programs.succeeds(receiver) == "yes"


@pytest.mark.parametrize("wanted, sent, texts", [
    ("c=5", "a=10,b=11", ["nothing came that is called 'c'", "there are a, b"]),
    ("a=5,a=6", "a=10,b=11", ["nothing came that is called 'a'"]),
    ("a=5", "10,b=11", ["called 'a'", "there are b"]),
    ("a=5,6,7", "a=10,11", ["3 descriptors are wanted, and 2 came"]),
    ("a=5", "A=10", ["called 'a'", "there are A"]),
])
def test_what_did_not_come_is_refused(programs, wanted, sent, texts):
    fds = dict(enumerate(distinct(programs, 2), start=10))
    refuses(programs, ["-f", wanted], ["-f", sent], fds, *texts)


def test_nothing_with_a_name(programs):
    """A plain handover has no names; that is seen when it has come."""
    receiver = programs.fdrecv("-f", "a=5", "name", "--run", "cat")
    message = programs.fails(programs.fdsend("-f", "10", "name", fds={10: programs.text("x")}), 1)
    assert "called 'a', nor anything with a name" in message
    receiver.said("refused")
    connection = programs.closes(peers.send(programs.named("name"), [programs.text("x")]))
    assert peers.hung_up(connection)
    assert receiver.alive()
    receiver.kill()
    (programs.runtime / "name").unlink()


@pytest.mark.parametrize("words, names", [
    (["-f", "a=10,11,a=12"], "a:unknown:a"),
    (["-f", "10-12", "--fdname", "all"], "all:all:all"),
    (["--fdname", "x:y:z", "-f", "a=10,b=11,c=12"], "x:y:z"),
    (["--fdname=web", "-f", "a=10", "-f", "11,12"], "web:web:web"),
    (["-f", "a=10-12"], "a:a:a"),
])
def test_names_are_told_on(programs, words, names):
    given = distinct(programs, 3)
    report = hand_over(programs, ["-l"], words, dict(enumerate(given, start=10)))
    placed(report, dict(enumerate(given, start=3)))
    assert report["environment"]["LISTEN_FDNAMES"] == names


def test_the_receiver_renames(programs):
    report = hand_over(programs, ["--fdname", "mine:yours", "-l"], ["-f", "a=10,b=11"],
                       dict(enumerate(distinct(programs, 2), start=10)))
    assert report["environment"]["LISTEN_FDNAMES"] == "mine:yours"


def test_names_of_what_is_opened(programs):
    (programs.folder / "file").write_text("content")
    receiver = programs.fdrecv("-f", "file=0", "name", "--run", "cat")
    programs.succeeds(programs.fdsend("--fdname", "null:file", "--open", "/dev/null", "--open", "file", "name"))
    assert programs.succeeds(receiver) == "content"


@pytest.mark.parametrize("words, texts", [
    (["--fdname", "", "-f", "0"], ["--fdname", "''", "1 to 255"]),
    (["--fdname", "a::b", "-f", "0"], ["--fdname", "''"]),
    (["--fdname", "a\tb", "-f", "0"], ["--fdname", "a?b"]),
    (["-f", "=3"], ["-f", "''", "name"]),
    (["-f", "a:b=3"], ["-f", "'a:b'", "name"]),
    (["-f", "a=b=3"], ["-f", "not a list"]),
    (["-f", "a="], ["-f", "not a list"]),
])
def test_wrong_usage(programs, words, texts):
    message = programs.fails(programs.fdsend(*words, "name"), 2, *texts)
    assert message.rstrip("\n").endswith(TRY_FDSEND)


def test_wrong_usage_of_targets(programs):
    usage(programs, "-f =3 name", "name")
    usage(programs, "-f a=3,b=3 name", "target 3", "twice")


def test_as_many_names_as_descriptors(programs):
    fds = dict(enumerate(distinct(programs, 3), start=10))
    programs.fails(programs.fdsend("--fdname", "a:b", "-f", "10-12", "name", fds=fds), 1,
                   "fdsend: --fdname: 2 names for 3 descriptors")


def test_long_names(programs):
    """Names as long as they can be, many more of them than a socket's buffer holds."""
    given, name = programs.text("x"), "n" * 255
    words = [word for _ in range(3000) for word in ("-f", f"{name}=10")]
    command, read = programs.listing()
    receiver = programs.fdrecv("-f", f"{name}=4", "name", "--run", *command)
    programs.succeeds(programs.fdsend(*words, "name", fds={10: given}))
    programs.succeeds(receiver)
    placed(read(), {4: given})


def test_receiver_that_is_too_old(programs):
    """It takes the header for the message, answers nothing, and gets no descriptor."""
    receiver = programs.closes(peers.Receiver(programs.path("old")))
    sender = programs.fdsend("-f", "a=10", "./old", fds={10: programs.text("x")})
    assert receiver.connected(LONG)
    _, data, fds = receiver.receive()
    assert data and not fds
    receiver.disconnect()
    programs.fails(sender, 1, "fdsend: ", "too old")
