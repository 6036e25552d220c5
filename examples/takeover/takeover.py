# SPDX-License-Identifier: MIT
"""Replaces a server under load twenty times, in three ways, and shows what each of them costs.

usage: takeover.py (with fdrecv in PATH)

The server (server.py) has never heard of any of this; the load (load.py) is 32 clients. Fails unless fdrecv
replaces it without one failed request.
"""
import collections
import os
import sys
import time

from chart import Chart, Outcome
from stage import Failed, Interrupted, Stage, adopt_orphans, catch_signals

CLIENTS = 32
REPLACEMENTS = 20
SERVES = 100  # answers that a server gives before it is replaced in its turn

SERVER = "python3 server.py"


def with_fdrecv(stage, old):
    old.may_end = True
    new = stage.start(f"fdrecv -p listen:{stage.port} -l listen:{stage.port} --retire --run {SERVER}")
    stage.until(old.ended, "the old server has ended")
    return new


def with_reuseport(stage, old):
    """The best that can be done: the old server ends when the new one is known to answer."""
    new = stage.start(f"{SERVER} {stage.port} reuseport")
    stage.until(lambda: stage.answered[new.pid], "the new server answers")
    old.may_end = True
    old.terminate()
    stage.until(old.ended, "the old server has ended")
    return new


def with_rebinding(stage, old):
    old.may_end = True
    old.terminate()
    stage.until(old.ended, "the old server has ended")
    return stage.start(f"{SERVER} {stage.port}")


Way = collections.namedtuple("Way", "name replace first next")
WAYS = (
    Way("fdrecv --retire", with_fdrecv, SERVER + " {port}",
        "fdrecv -p listen:{port} -l listen:{port} --retire --run " + SERVER),
    Way("SO_REUSEPORT, kill", with_reuseport, SERVER + " {port} reuseport &",
        SERVER + " {port} reuseport &  ...  kill $OLD"),
    Way("kill, bind again", with_rebinding, SERVER + " {port} &",
        "kill $OLD; " + SERVER + " {port} &"),
)


def play(way, signals, chart):
    """Twenty replacements under load, while dots tell that it goes on."""
    with Stage(signals) as stage:
        first, load, following = (line.format(port=stage.port, clients=CLIENTS)
                                  for line in (way.first, "python3 load.py {port} {clients}", way.next))
        chart.typed("A", first)
        servers = [stage.start_first(first.rstrip(" &"))]
        chart.typed("B", load)
        stage.start_load(load)
        chart.typed("C", following)
        failed, seconds = [], []
        for _ in range(REPLACEMENTS):
            stage.until(lambda: stage.answered[servers[-1].pid] >= SERVES, "the server has served for a while")
            failed.append(stage.failed)
            start = time.monotonic()
            servers.append(way.replace(stage, servers[-1]))
            stage.until(lambda: stage.answered[servers[-1].pid], "the new server answers")
            seconds.append(time.monotonic() - start)
            chart.dot()
        stage.until(lambda: stage.answered[servers[-1].pid] >= SERVES, "the last server has served for a while")
        result = stage.stop_load()
    failed.append(sum(result["failed"].values()))
    return chart.done(Outcome(
        name=way.name,
        answered=[result["answered"].get(str(server.pid), 0) for server in servers],
        failed=[after - before for before, after in zip(failed, failed[1:])] + [0],
        kinds=result["failed"],
        seconds=seconds,
        longest=result["longest"]))


def refusal():
    """Why the kernel lets nobody but root, or nobody at all, take anything out of another process."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as file:
            scope = int(file.read())
    except FileNotFoundError:
        return None
    if scope == 3 or scope > 0 and os.geteuid() != 0:
        return f"  Left out: kernel.yama.ptrace_scope is {scope} here; root may with 1 and 2, anybody with 0."
    return None


def main():
    adopt_orphans()
    signals = catch_signals()
    chart = Chart(sys.stdout)
    refused = refusal()
    if refused:
        chart.print(refused)
        return 0
    try:
        outcomes = [play(way, signals, chart) for way in WAYS]
    except Interrupted as interrupted:
        return 128 + interrupted.args[0]
    except Failed as failed:
        sys.exit(f"takeover: {failed}")
    chart.table(outcomes)
    chart.note(f"Each server was replaced as soon as it had answered {SERVES} requests. A client",
               "whose request failed tried again after 20 ms, the others at once. fdrecv lets",
               "both servers serve for a second, to see whether the new one stays.")
    if outcomes[0].kinds or not all(outcomes[0].answered):
        sys.exit("takeover: with fdrecv, every server should have served, and no request failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
