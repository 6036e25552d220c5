# SPDX-License-Identifier: MIT
"""Open sockets for programs that look for them in their environment: -l and its dialects, -E, --inetd."""

import os
import socket
import sys

import pytest

from processes import STRANGER
from programs import TRY_FDRECV, identity

ANNOUNCEMENTS = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NGINX", "SERVER_STARTER_PORT",
                 "SERVER_STARTER_GENERATION", "FPM_SOCKETS"}
STALE = {name: "7" for name in ANNOUNCEMENTS}


def give(programs, name, *fds):
    """A sender of these descriptors, in this order; not waited for."""
    return programs.fdsend("-f", f"10-{9 + len(fds)}", name, fds=dict(enumerate(fds, start=10)))


def run(programs, args, given, *, listing=None, **conditions):
    """fdrecv with `args`, a sender for each name in `given`, in that order; the report of the command."""
    command, read = listing or programs.listing()
    receiver = programs.fdrecv(*args, "--run", *command, **conditions)
    for name, fds in given.items():
        programs.succeeds(give(programs, name, *fds))
    programs.succeeds(receiver)
    report = read()
    report["receiver"] = receiver.pid
    report["announced"] = {name: report["environment"][name] for name in ANNOUNCEMENTS & set(report["environment"])}
    return report


def refused(programs, args, name, fds, *texts, status=125, before=()):
    """What comes for `name` is refused for that reason: both sides say it; and the wait goes on."""
    command, _ = programs.listing()
    receiver = programs.fdrecv(*args, "--run", *command)
    for other, others in before:
        programs.succeeds(give(programs, other, *others))
    message = programs.fails(give(programs, name, *fds), 1, "refused", *texts)
    receiver.said("refused")
    assert receiver.alive()
    receiver.kill()
    for left in programs.runtime.iterdir():
        left.unlink()
    return message


def usage(programs, line, *texts):
    message = programs.fails(programs.fdrecv(*line.split(), "--run", "cat", ready=None), 125, "fdrecv: ", *texts)
    assert message.rstrip("\n").endswith(TRY_FDRECV)
    assert not os.path.lexists(programs.runtime)


def placed(report, expected):
    """Exactly these, besides 0 to 2."""
    found = {number: facts["identity"] for number, facts in report["fds"].items() if number > 2}
    assert found == {number: identity(fd) for number, fd in expected.items()}


def distinct(programs, count):
    return [programs.pipe()[0] for _ in range(count)]


def listener(programs, family=socket.AF_INET, address=("127.0.0.1", 0)):
    made = programs.closes(socket.socket(family, socket.SOCK_STREAM))
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind(address)
    made.listen()
    if family == socket.AF_UNIX:
        programs.leaves(address)
    return made


# ----------------------------------------------------------------------------------------- systemd

@pytest.mark.parametrize("option", ["-l", "--listen-fds"])
@pytest.mark.parametrize("dialect", [[], ["--dialect", "systemd"], ["--dialect=systemd"]], ids=len)
def test_listen_fds(programs, option, dialect):
    given = distinct(programs, 3)
    report = run(programs, [*dialect, option, "web"], {"web": given})
    placed(report, dict(enumerate(given, start=3)))
    announced = report["announced"]
    announced.pop("LISTEN_PIDFDID", None)
    assert announced == {"LISTEN_FDS": "3", "LISTEN_PID": str(report["receiver"])}
    assert report["pid"] == report["receiver"]


@pytest.mark.needs_64_bits
def test_pidfd_inode_is_the_commands(programs):
    """Where pidfds have inodes of their own, LISTEN_PIDFDID is there, and is that of the process itself."""
    script = ("import os; status = os.fstat(os.pidfd_open(os.getpid())); "
              "print(os.environ.get('LISTEN_PIDFDID'), status.st_ino, status.st_dev)")
    receiver = programs.fdrecv("-l", "web", "--run", sys.executable, "-I", "-S", "-c", script)
    programs.succeeds(give(programs, "web", *distinct(programs, 1)))
    told, inode, device = programs.succeeds(receiver).split()
    pidfd, epoll = programs.own(os.pidfd_open(os.getpid())), programs.own(os.eventfd(0))
    has_pidfs = os.fstat(pidfd).st_dev != os.fstat(epoll).st_dev and sys.maxsize > 1 << 32
    assert int(device) == os.fstat(pidfd).st_dev
    assert told == (inode if has_pidfs else "None")


