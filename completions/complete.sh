# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What may stand at the cursor of a command line of ours. generate.c puts the programs' option tables in,
# and the whole into the completion file of each shell, which runs it for every completion:
#
# usage: sh -c TEXT - SHELL-PID PROGRAM WORD... CURRENT
#
# Every line of the output is a candidate for all of CURRENT, a tab, and what it is; or a tab and what the
# shell completes by itself: "files" or "sockets", a tab, and what stands before the file name in CURRENT;
# or "command", a tab, and the index of the word (PROGRAM is 0) with which a command of its own begins.
# The candidates need not begin with CURRENT: the shells have their own ideas of what fits.
tab='	'

# PROGRAM LETTER NAME KIND PRESENCE CHOICES HELP; "-" where there is none.
options() {
	cat <<'END'
@OPTIONS@
END
}

# How an ADDR and an EXPR begin.
addresses() {
	cat <<'END'
@ADDRESSES@
END
}

expressions() {
	cat <<'END'
@EXPRESSIONS@
END
}

own=$1 program=$2
shift 2
table=$(options | grep "^$program$tab")
head='' # what stands in CURRENT before that which is completed

offer() {
	printf '%s\t%s\n' "$head$1" "${2-}"
}

offer_lines() {
	while IFS=$tab read -r word what; do
		offer "$word" "$what"
	done
}

# An option by its name, or an abbreviation that fits only one: $name, $kind, $presence, $choices.
long() {
	name=
	rows=$(printf '%s\n' "$table" | awk -F "$tab" -v "given=$1" '
		$3 == given { exact = $0 }
		index($3, given) == 1 { fits++; row = $0 }
		END { if (exact) print exact; else if (fits == 1) print row }')
	take_row "$rows"
}

letter() {
	take_row "$(printf '%s\n' "$table" | awk -F "$tab" -v "given=$1" '$2 == given')"
}

take_row() {
	IFS=$tab read -r _ _ name kind presence choices _ <<-END
		$1
	END
	[ -n "$name" ]
}

# ------------------------------------------------------------------ what there is on this machine

# Sockets in the run directory, where names without a "/" are.
names() {
	if [ -n "${FDPASS_RUNTIME_DIR-}" ]; then
		folder=$FDPASS_RUNTIME_DIR
	elif [ "$(id -u)" = 0 ]; then
		folder=/run/fdsend
	else
		folder=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/fdsend
	fi
	for path in "$folder"/*; do
		if [ -S "$path" ]; then offer "${path##*/}" "in $folder"; fi
	done
}

# Unix sockets that listen: "PATH" or "@NAME".
listening() {
	while read -r _ _ _ flags _ _ _ path; do
		if [ "$flags" = 00010000 ] && [ -n "$path" ]; then printf '%s\n' "$path"; fi
	done </proc/net/unix
}

abstract_names() {
	listening | while read -r path; do
		case $path in
		@*) offer "${path#@}" "abstract name" ;;
		esac
	done
}

# Those whose descriptors may be looked at; the kernel's own have none.
processes() {
	for folder in /proc/[0-9]*; do
		if [ -r "$folder/fd" ] && [ -e "$folder/exe" ] && read -r command 2>/dev/null <"$folder/comm"; then
			offer "${folder#/proc/}" "$command"
		fi
	done
}

descriptors_of() {
	fdsend --list -p "$1" 2>/dev/null
}

# An element of a LIST.
descriptors() {
	case $value in
	*[,=]*) head=$head${value%"${value##*[,=]}"} ;;
	esac
	descriptors_of "${1:-$own}" | while read -r number what; do
		# Shells keep 10 and up for themselves, and do not pass them on.
		if [ -n "$1" ] || [ "$number" -lt 10 ]; then offer "$number" "$what"; fi
	done
}

# The port of "ADDRESS:PORT" or "ADDRESS:PORT -> ...".
port() {
	address=${1%% *}
	printf '%s\n' "${address##*:}"
}

# What the descriptors of a process are called in an EXPR.
descriptions_of() {
	descriptors_of "$1" | while read -r number what where; do
		case $what in
		tcp-listen) printf 'listen:%s\t%s\n' "$(port "$where")" "$what $where" ;;
		tcp | udp) printf '%s:%s\t%s\n' "$what" "$(port "$where")" "$what $where" ;;
		unix-listen) printf 'listen:%s\t%s\n' "$where" "$what" ;;
		file) printf 'file:%s\t%s\n' "${where% (deleted)}" "$number $what" ;;
		esac
	done
}

# What somebody on this machine listens to.
descriptions() {
	for protocol in tcp udp; do
		for file in "/proc/net/$protocol" "/proc/net/${protocol}6"; do
			[ -r "$file" ] || continue
			while read -r _ address _ state _; do
				case $protocol$state in
				tcp0A) printf 'listen:%d\ttcp port\n' "$((0x${address##*:}))" ;;
				udp07) printf 'udp:%d\tudp port\n' "$((0x${address##*:}))" ;;
				esac
			done <"$file"
		done
	done
	# Paths through /proc are some process's own, and mean nothing to others.
	listening | grep -v '^/proc/' | while read -r path; do
		printf 'listen:%s\tUnix socket\n' "$path"
	done
}

