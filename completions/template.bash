# SPDX-License-Identifier: MIT
# Completion of fdsend, fdrecv and fdfwd in bash; made from their option tables, see completions/ in the
# sources of fdpass.

_fdpass_script='@SCRIPT@'

# Into $words, what the line has up to the cursor; bash cuts it at ":", "=" and "@" as well. $origin has
# where in COMP_WORDS each begins, and $part what bash takes for the word that is completed.
_fdpass_words() {
	local line=${COMP_LINE:0:COMP_POINT} spaces i
	words=() origin=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		spaces=${line%%[![:space:]]*}
		line=${line#"$spaces"}
		part=${COMP_WORDS[i]}
		if ((i == COMP_CWORD)); then part=$line; fi
		line=${line#"$part"}
		if ((i > 0)) && [[ -z $spaces ]]; then
			words[-1]+=$part
		else
			words+=("$part") origin+=("$i")
		fi
	done
	if [[ $part =~ ^[:=@]+$ ]]; then part=; fi
}

# The names of files, or of sockets and folders, behind $1 in the word.
_fdpass_files() {
	local path
	compopt -o filenames
	while IFS= read -r path; do
		if [[ $2 == files || -d ${path/#\~/$HOME} || -S ${path/#\~/$HOME} ]]; then
			_fdpass_found "$1$path"
		fi
	done < <(compgen -f -- "${word#"$1"}")
}

_fdpass_found() {
	if [[ $1 == "$word"* ]]; then
		COMPREPLY+=("${1#"$before"}")
		notes+=("${2-}")
	fi
}

_fdpass_command() {
	local start=${origin[$1]:-$COMP_CWORD}
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$start"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$start"
	else
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -c -f -- "$part")
	fi
}

_fdpass() {
	local words origin part word before candidate note kind fd i width=0 notes=()
	_fdpass_words
	word=${words[-1]} before=${word%"$part"}
	COMPREPLY=()
	# A number from 10 up, which bash takes for itself: 0 to 9 are candidates as they are.
	exec {fd}< <(sh -c "$_fdpass_script" - "$$" "${words[0]##*/}" "${words[@]:1}" 2>/dev/null) || return
	while IFS= read -ru "$fd" candidate; do
		note=${candidate#*$'\t'} candidate=${candidate%%$'\t'*}
		if [[ -n $candidate ]]; then
			_fdpass_found "$candidate" "$note"
			continue
		fi
		kind=${note%%$'\t'*} note=${note#*$'\t'}
		case $kind in
		command)
			exec {fd}<&-
			_fdpass_command "$note"
			return
			;;
		*) _fdpass_files "$note" "$kind" ;;
		esac
	done
	exec {fd}<&-

	if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:=/] ]]; then compopt -o nospace; fi
	# What each is, where they are only listed (COMP_TYPE in bash(1)); options say it by their names.
	if [[ ${#COMPREPLY[@]} -lt 2 || $COMP_TYPE != @(63|33) || ${COMPREPLY[0]} == --* ]]; then return; fi
	for candidate in "${COMPREPLY[@]}"; do
		if ((${#candidate} > width && ${#candidate} < 40)); then width=${#candidate}; fi
	done
	for i in "${!COMPREPLY[@]}"; do
		if [[ -n ${notes[i]} ]]; then
			printf -v "COMPREPLY[i]" '%-*s  (%s)' "$width" "${COMPREPLY[i]}" "${notes[i]}"
		fi
	done
}

complete -F _fdpass -o nosort fdsend fdrecv fdfwd