def test_a_whole_message(programs):
    given = distinct(programs, 253)
    report = run(programs, ["-l", "web"], {"web": given}, limits=(100, 4096))
    placed(report, dict(enumerate(given, start=3)))
    assert report["announced"]["LISTEN_FDS"] == "253"
    assert report["limits"] == [255 + 256, 4096]


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_several_follow_each_other_in_the_order_of_the_command_line(programs, order):
    given = {"a": distinct(programs, 2), "b": distinct(programs, 1), "c": distinct(programs, 3)}
    report = run(programs, ["-l", "a", "-i", "input", "-l", "b", "-f", "20", "more", "-l", "c"],
                 {"more": distinct(programs, 1), **{name: given[name] for name in order},
                  "input": distinct(programs, 1)})
    all_of_them = given["a"] + given["b"] + given["c"]
    assert [report["fds"][number]["identity"] for number in range(3, 9)] == [identity(fd) for fd in all_of_them]
    assert report["announced"]["LISTEN_FDS"] == "6"
    assert set(report["fds"]) == {*range(9), 20}


def test_what_was_on_3_and_up_is_replaced(programs):
    mine, given = distinct(programs, 4), distinct(programs, 3)
    report = run(programs, ["-l", "web"], {"web": given}, fds={3: mine[0], 4: mine[1], 5: mine[2], 6: mine[3]})
    placed(report, {3: given[0], 4: given[1], 5: given[2], 6: mine[3]})


# ------------------------------------------------------------------------------------------- names

def test_one_name_for_all(programs):
    report = run(programs, ["--fdname", "web", "-l", "a", "-l", "b"],
                 {"a": distinct(programs, 2), "b": distinct(programs, 1)})
    assert report["announced"]["LISTEN_FDNAMES"] == "web:web:web"


def test_a_name_for_each(programs):
    report = run(programs, ["-l", "a", "-l", "b", "--fdname=x:y z:x"],
                 {"b": distinct(programs, 1), "a": distinct(programs, 2)})
    assert report["announced"]["LISTEN_FDNAMES"] == "x:y z:x"


def test_names_that_are_too_few_or_too_many(programs):
    args = ["--fdname", "x:y:z", "-l", "a", "-l", "b"]
    refused(programs, args, "a", distinct(programs, 3), "3 names", "4 descriptors")
    refused(programs, args, "a", distinct(programs, 1), "3 names", "2 descriptors",
            before=[("b", distinct(programs, 1))])
    refused(programs, ["--fdname", "x:y", "-l", "a"], "a", distinct(programs, 1), "2 names", "1 descriptors")


def test_after_a_refusal_the_wait_goes_on(programs):
    given, surplus = distinct(programs, 2), distinct(programs, 3)
    command, read = programs.listing()
    receiver = programs.fdrecv("--fdname", "x:y", "-f", "5", "other", "-l", "web", "--run", *command)
    programs.fails(give(programs, "web", *surplus), 1, "refused",
                   "target 5 is in the way of --listen-fds, which takes 3 to 5")
    programs.fails(give(programs, "web", *surplus[:1]), 1, "refused", "2 names")
    programs.succeeds(give(programs, "other", *surplus[:1]))
    programs.succeeds(give(programs, "web", *given))
    assert receiver.wait().status == 0
    placed(read(), {3: given[0], 4: given[1], 5: surplus[0]})


@pytest.mark.parametrize("names", ["", ":", "a:", ":a", "a\tb", "a::b", "x" * 256, "\u00e9"])
def test_bad_names(programs, names):
    receiver = programs.fdrecv("-l", "web", "--fdname", names, "--run", "cat", ready=None)
    programs.fails(receiver, 125, "--fdname", TRY_FDRECV)


def test_the_longest_name(programs):
    report = run(programs, ["-l", "web", "--fdname", "x" * 255], {"web": distinct(programs, 1)})
    assert report["announced"]["LISTEN_FDNAMES"] == "x" * 255


# ---------------------------------------------------------------------------------------- dialects