# An EXPR, of the process given or of whichever.
matches() {
	case $value in
	# The process's own come below, and are all that can fit.
	file: | file:/*) if [ -z "$1" ]; then shell files "${head}file:"; fi ;;
	file:*) shell files "${head}file:" ;;
	listen:/* | listen:.*) shell sockets "${head}listen:" ;;
	unix:/* | unix:.*) shell sockets "${head}unix:" ;;
	esac
	{
		expressions
		if [ -n "$1" ]; then descriptions_of "$1"; else descriptions; fi
	} | sort -u | offer_lines
}

# Names in a database, such as passwd.
entries() {
	{ getent "$1" 2>/dev/null || cat "/etc/$1"; } | while IFS=: read -r entry _ number _; do
		offer "$entry" "$number"
	done
}

# ------------------------------------------------------------------------------ what is expected

shell() {
	printf '\t%s\t%s\n' "$1" "$2"
}

all_options() {
	printf '%s\n' "$table" | while IFS=$tab read -r _ _ option _ may _ help; do
		offer "--$option" "$help"
		if [ "$may" = optional ]; then offer "--$option=" "$help"; fi
	done
}

sockspec() {
	case $place$value in
	abstract*) abstract_names ;;
	connected*) descriptors '' ;;
	*/* | .* | '~'*) shell sockets "$head" ;;
	*)
		names
		offer ./ "a path"
		;;
	esac
}

operand() {
	if [ "$program" != fdrecv ] || [ -z "$process" ]; then
		if [ "$program" != fdsend ] || [ "$operands" = 0 ]; then sockspec; fi
		return
	fi
	matches "$process"
	descriptors "$process"
}

# $value, of this kind, after $head.
argument() {
	case $1 in
	operand) operand ;;
	sockspec) sockspec ;;
	process)
		processes
		matches ''
		;;
	match) matches "$process" ;;
	fds)
		if [ "$program" = fdsend ]; then
			descriptors "$process"
		else
			case $value in
			*[,=]*) head=$head${value%"${value##*[,=]}"} ;;
			esac
			offer 0 "standard input"
			offer 1 "standard output"
			offer 2 "standard error"
			offer 3 "the first number that is free"
		fi
		;;
	address)
		case $value in
		unix*:*) case $value in unix-abstract:*) ;; *) shell files "$head${value%%:*}:" ;; esac ;;
		*) addresses | offer_lines ;;
		esac
		;;
	user)
		offer any "everybody"
		entries passwd
		;;
	group) entries group ;;
	owner)
		case $value in
		*:*) head=$head${value%%:*}: && entries group ;;
		*) entries passwd ;;
		esac
		;;
	variable) awk 'BEGIN { for (name in ENVIRON) print name }' | offer_lines ;;
	signal) for name in TERM QUIT INT HUP USR1 USR2 WINCH KILL; do offer "$name" "SIG$name"; done ;;
	choice)
		printf '%s\n' "$choices" | tr '|' '\n' | offer_lines
		;;
	path) shell files "$head" ;;
	command) shell command "$((index + 1))" ;;
	esac
}

# ------------------------------------------------------------------------ the line up to the cursor

expected=operand # or the kind of argument that the option before it wants
process='' place='' operands=0 dashes=no index=0

# The option in $name has this argument, or none.
noted() {
	case $name in
	pid) process=$1 ;;
	abstract | connected)
		place=$name
		if [ "$program" = fdrecv ]; then process=; fi
		;;
	esac
}

# Letters, the last of which may have an argument: in $rest, or to come.
cluster() {
	rest=${1#-}
	while [ -n "$rest" ]; do
		following=${rest#?}
		letter "${rest%"$following"}" || return 1
		rest=$following
		if [ "$kind" != none ]; then return 0; fi
		noted ''
	done
	return 1
}

while [ $# -gt 1 ]; do
	word=$1
	shift
	if [ "$expected" = command ]; then break; fi
	index=$((index + 1))
	if [ "$expected" != operand ]; then
		noted "$word"
		expected=operand
		continue
	fi
	case $dashes$word in
	no--)
		dashes=yes
		if printf '%s\n' "$table" | grep -q "${tab}command$tab"; then expected='command'; fi
		;;
	no--*=*)
		word=${word#--}
		if long "${word%%=*}"; then noted "${word#*=}"; fi
		;;
	no--*)
		if long "${word#--}"; then
			noted ''
			if [ "$kind" != none ] && [ "$presence" = required ]; then expected=$kind; fi
		fi
		;;
	no-?*)
		if cluster "$word"; then
			if [ -n "$rest" ] || [ "$presence" = optional ]; then noted "$rest"; else expected=$kind; fi
		fi
		;;
	*)
		operands=$((operands + 1))
		if [ "$program" != fdsend ]; then place=; fi
		;;
	esac
done

value=${1-}
if [ "$expected" != operand ]; then
	argument "$expected"
elif [ "$dashes" = yes ]; then
	operand
else
	case $value in
	--*=*)
		long=${value%%=*}
		head=$long= value=${value#*=}
		if long "${long#--}"; then argument "$kind"; fi
		;;
	- | --*) all_options ;;
	-*)
		if cluster "$value"; then
			head=${value%"$rest"} value=$rest
			argument "$kind"
		else
			offer "$value"
		fi
		;;
	*) operand ;;
	esac
fi
