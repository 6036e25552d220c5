# SPDX-License-Identifier: MIT
"""Many runs side by side, each judged by what must hold whatever went wrong."""

import collections
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time

import injecting
from running import TRACE, Run, debris, prepare_worker, stopped, trace
from scenarios import SCENARIOS, Stage

# One run: what goes wrong, in which program. injection: None, or as after strace's -e inject=.
# moment: (microseconds, signal), sent to that program in any case.
Case = collections.namedtuple("Case", "scenario role injection moment", defaults=(None,))
# What came of it. fired: the injection was reached; failed: some end did not succeed.
Outcome = collections.namedtuple("Outcome", "case fired failed violations seconds")

SANITIZER = re.compile(r"Sanitizer|runtime error:|stack smashing|double free|corrupted|Assertion")
CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL, -signal.SIGTRAP}
HEADER = 16  # bytes of a control message before its content, where long has 64 bits
PATIENCE = 2  # seconds that a program may wait where a failure does not end
SPINNING = 2000  # failures in that time: it tries again and again without waiting for anything. (To look at all
                 # processes of a busy machine takes as many, of calls on files.)


def environment():
    kept = {name: value for name, value in os.environ.items() if name.startswith(("LD_", "UBSAN_"))}
    # LeakSanitizer cannot do its work under ptrace(2).
    return {**kept, "PATH": "/usr/bin:/bin", "LC_ALL": "C", "FDPASS_RUNTIME_DIR": os.getcwd() + "/run",
            "ASAN_OPTIONS": "detect_leaks=0"}


def report():
    """What the command found, or None when it never ran."""
    try:
        with open("report", encoding="ascii") as file:
            return {int(number): (int(device), int(inode)) for number, device, inode in map(str.split, file)}
    except FileNotFoundError:
        return None