def test_nginx(programs):
    given = distinct(programs, 2)
    report = run(programs, ["--dialect", "nginx", "-l", "web"], {"web": given})
    placed(report, {3: given[0], 4: given[1]})
    assert report["announced"] == {"NGINX": "3;4;"}


@pytest.mark.parametrize("dialect", ["server-starter", "php-fpm"])
def test_addresses(programs, dialect):
    sockets = [listener(programs), listener(programs, socket.AF_UNIX, programs.path("server.sock"))]
    port = sockets[0].getsockname()[1]
    expected = [f"127.0.0.1:{port}=3", f"{programs.path('server.sock')}=4"]
    if os.path.exists("/proc/net/if_inet6"):
        sockets.append(listener(programs, socket.AF_INET6, ("::", 0)))
        host = "[::]" if dialect == "server-starter" else "::"
        expected.append(f"{host}:{sockets[2].getsockname()[1]}=5")
    report = run(programs, ["--dialect", dialect, "-l", "web", "-l", "more"],
                 {"more": [one.fileno() for one in sockets[1:]], "web": [sockets[0].fileno()]})
    if dialect == "server-starter":
        assert report["announced"] == {"SERVER_STARTER_PORT": ";".join(expected), "SERVER_STARTER_GENERATION": "1"}
    else:
        assert report["announced"] == {"FPM_SOCKETS": ",".join(expected)}
    placed(report, {number: one.fileno() for number, one in enumerate(sockets, start=3)})


@pytest.mark.parametrize("dialect", ["server-starter", "php-fpm"])
def test_what_cannot_be_said_is_refused(programs, dialect):
    args = ["--dialect", dialect, "-l", "web"]
    bound = listener(programs)
    loose = programs.closes(socket.socket(socket.AF_UNIX))
    abstract = listener(programs, socket.AF_UNIX, f"\0{programs.abstract()}")
    odd = listener(programs, socket.AF_UNIX, programs.path("a=b"))
    for fd, reason in [(distinct(programs, 1)[0], "not a socket"), (loose.fileno(), "not bound"),
                       (abstract.fileno(), "another kind")]:
        refused(programs, args, "web", [bound.fileno(), fd], f"--dialect {dialect}", "descriptor 2", reason)
    refused(programs, args, "web", [odd.fileno()], f"--dialect {dialect}", "separate")


@pytest.mark.parametrize("spelling", ["./web.sock", "web.sock", "{}/web.sock"])
@pytest.mark.parametrize("dialect, name", [("server-starter", "SERVER_STARTER_PORT"), ("php-fpm", "FPM_SOCKETS")])
def test_what_fdsend_made_is_announced_as_it_was_written(programs, dialect, name, spelling):
    path = spelling.format(programs.folder)
    command, read = programs.listing()
    receiver = programs.fdrecv("--dialect", dialect, "-l", "web", "--run", *command)
    programs.succeeds(programs.fdsend("--listen", f"unix:{path}", "web"), receiver)
    assert read()["environment"][name] == f"{path}=3"
    os.unlink(programs.path("web.sock"))


@pytest.mark.parametrize("dialect", ["server-starter", "php-fpm"])
def test_a_path_that_an_address_has_no_room_for_is_refused(programs, dialect):
    folder = programs.folder / ("d" * 120)
    folder.mkdir()
    receiver = programs.fdrecv("--dialect", dialect, "-l", "web", "--run", "true")
    programs.fails(programs.fdsend("--listen", f"unix:{folder}/web.sock", "web"), 1, "refused", f"--dialect {dialect}",
                   "its path was only for making it")
    receiver.said("refused")
    receiver.kill()
    programs.leaves(programs.named("web"))
    assert os.listdir(folder) == []


@pytest.mark.parametrize("dialect", ["systemd", "nginx", "server-starter", "php-fpm"])
def test_older_announcements_go(programs, dialect):
    server = listener(programs)
    report = run(programs, ["-l", "web", "--dialect", dialect], {"web": [server.fileno()]},
                 env={**STALE, "OTHER": "stays"})
    wanted = {"systemd": {"LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID"}, "nginx": {"NGINX"},
              "server-starter": {"SERVER_STARTER_PORT", "SERVER_STARTER_GENERATION"},
              "php-fpm": {"FPM_SOCKETS"}}[dialect]
    assert set(report["announced"]) | {"LISTEN_PIDFDID"} == wanted | {"LISTEN_PIDFDID"}
    assert "7" not in report["announced"].values()
    assert report["environment"]["OTHER"] == "stays"


