# SPDX-License-Identifier: MIT
"""fdsend and fdrecv in a private folder: started, waited for, and nothing left of them at the end."""

import ctypes
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from processes import LIBC, LONG, STRANGER, Conditions, Process, until

HERE = Path(__file__).resolve().parent
FDSEND = os.path.abspath(os.environ.get("FDSEND", HERE / "../../build/tools/fdsend"))
FDRECV = os.path.abspath(os.environ.get("FDRECV", HERE / "../../build/tools/fdrecv"))
FDFWD = os.path.abspath(os.environ.get("FDFWD", os.path.join(os.path.dirname(FDRECV), "fdfwd")))
PROGRAM = Path(FDSEND).read_bytes()
HAS_64_BITS = PROGRAM[4] == 2  # EI_CLASS, elf(5)
HAS_SANITIZER = b"__asan_init" in PROGRAM
HAS_GLIBC = b"GLIBC_2." in PROGRAM  # the versions of its symbols
READY = 19  # where fdrecv finds its ready descriptor unless a test says otherwise

TRY_FDSEND = "Try 'fdsend --help' for more information."
TRY_FDFWD = "Try 'fdfwd --help' for more information."
TRY_FDRECV = "Try 'fdrecv --help' for more information."

IN_CREATE, IN_MOVED_TO, IN_CLOEXEC, IN_NONBLOCK = 0x100, 0x80, os.O_CLOEXEC, os.O_NONBLOCK


class Watch:
    """The names that appear in a folder, from the moment this is made (inotify)."""

    def __init__(self, folder):
        self.fd = LIBC.inotify_init1(IN_CLOEXEC | IN_NONBLOCK)
        assert self.fd >= 0, os.strerror(ctypes.get_errno())
        mark = LIBC.inotify_add_watch(self.fd, os.fsencode(folder), IN_CREATE | IN_MOVED_TO)
        assert mark >= 0, os.strerror(ctypes.get_errno())

    def names(self, seconds=0.0):
        """What appeared since the last call; waits that long for the first."""
        found = []
        if select.select([self.fd], [], [], seconds)[0]:
            data = os.read(self.fd, 65536)
            while data:
                length = int.from_bytes(data[12:16], sys.byteorder)
                found.append(os.fsdecode(data[16:16 + length].rstrip(b"\0")))
                data = data[16 + length:]
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def appears(path):
    """Waits until `path` exists; with sockets of ours that is when they listen."""
    with Watch(os.path.dirname(path)) as watch:
        while not os.path.lexists(path):
            assert watch.names(LONG), f"{path} did not appear"


def listens(name):
    """Waits until somebody listens on an abstract name."""
    def there():
        with open("/proc/net/unix", encoding="ascii", errors="surrogateescape") as table:
            return any(line.rstrip("\n").endswith(f" @{name}") and line.split()[3] == "00010000"
                       for line in table)
    until(there, f"@{name} listens")


def identity(fd):
    status = os.fstat(fd)
    return [status.st_dev, status.st_ino]


