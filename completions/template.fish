# SPDX-License-Identifier: MIT
# Completion of fdsend, fdrecv and fdfwd in fish; made from their option tables, see completions/ in the
# sources of fdpass.

set -g __fdpass_script '@SCRIPT@'

function __fdpass
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l program (path basename $before[1])
    for line in (sh -c $__fdpass_script - $fish_pid $program $before[2..] "$current" 2>/dev/null)
        set -l fields (string split -m 2 \t -- $line)
        if test -n "$fields[1]"
            printf '%s\n' $line
            continue
        end
        switch $fields[2]
            case command
                # Its index counts from 0.
                set -l first (math $fields[3] + 1)
                set -l words (string escape -- $before[$first..])
                complete -C (string join ' ' -- $words "$current")
            case '*'
                set -l head $fields[3]
                set -l path (string sub -s (math (string length -- "$head") + 1) -- "$current")
                for file in (__fish_complete_path "$path" | string replace -r '\t.*' '')
                    if test $fields[2] = files; or string match -q '*/' -- $file; or test -S $file
                        printf '%s\n' $head$file
                    end
                end
        end
    end
end

complete -c fdsend -f -a '(__fdpass)'
complete -c fdrecv -f -a '(__fdpass)'
complete -c fdfwd -f -a '(__fdpass)'
