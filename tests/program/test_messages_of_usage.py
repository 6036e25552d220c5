# SPDX-License-Identifier: MIT
"""What is said to somebody who has mistyped a command line: the exact words.

Below each command line is its message, without the name of the program in front, and without the line about
--help at the end. Nothing is opened, waited for or run: that would be other messages.
"""

import shlex

import pytest

USAGE = r"""
fdsend
    no SOCKSPEC: where should the descriptors go?
fdsend name
    nothing to send: name descriptors with --fd LIST, such as -f 0 for standard input, or have them opened with --open, --listen or --connect
fdsend -f 0 name surplus
    'surplus': there is one SOCKSPEC, 'name', already
fdsend -f
    option '-f' requires a LIST
fdsend --nonsense name
    unrecognized option '--nonsense'
fdsend -Z name
    unrecognized option '-Z'
fdsend --to root name
    option '--to' is ambiguous: '--to-user', '--to-group'
fdsend --blocking=yes name
    option '--blocking' takes no value
fdsend --confirm=never name
    --confirm: 'never' is not 'answer'
fdsend -f x name
    -f: 'x' is not a list of descriptors, such as 3 or 0,1,2 or 4-9
fdsend -f 4-3 name
    -f: '4-3' runs backwards
fdsend -f 2147483648 name
    -f: 2147483648 is too large
fdsend -f 3-99999999 name
    -f: '3-99999999' makes more than 1048576 descriptors
fdsend -f a:b=3 name
    -f: 'a:b' is not a name: 1 to 255 printable ASCII characters without ':'
fdsend -f 0 --fdname in::out name
    --fdname: '' is not a name: 1 to 255 printable ASCII characters, and ':' between names
fdsend -f 0 -t soon name
    -t: 'soon' is not a number of seconds, such as 5 or 0.25
fdsend -f 0 --to-user no.such.user name
    --to-user: there is no user 'no.such.user'
fdsend -f 0 --to-group no.such.group name
    --to-group: there is no group 'no.such.group'
fdsend -f 0 --to-user 4294967296 name
    --to-user: 4294967296 is too large
fdsend -f 0 tcp:80
    'tcp:80' looks like an address and not like a SOCKSPEC; --listen or --connect opens one, --match finds what a process holds, and a socket of that name is written './tcp:80'
fdsend -f 0 ''
    '': the name of the socket is empty
fdsend -f 0 ..
    '..': this names a directory, not a socket
fdsend -f 0 .fdpass-x
    '.fdpass-x': names that begin with .fdpass- are reserved
fdsend -c -f 0 name
    'name': this is not the number of a descriptor
fdsend --until-run --no-confirm -f 0 name
    --no-confirm does not wait for what --until-run waits for
fdsend -l -l name
    -l: it was given already

fdsend --listen 80 name
    --listen: '80': an address begins with tcp:, tcp4:, tcp6:, udp:, udp4:, udp6:, unix:, unix-abstract:, unix-dgram: or unix-seqpacket:
fdsend --connect tcp: name
    --connect: 'tcp:': the port is missing
fdsend --listen tcp:::1:80 name
    --listen: 'tcp:::1:80': too many colons; an IPv6 address stands in brackets: [::1]:80
fdsend --backlog 5 -f 0 name
    --backlog is for --listen, which was not given
fdsend --backlog 0 --listen tcp:0 name
    --backlog: '0' is not a number from 1 up
fdsend --socket-mode 999 --listen unix:./made name
    --socket-mode: '999' is not a mode such as 660
fdsend --listen tcp:127.0.0.1:0 -c 001
    'tcp:127.0.0.1:0': the port that is chosen is printed on descriptor 1, which cannot be the SOCKSPEC too
fdsend --listen tcp:0 -c 1
    'tcp:0': the port that is chosen is printed on descriptor 1, which cannot be the SOCKSPEC too
fdsend --listen unix:./made ./made
    './made' is the socket that --listen unix:./made makes, where nobody receives
fdsend --no-confirm --open file --listen unix-seqpacket:made ././made
    '././made' is the socket that --listen unix-seqpacket:made makes, where nobody receives
fdsend --listen unix-abstract:made -a made
    'made' is the socket that --listen unix-abstract:made makes, where nobody receives
fdsend -m r -f 0 name
    --mode is for --open and --pid, and neither was given
fdsend -m rw --open file name
    -m: 'rw' is not one of 'r', 'w', 'r+'

fdsend -M listen:80 name
    --match needs --pid: the process, such as --pid listen:8080
fdsend -d -f 0 name
    -d is for the descriptors of --pid, which was not given
fdsend -p 1 name
    --pid 1: which of its descriptors? Name them with --fd LIST or --match EXPR; --list shows them
fdsend -p 1 -p 2 -f 0 name
    -p 2: there is one process, '1', already
fdsend -p 1 -d -m r -f 0 name
    --mode: -d shares the open file, with the mode that it has
fdsend -p 1 -m r -M listen:80 name
    --mode: 'listen:80' describes sockets, which are shared as they are
fdsend -p '' -f 0 name
    -p '': which process? A PID, or what it holds: listen:8080
fdsend -p 0 -f 0 name
    -p '0': no process has such a number
fdsend -p nginx -f 0 name
    -p 'nginx': a description is listen, tcp, udp or unix, with or without :ADDRESS, or file:PATH
fdsend -p 12:x -f 0 name
    -p '12:x': this is neither PID nor PID:INODE, as fdsend --pidref prints it
fdsend -p listen:http -f 0 name
    -p 'listen:http': a port is a number here, and a path has a '/'
fdsend -p 1 -M listen:localhost:80 name
    -M 'listen:localhost:80': a host is a numeric address here
fdsend -p 1 -M file name
    -M 'file': which file? file:PATH
fdsend --list
    --list needs --pid: the process whose descriptors it prints
fdsend --list -p 1 name
    --list only prints, and sends nothing: what is 'name' for?
fdsend --list -p 1 ''
    --list only prints, and sends nothing: what is '' for?
fdsend --list -p 1 -f 0
    --list only prints, and sends nothing: what is '-f' for?
fdsend --backlog 7 -q --list -d -p 1
    --list only prints, and sends nothing: what is '--backlog' for?
fdsend --pidref 1 -m r
    --pidref only prints, and sends nothing: what is '-m' for?
fdsend --pidref 1 --fdn web
    --pidref only prints, and sends nothing: what is '--fdname' for?
fdsend --list --pidref 1
    --pidref: --list and --pidref exclude each other

fdrecv
    nothing to receive: name a target and a SOCKSPEC, such as -f 0 NAME, before --run, after which all is the command's
fdrecv name --run cat
    'name': a SOCKSPEC needs a target before it, such as -f 0, and a command needs --run
fdrecv -f 0 --run cat
    no SOCKSPEC for the target -f
fdrecv -f 0 name
    no command: end with --run COMMAND
fdrecv -f 0 name cat
    'cat': a SOCKSPEC needs a target before it, such as -f 0, and a command needs --run
fdrecv -f 0 -i name --run cat
    -i: another target, -f, has no SOCKSPEC yet; write several numbers for one SOCKSPEC as one list, such as -f 0,1
fdrecv -f 0 name -f 0 other --run cat
    target 0 is named twice
fdrecv -f 0 name -f 1 name --run cat
    'name' is named twice
fdrecv -f 0 name -a --run cat
    no TARGET and SOCKSPEC after -a
fdrecv -l name -f 3 other --run cat
    target 3 is in the way of --listen-fds, which takes 3
fdrecv -f 0 name --from-user daemon --run cat
    'name': others cannot reach a name in the run directory; with --from-user and --from-group use a path or --abstract
fdrecv -f 0 listen:80 --run cat
    'listen:80' looks like an address and not like a SOCKSPEC; what a process holds needs --pid before it, and a socket of that name is written './listen:80'
fdrecv -E 9X name --run cat
    -E: '9X' is not the name of a variable: letters, digits and '_'
fdrecv -E X name -E X other --run cat
    --env: X is named twice
fdrecv -l name -E LISTEN_FDS other --run cat
    --env: LISTEN_FDS is for what --listen-fds announces
fdrecv -f 0 --dialect nginx name --run cat
    --dialect needs --listen-fds
fdrecv -l --dialect apache name --run cat
    --dialect: 'apache' is not one of 'systemd', 'nginx', 'server-starter', 'php-fpm'
fdrecv -f 0 --fdname web name --run cat
    --fdname needs --listen-fds
fdrecv -l --fdname web --dialect nginx name --run cat
    --fdname: the dialect nginx has no names
fdrecv -f 0 --ready-fd x name --run cat
    --ready-fd: 'x' is not the number of a descriptor

fdrecv -d -f 0 name --run cat
    -d is for the descriptors of a --pid, and none is before it
fdrecv -p 1 --run cat
    --pid 1: no target and LIST or EXPR follows, such as -l listen:8080
fdrecv -p 1 -f 0 --run cat
    no LIST or EXPR for the target -f
fdrecv -p 1 -f 0,1 3 --run cat
    '3': fewer descriptors (1) than targets (2)
fdrecv -p 1 -f 0 name --run cat
    'name': a description is listen, tcp, udp or unix, with or without :ADDRESS, or file:PATH; this is to be taken from --pid 1, and a SOCKSPEC stands before that
fdrecv -p 1 -d -m r -f 0 3 --run cat
    --mode: -d shares the open file, with the mode that it has
fdrecv -a -p 1 -f 0 3 --run cat
    -p 1: no SOCKSPEC has followed on -a yet
fdrecv -f 0 name --retire --run cat
    --retire ends the process of --pid, which was not given
fdrecv -p 1 -f 0 0 --from-group 0 --from-user any --run cat
    --from-group admits senders, and there is no SOCKSPEC at which they could be
fdrecv -p 1 -f 0 0 --retire-after 2 --run cat
    --retire-after says when --retire does its work, which was not given
fdrecv -p 1 -f 0 0 --retire TERM --run cat
    'TERM': a signal for --retire is written --retire=TERM
fdrecv -p 1 -f 0 0 --retire -t 0.5 --run cat
    --timeout is over before --retire-after, which is 1 second unless given
fdrecv -p 1 -f 0 0 --retire --retire-after soon --run cat
    --retire-after: 'soon' is not a number of seconds, such as 5 or 0.25
fdrecv -p 1 -f 0 0 --retire=FOO --run cat
    --retire: 'FOO' is not a signal, such as TERM or QUIT

fdfwd
    no FROM: where do the descriptors come from?
fdfwd from
    no TO: where should the descriptors go?
fdfwd from -a
    no SOCKSPEC after -a
fdfwd from from
    'from' is named twice
fdfwd from tcp:80
    'tcp:80' looks like an address and not like a SOCKSPEC; fdsend opens and finds what is to be sent, and a socket of that name is written './tcp:80'
fdfwd --keep -c 3 to
    --keep: over the connection '3' there is one handover
fdfwd --from-user any from to
    'from': others cannot reach a name in the run directory; with --from-user and --from-group use a path or --abstract
"""

LINES = [line for line in USAGE.splitlines() if line]
ROWS = list(zip(LINES[0::2], LINES[1::2]))
STATUS = {"fdsend": 2, "fdrecv": 125, "fdfwd": 2}


@pytest.mark.parametrize("line, message", ROWS, ids=[line for line, _ in ROWS])
def test_message(programs, line, message):
    program, *words = shlex.split(line)
    result = programs.start([getattr(programs, f"{program}_path"), *words]).wait()
    assert result.stderr == f"{program}: {message.strip()}\nTry '{program} --help' for more information.\n"
    assert (result.status, result.stdout) == (STATUS[program], "")
