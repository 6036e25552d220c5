#compdef fdsend fdrecv fdfwd
# SPDX-License-Identifier: MIT
# Completion of fdsend, fdrecv and fdfwd in zsh; made from their option tables, see completions/ in the
# sources of fdpass.

_fdpass_files() {
	compset -P "${(b)1}"
	if [[ $2 == sockets ]]; then
		_files -g '*(=)'
	else
		_files
	fi
}

_fdpass() {
	local script='@SCRIPT@'
	local line word note kind files= head found=1
	local -a parts rest
	for line in "${(@f)$(sh -c "$script" - "$$" "${words[1]:t}" \
		"${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
		[[ -n $line ]] || continue
		word=${line%%$'\t'*} note=${line#*$'\t'}
		if [[ -n $word ]]; then
			# What has no space after it is to be gone on with.
			if [[ $word == *[:=/] ]]; then
				parts+=("${word//:/\\:}:$note")
			else
				rest+=("${word//:/\\:}:$note")
			fi
			continue
		fi
		kind=${note%%$'\t'*} note=${note#*$'\t'}
		if [[ $kind == command ]]; then
			# Its index counts from 0, and that word is to be the first.
			shift $note words
			((CURRENT -= note))
			_normal
			return
		fi
		files=$kind
		head=$note
	done
	_describe -t values value rest && found=0
	_describe -t prefixes prefix parts -S '' && found=0
	# The last: it takes what stands before the name out of the word.
	[[ -n $files ]] && _fdpass_files "$head" "$files" && found=0
	return found
}

_fdpass "$@"
