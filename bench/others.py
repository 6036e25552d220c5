# SPDX-License-Identifier: MIT
"""Who else can do the work of one handover, as far as it is installed, and how they are started.

BENCH_FDSEND and BENCH_FDRECV may name another pair of fdsend and fdrecv.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE, TARGET, READY = "300", "600", "50"  # SOURCES and TARGETS of programs.h, READY of others.c
HERE = pathlib.Path(__file__).resolve().parent


def environment(order, first, second=()):
    """For others.c."""
    return {"OTHER_ORDER": order, "OTHER_FIRST": "\n".join(first), "OTHER_SECOND": "\n".join(second)}


def script(interpreter, *words, folder, command):
    """A receiver and a sender that are one script."""
    path = f"{folder}/other"
    return environment("ready", [interpreter, *words, "receive", path, READY, TARGET, command],
                       [interpreter, *words, "send", path, SOURCE])


def works(*words):
    """Whether a command line can be run here."""
    return shutil.which(words[0]) is not None and subprocess.run(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode == 0


@contextlib.contextmanager
def holder(folder):
    """s6-fdholderd, to which everybody may give, and from which everybody may take. The path of its socket."""
    rules = pathlib.Path(folder, "rules/uid/default")
    (rules / "env").mkdir(parents=True)
    (rules / "allow").touch()
    for what in ("STORE", "RETRIEVE"):
        (rules / f"env/S6_FDHOLDER_{what}_REGEX").write_text(".*\n")
    path = f"{folder}/holder"
    with subprocess.Popen(["s6-fdholder-daemon", "-1", "-i", f"{folder}/rules", path],
                          stdout=subprocess.PIPE) as daemon:
        daemon.stdout.read(1)  # -1: a line when it listens
        try:
            yield path
        finally:
            daemon.terminate()


def pairs(folder, command):
    """(name, what, the environment that others.c wants) of everybody but s6-fdholder."""
    path = f"{folder}/other"
    pair = [os.environ.get(name) for name in ("BENCH_FDSEND", "BENCH_FDRECV")]
    if all(pair):
        yield "pair", "BENCH_FDSEND and BENCH_FDRECV", environment(
            "ready", [pair[1], "--ready-fd", READY, "-f", TARGET, "other", "--run", command],
            [pair[0], "-f", SOURCE, "other"])
    # Isolated and without site: the least that it can cost.
    yield "python", "Python, send_fds and recv_fds", script(sys.executable, "-I", "-S", str(HERE / "peer.py"),
                                                            folder=folder, command=command)
    for module in ("IO::FDPass", "Socket::MsgHdr"):
        if works("perl", f"-M{module}", "-e", "1"):
            yield f"perl-{module}", f"Perl, {module}", script(shutil.which("perl"), str(HERE / "peer.pl"), module,
                                                              folder=folder, command=command)
    activate = shutil.which("systemd-socket-activate")
    if activate:
        yield "systemd", "systemd-socket-activate, a listener", environment("says", [activate, "-l", path, command])


@contextlib.contextmanager
def others(folder, command):
    """All of them, in a context in which they can be measured."""
    with contextlib.ExitStack() as stack:
        found = list(pairs(folder, command))
        store, retrieve = shutil.which("s6-fdholder-store"), shutil.which("s6-fdholder-retrieve")
        if store and retrieve:
            path = stack.enter_context(holder(folder))
            found.append(("s6", "s6-fdholder, store and retrieve", environment(
                "end", [store, path, "bench"], [retrieve, "-D", path, "bench", command])))
        yield found