def test_without_l_they_are_left_alone(programs):
    report = run(programs, ["-f", "9", "one", "-E", "MORE", "two"],
                 {"one": distinct(programs, 1), "two": distinct(programs, 1)}, env=STALE)
    assert report["announced"] == STALE


# ---------------------------------------------------------------------------------------- --inetd

def test_inetd(programs):
    here, there = socket.socketpair()
    with here, there:
        command, read = programs.listing()
        receiver = programs.fdrecv("--inetd", "name", "--run", *command, fds={0: distinct(programs, 1)[0]})
        programs.succeeds(give(programs, "name", there.fileno()), receiver)
        report = read()
        assert report["fds"][0]["identity"] == report["fds"][1]["identity"] == identity(there.fileno())
        assert set(report["fds"]) == {0, 1, 2}


def test_inetd_serves_a_connection(programs):
    here, there = socket.socketpair()
    with here:
        receiver = programs.fdrecv("--inetd", "name", "--run", "tr", "a-z", "A-Z")
        with there:
            programs.succeeds(give(programs, "name", there.fileno()))
        here.sendall(b"hello")
        here.shutdown(socket.SHUT_WR)
        programs.succeeds(receiver)
        assert here.makefile("rb").read() == b"HELLO"


def test_inetd_takes_one(programs):
    here, there = socket.socketpair()
    with here, there:
        report = run(programs, ["--inetd", "name", "-l", "web"],
                     {"name": [there.fileno(), *distinct(programs, 2)], "web": distinct(programs, 1)})
        assert set(report["fds"]) == {0, 1, 2, 3}


# --------------------------------------------------------------------------------------------- -E

@pytest.mark.parametrize("option", ["-E", "--env"])
def test_env(programs, option):
    given = distinct(programs, 3)
    report = run(programs, [option, "MINE", "name"], {"name": given}, env={"MINE": "stale"})
    placed(report, {3: given[0], 4: given[1], 5: given[2]})
    assert report["environment"]["MINE"] == "3,4,5"
    assert not report["announced"]


def test_env_takes_what_is_free(programs):
    """Neither targets, nor what -l takes, nor what fdrecv inherited."""
    mine = distinct(programs, 2)
    given = {name: distinct(programs, count) for name, count in
             [("late", 3), ("web", 2), ("fixed", 2), ("early", 1)]}
    report = run(programs, ["-E", "EARLY", "early", "-l", "web", "-f", "8,6", "fixed", "-E", "LATE", "late"],
                 given, fds={5: mine[0], 10: mine[1]})
    assert report["environment"]["EARLY"] == "7"
    assert report["environment"]["LATE"] == "9,11,12"
    placed(report, {3: given["web"][0], 4: given["web"][1], 5: mine[0], 6: given["fixed"][1], 7: given["early"][0],
                    8: given["fixed"][0], 9: given["late"][0], 10: mine[1], 11: given["late"][1],
                    12: given["late"][2]})


def test_env_and_close_others(programs):
    mine, given = distinct(programs, 2), distinct(programs, 2)
    report = run(programs, ["-E", "MINE", "name", "--close-others"], {"name": given}, fds={3: mine[0], 5: mine[1]})
    placed(report, {3: given[0], 4: given[1]})
    assert report["environment"]["MINE"] == "3,4"


def test_env_with_closed_standard_numbers(programs):
    given = distinct(programs, 2)
    report = run(programs, ["-E", "MINE", "name"], {"name": given}, fds={0: None, 2: None})
    assert report["environment"]["MINE"] == "3,4"
    assert set(report["fds"]) == {1, 3, 4}


def test_env_over_a_connection(programs):
    """The number of the connection is used up, and free."""
    here, there = socket.socketpair()
    command, read = programs.listing()
    given = distinct(programs, 2)
    with here:
        with there:
            receiver = programs.fdrecv("-E", "MINE", "-c", "3", "--run", *command, fds={3: there.fileno()})
        socket.send_fds(here, [b"x"], given)
        programs.succeeds(receiver)
    placed(read(), {3: given[0], 4: given[1]})