def received(count):
    """Whether the program that was traced got so many descriptors."""
    sizes = [int(size) for line in trace().splitlines() if "recvmsg" in line
             for size in re.findall(r"cmsg_len=(\d+), cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS", line)]
    return sum((size - HEADER) // 4 for size in sizes) >= count


class Judge:
    def __init__(self, scenario, case, run, wanted):
        self.scenario, self.case, self.run, self.wanted = scenario, case, run, wanted
        self.found = report()
        self.violations = [f"hangs: {what}" for what in run.hanging]

    def say(self, text):
        self.violations.append(text)

    def delivered(self):
        return self.found is not None and not self.command()

    def command(self):
        """What is wrong with what the command found, when it ran."""
        if self.found is None:
            return []
        wrong = []
        got = {number: what for number, what in self.found.items() if number > 2}
        if got.keys() - self.wanted.keys():
            wrong.append(f"leaked into the command: {sorted(got.keys() - self.wanted.keys())}")
        for number, what in self.wanted.items():
            if number not in got or what not in (None, got[number]):
                wrong.append(f"not on {number}: what was sent")
                break
        return wrong

    def ends(self):
        """How each program ended, and what it said."""
        run = self.run
        for role in run.pids.keys() - {"old"}:
            status, text = run.status(role), run.text(role)
            if status in CRASHES or SANITIZER.search(text):
                self.say(f"{role} crashed: {status}: {text[-300:]}")
            elif status is not None and status < 0 and role not in run.told and not self.deadly(role):
                self.say(f"{role} ended by signal {-status}")
            elif status is not None and status > 0 and not self.explains(role, text):
                self.say(f"{role} ended with {status} and said {text!r}")
            if status == 2 or status == 125 and "--help" in text:
                self.say(f"{role} took a failure for wrong usage: {text!r}")

    def deadly(self, role):
        return role == self.case.role and (self.case.moment or "signal=" in (self.case.injection or ""))

    def explains(self, role, text):
        """Somebody who reads it learns more than that it failed; unless it could not be written."""
        injection = (role == self.case.role and self.case.injection) or ""
        # It has nothing to say: the signal that it was told to end by could not be raised again. Or it was never
        # loaded: the point is one of a child process, which counts for itself.
        if re.match("rt_sig|t?g?kill", injection) and self.run.status(role) >= 128:
            return True
        return re.match("write|poll", injection) or "error while loading shared libraries" in text \
            or re.search(rf"^{role}: .*\w+ .*\w+", text, re.MULTILINE)

    def success(self):
        """Whoever says that it was done has done it."""
        run = self.run
        # Killed as the command, before it could look.
        became = self.case.role == "fdrecv" and (run.status("fdrecv") or 0) < 0 and "<detached" in trace()
        if run.status("fdsend") == 0 and not self.delivered() and not became:
            # Its answer says that the descriptors are in the receiver's table, and what comes after that can fail.
            after = self.case.role == "fdrecv" and run.status("fdrecv") != 0 and not self.scenario.certain
            if not (after and received(len(self.wanted))):
                self.say("fdsend succeeded and the command does not have the descriptors")
        if run.status("fdrecv") == 0 and not self.delivered():
            self.say("fdrecv succeeded and the command does not have the descriptors")
        if run.status("fdfwd") == 0 and "fdfwd" not in run.background and not self.delivered():
            self.say("fdfwd succeeded and the command does not have the descriptors")

    def nothing_left(self):
        for path in debris():
            # What cannot be removed stays, also when nobody can tell whose it is; and whoever is killed cannot
            # clean up. The next one does.
            helpless = "unlink|rt_sig|.*signal=(KILL|STOP)" + ("" if "/.fdpass-" in path else "|newfstatat|openat|flock")
            killed = self.case.moment and self.case.moment[1] == signal.SIGKILL
            if path not in self.run.kept and not killed and not re.match(helpless, self.case.injection or ""):
                self.say(f"left behind: {path}")

    def judge(self):
        self.violations += self.command()
        self.ends()
        self.success()
        self.nothing_left()
        return self.violations


def failed(run):
    return any(run.status(role) != 0 for role in run.pids.keys() - run.background)


def play(stage, case):
    """One run in the current folder. Returns the run and what was wrong."""
    if os.path.exists("report"):
        os.unlink("report")
    if os.path.exists(TRACE):
        os.unlink(TRACE)
    scenario = SCENARIOS[case.scenario]
    wrap = {}
    stage.be_patient(PATIENCE if (case.injection or "").endswith("+") else 0)
    if case.role:
        wrap[case.role] = injecting.command_line(TRACE, case.injection)
    run = Run(environment(), wrap)
    if "signal=STOP" in (case.injection or ""):
        run.victim = case.role
    if case.moment:
        run.victim, (run.moment, run.signal) = case.role, case.moment
    wanted = scenario.play(stage, run)
    old = run.pids.get("old")
    if old and run.alive("old"):
        # Whoever looks at it has ended: the helper of --retire is waited for first.
        run.wait(lambda: run.helpers() == 0 or not run.alive("old"), "the helper of --retire")
        # Where it may be stopped and then not be continued for ever, nobody can do anything.
        forgiven = r"pidfd_send_signal.*\+$|.*signal=(KILL|STOP)"
        if run.alive("old") and stopped(old) and not re.match(forgiven, case.injection or "") and not case.moment:
            run.hanging.append("the old server was left stopped")
    run.finish()
    return run, Judge(scenario, case, run, wanted).judge()


def try_case(stage, case):
    start = time.monotonic()
    run, violations = play(stage, case)
    traced = os.path.exists(TRACE)
    count = injecting.injected(TRACE) if case.injection and traced else 1
    if case.injection and not traced:
        violations.append(f"{case.role} was not traced")
    if count > SPINNING and not re.match("readlink|openat|newfstatat|getdents", case.injection or ""):
        violations.append(f"spins: {count} failures")
    bad = failed(run)
    if violations:
        violations.append("stderr: " + " | ".join(run.text(role) for role in run.pids if role != "old"))
    if bad or debris():
        # What went wrong is over: the same again, in the same place, works at once.
        if os.path.lexists("made"):
            os.unlink("made")
        again, more = play(stage, Case(case.scenario, None, None))
        if failed(again) or more:
            violations += [f"the next run does not work: {more} "
                           + " | ".join(again.text(role) for role in again.pids)]
    for path in debris():
        os.unlink(path)
    return Outcome(case, count > 0, bad, violations, time.monotonic() - start)


STAGE = None


def enter(programs, witness, top):
    """Makes this process a worker, in a folder of its own."""
    global STAGE
    prepare_worker()
    folder = os.path.join(top, str(os.getpid()))
    os.mkdir(folder)
    os.chdir(folder)
    STAGE = Stage(programs, witness)


def work(case):
    return try_case(STAGE, case)


def baseline(job):
    """The calls that a clean run makes."""
    scenario, role, everything = job
    run, violations = play(STAGE, Case(scenario, role, None))
    for path in debris():
        os.unlink(path)
    if violations or failed(run):
        texts = " | ".join(run.text(name) for name in run.pids)
        return job, [], [f"{scenario}: a clean run is none: {violations} {texts}"]
    return job, injecting.points(TRACE, everything), []


def sweep(options, make_cases):
    """Runs everything, prints the figures, returns the exit status. make_cases(scenario, role, points) gives cases."""
    start = time.monotonic()
    top = tempfile.mkdtemp(prefix="fdpass-sweep-")
    programs = {name: os.path.abspath(getattr(options, name)) for name in ("fdsend", "fdrecv", "fdfwd")}
    names = options.scenarios or list(SCENARIOS)
    jobs = [(name, role, options.everything) for name in names for role in SCENARIOS[name].roles]
    context = multiprocessing.get_context("fork")
    tally = collections.Counter()
    try:
        with context.Pool(options.jobs, enter, (programs, os.path.abspath(options.witness), top)) as pool:
            cases = []
            for (name, role, _), points, troubles in pool.imap(baseline, jobs):
                for trouble in troubles:
                    print(trouble)
                    tally["violations"] += 1
                cases += make_cases(name, role, points)
            for outcome in pool.imap_unordered(work, cases, chunksize=4):
                tally["tried"] += 1
                tally["failed"] += outcome.failed
                tally["missed"] += not outcome.fired
                for violation in outcome.violations:
                    print(f"{outcome.case.scenario}, {outcome.case.role}, {outcome.case.injection or outcome.case.moment}: {violation}")
                tally["violations"] += bool(outcome.violations)
                if options.verbose and outcome.seconds > 2:
                    print(f"slow: {outcome.case}: {outcome.seconds:.1f} s", file=sys.stderr)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print(f"{options.title}: {tally['tried']} tried in {len(jobs)} programs of {len(names)} scenarios "
          f"({tally['failed']} ended a handover, {tally['missed']} came too late), "
          f"{tally['violations']} violations, {time.monotonic() - start:.0f} s")
    return 1 if tally["violations"] or not tally["tried"] else 0


def program_options(parser):
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.path.join(here, "../../build")
    for name in ("fdsend", "fdrecv", "fdfwd"):
        parser.add_argument(f"--{name}", default=os.environ.get(name.upper(), f"{build}/tools/{name}"))
    parser.add_argument("--witness", default=os.environ.get("WITNESS", f"{build}/tests/fault/witness"))


def common_options(parser):
    program_options(parser)
    parser.add_argument("--everything", action="store_true", help="every call and every error, not a choice of them")
    parser.add_argument("--jobs", type=int, default=2 * len(os.sched_getaffinity(0)))
    parser.add_argument("--verbose", action="store_true", help="say what is slow")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