def children():
    """PIDs whose parent is this process."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == os.getpid():
                        found.append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def reap():
    """Collects children that have ended; returns those that have not."""
    return [pid for pid in children() if os.waitpid(pid, os.WNOHANG)[0] == 0]


class Programs:
    """The fixture `programs`. Paths are relative to `folder`; names live in `runtime`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.runtime = self.folder / "run"
        self.processes = []
        self.fds = set()
        self.closing = []
        self.folders = [self.folder]
        self.leftovers = set()
        self.fdsend_path, self.fdrecv_path, self.fdfwd_path = FDSEND, FDRECV, FDFWD
        self.library_path = None

    # ------------------------------------------------------------------------------- processes

    def environment(self, **changes):
        env = {name: value for name, value in os.environ.items()
               if name.startswith(("ASAN_", "UBSAN_", "LSAN_", "LD_"))}
        env.update(PATH=f"{os.path.dirname(FDSEND)}:{os.path.dirname(FDRECV)}:/usr/bin:/bin:/usr/sbin:/sbin",
                   LC_ALL="C", HOME=str(self.folder), FDPASS_RUNTIME_DIR=str(self.runtime))
        if self.library_path:
            env["LD_LIBRARY_PATH"] = self.library_path
        env.update(changes)
        return {name: value for name, value in env.items() if value is not None}

    def start(self, argv, *, env=None, ready=None, **conditions):
        conditions.setdefault("cwd", self.folder)
        argv = [os.fsencode(word) for word in argv]
        process = Process(os.fsdecode(b" ".join(argv)),
                          Conditions(env=self.environment(**(env or {})), **conditions),
                          argv=argv, ready=ready)
        self.processes.append(process)
        return process

    def fdsend(self, *args, **conditions):
        return self.start([self.fdsend_path, *args], **conditions)

    def fdrecv(self, *args, ready=READY, **conditions):
        """Returns when it listens; with ready=None, at once, and without the option."""
        return self.listener(self.fdrecv_path, *args, ready=ready, **conditions)

    def fdfwd(self, *args, ready=READY, **conditions):
        """The same."""
        return self.listener(self.fdfwd_path, *args, ready=ready, **conditions)

    def listener(self, path, *args, ready, **conditions):
        if ready is None:
            return self.start([path, *args], **conditions)
        process = self.start([path, "--ready-fd", str(ready), *args], ready=ready, **conditions)
        return process if "barrier" in conditions else process.wait_ready()

    def shell(self, script, **conditions):
        return self.start(["/bin/sh", "-c", script], **conditions)

    def forked(self, function, *, ready=None, **conditions):
        """Runs a Python function in a child that has nothing open but `fds`; see peers.py."""
        process = Process(function.__name__, Conditions(**conditions), function=function, ready=ready)
        self.processes.append(process)
        return process

    def fails(self, process, status, *texts):
        """It ends with that status, and its message has all the texts. Returns the message."""
        result = process.wait()
        assert result.status == status, (process.name, result)
        for text in texts:
            assert text in result.stderr, (process.name, text, result)
        return result.stderr

    def succeeds(self, *processes):
        """All of them end with 0 and without a word on stderr. Returns the stdout of the last."""
        for process in processes:
            result = process.wait()
            assert result.status == 0 and result.stderr == "", (process.name, result)
        return processes[-1].result.stdout

    # ----------------------------------------------------------------------------- descriptors

    def own(self, fd):
        """Closes it at the end of the test, unless close() did before."""
        self.fds.add(fd)
        return fd

    def close(self, *fds):
        for fd in fds:
            self.fds.remove(fd)
            os.close(fd)

    def pipe(self):
        reader, writer = os.pipe2(os.O_CLOEXEC)
        return self.own(reader), self.own(writer)

    def text(self, content):
        """The read end of a pipe that holds `content`, and then end-of-file."""
        reader, writer = self.pipe()
        os.write(writer, content.encode() if isinstance(content, str) else content)
        self.close(writer)
        return reader

    def file(self, name, content="", flags=os.O_RDWR):
        path = self.folder / name
        path.write_text(content)
        return self.own(os.open(path, flags | os.O_CLOEXEC))

    def listing(self):
        """A command that reports what it inherited, and how to read that report."""
        path = self.folder / f"listing-{uuid.uuid4().hex}"

        def read():
            report = json.loads(path.read_text())
            report["fds"] = {int(number): facts for number, facts in report["fds"].items()}
            return report

        return [sys.executable, "-I", "-S", str(HERE / "inherited.py"), str(path)], read

    def closes(self, thing):
        self.closing.append(thing)
        return thing

    # ------------------------------------------------------------------------------------ names

    def named(self, name):
        return str(self.runtime / name)

    def path(self, name):
        return str(self.folder / name)

    def abstract(self, name="test"):
        return f"{name}-{uuid.uuid4().hex[:12]}"

    def public_folder(self):
        """A folder that everybody can search, with programs in it that everybody can run."""
        folder = Path(tempfile.mkdtemp(prefix="fdpass-test-", dir="/tmp"))
        folder.chmod(0o755)
        self.folders.append(folder)
        programs = folder / "programs"
        programs.mkdir(mode=0o755)
        for name in (FDSEND, FDRECV, FDFWD):
            shutil.copy(name, programs)
            listed = subprocess.run(["ldd", name], capture_output=True, text=True, check=False).stdout
            for line in listed.splitlines():
                if "libfdpass" in line and "=> /" in line:
                    shutil.copy(line.split()[2], programs)
        self.fdsend_path, self.fdrecv_path = str(programs / "fdsend"), str(programs / "fdrecv")
        self.fdfwd_path = str(programs / "fdfwd")
        self.library_path = str(programs)
        return folder

    def stranger_folder(self, mode=0o755):
        """A folder of the second user in a public one."""
        folder = self.public_folder() / "theirs"
        folder.mkdir()
        os.chown(folder, STRANGER, STRANGER)
        folder.chmod(mode)
        return folder

    def leaves(self, path):
        """This socket is expected to be there at the end."""
        self.leftovers.add(str(path))

    # -------------------------------------------------------------------------------------- end

    def finish(self, judge):
        """Ends what is left. `judge`: complain about it (not when the test has failed already)."""
        complaints = [f"still running: {process}" for process in self.processes if process.alive()]
        for thing in self.closing:
            thing.close()
        for process in self.processes:
            process.kill()
            process.close()
        for fd in self.fds:
            os.close(fd)
        try:
            until(lambda: not reap(), "children of children have ended", 5 if judge else 0.01)
        except AssertionError:
            complaints.append(f"still running: {reap()}")
        while alive := reap():
            for pid in alive:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(alive[0], 0)
        complaints += [f"left behind: {path}" for path in self.debris()]
        for folder in self.folders[1:]:
            shutil.rmtree(folder, ignore_errors=True)
        assert not (judge and complaints), "\n".join(complaints)

    def debris(self):
        """Sockets, temporary names and anything like them under the folders of this test."""
        for top in self.folders:
            for where, _, names in os.walk(os.fsencode(top)):
                for name in names:
                    path = os.fsdecode(os.path.join(where, name))
                    kept = stat.S_ISSOCK(os.lstat(path).st_mode) or name.startswith(b".fdpass-")
                    if kept and path not in self.leftovers:
                        yield path
