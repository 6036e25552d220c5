# SPDX-License-Identifier: MIT
"""A user and a mount namespace of their own for some commands, which ordinary users may have, too.

Inside, everybody is root, and nobody is anybody else: one user is mapped.
"""

from programs import READY

OWN = ["unshare", "--user", "--map-root-user", "--mount"]


class Sandbox:
    """`script` mounts what is wanted; $1 is the folder of the test, which is the current one as well."""

    def __init__(self, programs, script):
        self.programs = programs
        # Words of a shell for numbers have one digit.
        self.holder = programs.start([*OWN, "sh", "-ec", f"{script}\necho >&3; exec 3>&-; exec sleep infinity", "sh",
                                      programs.folder], ready=3).wait_ready()

    def words(self, *command):
        """What runs a command inside."""
        return ["nsenter", f"--target={self.holder.pid}", "--user", "--preserve-credentials", "--mount", "sh", "-c",
                'cd "$1" && shift && exec "$@"', "sh", self.programs.folder, *command]

    def start(self, *command, **conditions):
        return self.programs.start(self.words(*command), **conditions)

    def run(self, script):
        """A script for the shell; what it writes."""
        return self.programs.succeeds(self.start("sh", "-ec", script))

    def fdsend(self, *args, **conditions):
        return self.start(self.programs.fdsend_path, *args, **conditions)

    def fdrecv(self, *args, ready=READY, **conditions):
        return self._listener(self.programs.fdrecv_path, *args, ready=ready, **conditions)

    def fdfwd(self, *args, ready=READY, **conditions):
        return self._listener(self.programs.fdfwd_path, *args, ready=ready, **conditions)

    def _listener(self, path, *args, ready, **conditions):
        """As in Programs: when it listens, or at once with ready=None."""
        if ready is None:
            return self.start(path, *args, **conditions)
        return self.start(path, "--ready-fd", str(ready), *args, ready=ready, **conditions).wait_ready()

    def close(self):
        self.holder.kill()