# -------------------------------------------------------------------------------------- collisions

@pytest.mark.parametrize("line, texts", [
    ("-f 3 one -l web", ["target 3", "--listen-fds"]),
    ("-l web -f 7,3 one", ["target 3", "--listen-fds"]),
    ("-l web -l more -f 4 one", ["target 4", "3 to 4"]),
    ("-i one --inetd two", ["target 0"]),
    ("--inetd two -o one", ["target 1"]),
    ("--inetd two --inetd one", ["target 0"]),
    ("-l -i web", ["-i", "-l"]),
    ("-f 4 -l web", ["-l", "-f"]),
    ("-E MINE -l web", ["-l", "-E"]),
    ("-l -E MINE web", ["-E MINE", "-l"]),
    ("-l", ["SOCKSPEC", "-l"]),
    ("--inetd", ["SOCKSPEC", "--inetd"]),
    ("-E MINE one -E MINE two", ["--env", "MINE", "twice"]),
    ("-E 3 one", ["-E", "'3'"]),
    ("-E A=B one", ["-E", "'A=B'"]),
    ("-E A-B one", ["-E", "'A-B'"]),
    ("--env= one", ["--env", "''"]),
    ("-l web -E NGINX one", ["--env", "NGINX", "--listen-fds"]),
    ("-l web -E LISTEN_FDNAMES one", ["--env", "LISTEN_FDNAMES"]),
    ("-f 3 one --dialect nginx", ["--dialect", "--listen-fds"]),
    ("-f 3 one --fdname a", ["--fdname", "--listen-fds"]),
    ("-l web --dialect nginx --fdname a", ["--fdname", "nginx"]),
    ("-l web --dialect apache", ["--dialect", "apache"]),
    ("-l web --dialect=", ["--dialect"]),
])
def test_wrong_usage(programs, line, texts):
    usage(programs, line, *texts)


def test_a_collision_that_shows_on_arrival(programs):
    refused(programs, ["-l", "web", "-f", "5", "one"], "web", distinct(programs, 3), "target 5", "3 to 5")
    # One of the two still has at least one to come.
    refused(programs, ["-l", "web", "-l", "more", "-f", "5", "one"], "more", distinct(programs, 2), "target 5")
    refused(programs, ["-l", "web", "-l", "more", "-f", "6", "one"], "more", distinct(programs, 2), "target 6",
            before=[("web", distinct(programs, 2))])


def test_targets_right_behind(programs):
    given = distinct(programs, 3)
    report = run(programs, ["-l", "web", "-f", "5", "one"], {"one": given[2:], "web": given[:2]})
    placed(report, {3: given[0], 4: given[1], 5: given[2]})


def test_more_than_the_hard_limit_holds(programs):
    """Refused before anything is accepted; what fits is taken."""
    given = distinct(programs, 40)
    command, read = programs.listing()
    receiver = programs.fdrecv("-l", "web", "--run", *command, limits=(48, 48))
    programs.fails(give(programs, "web", *given), 1, "refused", "hard limit", "48")
    programs.succeeds(give(programs, "web", *given[:20]))
    assert receiver.wait().status == 0
    placed(read(), dict(enumerate(given[:20], start=3)))


# ----------------------------------------------------------------------------------- another user

@pytest.mark.needs_root
def test_an_ordinary_user_takes_from_root(programs):
    folder = programs.stranger_folder()
    path = str(folder / "socket")
    server = listener(programs)
    script = ("import os, socket; one = socket.socket(fileno=3); "
              "print(os.getuid(), os.getpid() == int(os.environ['LISTEN_PID']), one.getsockname()[1], "
              "os.environ['LISTEN_FDS'], os.environ['MINE'])")
    receiver = programs.fdrecv("-l", path, "-E", "MINE", f"{path}2", "--run", sys.executable, "-I", "-S", "-c",
                               script, user=STRANGER, cwd=str(folder))
    for name, fd in ((f"{path}2", distinct(programs, 1)[0]), (path, server.fileno())):
        programs.succeeds(programs.fdsend("--to-user", str(STRANGER), "-f", "10", name, fds={10: fd}))
    assert programs.succeeds(receiver).split() == [str(STRANGER), "True", str(server.getsockname()[1]), "1", "4"]
