# SPDX-License-Identifier: MIT
"""A private OpenSSH server on loopback, for the user who runs the tests, and how to log in."""

import os
import pwd
import select
import shutil
import socket
import subprocess

from processes import LONG, until

SBIN = "/usr/sbin:/sbin:/usr/local/sbin"

# Without PAM, accounts with a locked password may not log in, not even with a key: root, nobody.
SERVER = """
ListenAddress {address}
Port {port}
HostKey {folder}/host-key
PidFile none
AuthorizedKeysFile {folder}/user-key.pub
StrictModes no
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
"""

CLIENT = """
UserKnownHostsFile {folder}/known-hosts
GlobalKnownHostsFile none
IdentityFile {folder}/user-key
IdentitiesOnly yes
BatchMode yes
LogLevel ERROR
CanonicalizeHostname no
"""


class Sshd:
    """Listens on `port`. `config` is the path of a client's configuration, without a Host or ProxyCommand."""

    def __init__(self, programs, address="127.0.0.1"):
        self.programs, self.address = programs, address
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.folder = programs.folder / "sshd"
        self.folder.mkdir(mode=0o700)
        for name in ("host-key", "user-key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name],
                           check=True, stdin=subprocess.DEVNULL)
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
            self.port = probe.getsockname()[1]
        words = {"folder": self.folder, "port": self.port, "address": address}
        (self.folder / "server").write_text(SERVER.format(**words))
        self.config = self.folder / "client"
        self.config.write_text(CLIENT.format(**words))
        key = (self.folder / "host-key.pub").read_text().split()
        (self.folder / "known-hosts").write_text(" ".join(["*", *key[:2]]) + "\n")
        if os.geteuid() == 0:
            # As root it wants this folder, which its service makes at boot.
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.process = programs.start([shutil.which("sshd", path=SBIN), "-D", "-e", "-f", self.folder / "server"])
        until(self._answers, "sshd listens")

    def _answers(self):
        assert self.process.alive(), self.process.wait()
        try:
            with socket.create_connection((self.address, self.port)) as connection:
                return connection.recv(4) == b"SSH-"
        except ConnectionRefusedError:
            return False

    def ssh(self, *words, proxy=None, host=None, port=None, before=(), config=None, **conditions):
        """What stands after "--" is run over there."""
        proxy_words = ["-o", "ProxyUseFdpass=yes", "-o", f"ProxyCommand={proxy}"] if proxy else []
        at = words.index("--") if "--" in words else len(words)
        return self.programs.start([*before, "ssh", "-F", config or self.config, *proxy_words,
                                    "-p", str(port or self.port), "-l", self.user, *words[:at],
                                    host or self.address, *words[at + 1:]], **conditions)

    def through(self, server, *words, **conditions):
        """ssh -W to a socket that listens, which says so on the connection; needs no shell over there."""
        ssh = self.ssh("-W", "127.0.0.1:%d" % server.getsockname()[1], *words, **conditions)
        select.select([server, ssh.pidfd], [], [], LONG)
        assert select.select([server], [], [], 0)[0], ssh.wait()
        accepted, _ = server.accept()
        with accepted:
            accepted.sendall(b"through")
        return ssh

    def close(self):
        self.process.kill()
