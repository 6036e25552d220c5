# SPDX-License-Identifier: MIT
"""Real shells, in which somebody types: bash and zsh on a terminal, fish through its own `complete -C`."""

import fcntl
import os
import re
import select
import struct
import termios
import time

from processes import LONG

BUILT = os.environ.get("COMPLETIONS", os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                   "..", "..", "build", "completions"))
FILES = {"bash": "fdsend", "zsh": "_fdsend", "fish": "fdsend.fish"}
KILL_LINE, LIST, SHOW, COMPLETE = "\x15", "\x14", "\x0f", "\t"

# Whatever bash-completion has of others stays out, but for how the command of a command is completed.
BASH = r"""
PS1='@> ' PS2=
bind 'set page-completions off'; bind 'set completion-query-items 0'; bind 'set completion-display-width 0'
bind 'set bell-style none'; bind '"\C-t": possible-completions'
bind -x '"\C-o": printf "<%s>\n" "$READLINE_LINE"'
source /usr/share/bash-completion/bash_completion
source {file}
complete -W 'alpha beta' mine
"""
ZSH = r"""
PS1='@> ' PS2= RPS1=
setopt no_beep no_prompt_cr no_prompt_sp; LISTMAX=0
fpath=({folder} $fpath); autoload -U compinit; compinit -u -D
show() {{ print -r -- "<$BUFFER>" }}; zle -N show
bindkey -e; bindkey '^T' list-choices; bindkey '^O' show
_mine() {{ compadd alpha beta }}; compdef _mine mine
"""
FISH = "source {file}; complete -c mine -f -a 'alpha beta'\n"


class Terminal:
    """bash or zsh, interactive. What it is asked is finished when it has shown a mark after it."""

    def __init__(self, programs, argv, setup):
        leader, follower = os.openpty()
        self.leader = programs.own(leader)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 2000, 240, 0, 0))
        self.process = programs.start(argv, fds={0: follower, 1: follower, 2: follower},
                                      env={"TERM": "dumb", "INPUTRC": "/dev/null", "HISTFILE": None,
                                           "EXPORTED": "yes"})
        os.close(follower)
        self.marks = 0
        self.type(setup)
        self.until_mark()

    def type(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.leader, data[:512]):]

    def read_until(self, pattern):
        shown, deadline = "", time.monotonic() + LONG
        while not (found := re.search(pattern, shown)):
            assert select.select([self.leader], [], [], max(0, deadline - time.monotonic()))[0], shown
            shown += os.read(self.leader, 65536).decode(errors="replace").replace("\r", "")
        return found, shown[:found.start()]

    def until_mark(self):
        self.marks += 1
        self.type(f"echo MA''RK{self.marks}.\n")
        # The prompt comes when the shell has the terminal in its hands again.
        return self.read_until(rf"MARK{self.marks}\.\n@> ")[1]

    def lists(self, line):
        """What is shown below this line when possible completions are asked for."""
        self.type(line + LIST + KILL_LINE)
        return self.until_mark()

    def completes(self, line):
        """The line after the tabulator."""
        self.type(line + COMPLETE + SHOW)
        found, _ = self.read_until(r"<(fd[^>]*)>")
        self.type(KILL_LINE)
        self.until_mark()
        return found[1]

    def close(self):
        self.process.kill()


class Fish:
    """fish, asked anew each time."""

    def __init__(self, programs, setup):
        self.programs = programs
        self.setup = setup

    def lists(self, line):
        script = self.setup + "complete -C $argv[1]\n"
        process = self.programs.start(["fish", "--no-config", "-c", script, line], env={"EXPORTED": "yes"})
        return self.programs.succeeds(process)

    def completes(self, line):
        """The only candidate takes the place of the last word."""
        (candidate,) = self.lists(line).splitlines()
        return line[:line.rindex(" ") + 1] + candidate.partition("\t")[0]

    def close(self):
        pass


def shell(name, programs):
    file = os.path.join(BUILT, FILES[name])
    assert os.path.exists(file), f"{file} was not made"
    if name == "bash":
        return Terminal(programs, ["bash", "--norc", "--noprofile", "-i"], BASH.format(file=file))
    if name == "zsh":
        return Terminal(programs, ["zsh", "-f", "-i"], ZSH.format(folder=os.path.dirname(file)))
    return Fish(programs, FISH.format(file=file))


def offered(text, word):
    """The word is a candidate, and stands by itself."""
    return re.search(rf"(?:^|\s){re.escape(word)}(?:$|\s)", text, re.MULTILINE)
