#!/bin/sh
# What lies in run directories: sh look.sh FOLDER RUN...; POSIX sh. One round trip, however many runs are asked for.
# Prints for each `run NAME` and then what there is of: directory, started LINE..., alive, heartbeat SECONDS,
# growth SECONDS, log BYTES, queued, late WHY, failed WHY, unwritten, restarted, damage WHY, done LINE...
# A job may have put there whatever it wants: no link is followed, no pipe is opened, and 4 MB are read at most.

cd "$1" || exit 1
shift

# Each line of the input behind the word $1.
lines() {
    while IFS= read -r text || [ -n "$text" ]; do
        printf '%s %s\n' "$1" "$text"
    done
}

boot=unknown
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
newline='
'

# The value of the line `$1 VALUE` of $claim, in $value.
field() {
    value=''
    case $newline$claim in
    *"$newline$1 "*)
        value=$newline$claim
        value=${value#*"$newline$1 "}
        value=${value%%"$newline"*}
        ;;
    esac
}

# Whether the process of $claim is there: the same start, since the same boot, no zombie, and the runner of run $1. A job
# can write down any process, and one that is not its runner would be waited for until it ends. Sets $its_boot.
is_alive() {
    its_run=$1
    field boot && its_boot=$value
    field start && start=$value
    field pid && pid=$value
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    if [ "$boot" = unknown ]; then
        [ "$(ps -o lstart= -p "$pid" | tr -s ' ' '_')" = "$start" ]
        return
    fi
    [ "$its_boot" = "$boot" ] || return 1
    { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
    set -- ${stat##*") "}
    [ "$1" != Z ] && [ "$1" != X ] && [ "${20}" = "$start" ] || return 1
    # Its arguments end with zeros, at which busybox's grep stops reading.
    { tr '\000' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "/$its_run/runner.sh"
}

# Processes of containers cannot be seen from here: who asks about those says in $running who goes on.
goes_on() {
    if [ "${running+told}" ]; then
        case " $running " in *" $1 "*) return 0 ;; esac
        return 1
    fi
    is_alive "$1"
}

# Whether control file $2 of run $1 is there and can be read. What stands for it and is none is told in $damage.
plain() {
    if [ -L "$1/$2" ]; then
        damage="$2 is a link and not a plain file"
    elif [ ! -e "$1/$2" ]; then
        return 1
    elif [ ! -f "$1/$2" ]; then
        damage="$2 is not a plain file"
    elif [ ! -r "$1/$2" ]; then
        damage="$2 cannot be read: Permission denied"
    else
        return 0
    fi
    return 1
}

# Of a run that was launched and is not claimed: whether its runner is about to begin, or why it will not any more.
launched() {
    if [ -e "$1/unclaimed" ]; then
        how=failed
    elif [ -f "$1/launched" ]; then
        age=$(($(date -u +%s) - $(stat -c %Y "$1/launched")))
        if [ "$age" -ge 0 ] && [ "$age" -lt "$claim_seconds" ]; then
            echo queued
            return
        fi
        how=late
    else
        return
    fi
    why=''
    if [ -f "$1/runner.err" ] && [ ! -L "$1/runner.err" ]; then why=$(tail -c 200 "$1/runner.err" | tail -n 1); fi
    printf '%s %s\n' "$how" "$why"
}

claim_seconds=20

for run; do
    printf 'run %s\n' "$run"
    if [ -L "$run" ]; then
        echo 'damage run directory is a link'
        continue
    elif [ ! -d "$run" ]; then
        [ ! -e "$run" ] || echo 'damage run directory is not a directory'
        continue
    fi
    echo directory
    damage='' its_boot=''
    if plain "$run" started; then
        claim=$(head -c 4096 "$run/started")
        printf '%s\n' "$claim" | lines started
        if goes_on "$run"; then
            echo alive
            beat=$(stat -c %Y "$run/heartbeat" 2>/dev/null) && printf 'heartbeat %s\n' "$beat"
            grew=$(stat -c %Y "$run/growth" 2>/dev/null) && printf 'growth %s\n' "$grew"
            [ -f "$run/log.txt" ] && [ ! -L "$run/log.txt" ] && printf 'log %s\n' "$(($(wc -c <"$run/log.txt")))"
        elif [ -n "$its_boot" ] && [ "$boot" != unknown ] && [ "$its_boot" != "$boot" ]; then
            echo restarted
        fi
    else
        launched "$run"
    fi
    # Asked after the process: its end is written before it goes.
    [ -e "$run/unwritten" ] && echo unwritten
    if plain "$run" done.json; then
        # As one line: JSON means the same, and of a million empty ones the answer would be six times as long.
        printf 'done %s\n' "$(head -c 4194305 "$run/done.json" | tr '\000\n' '\001 ')"
    elif [ -n "$damage" ]; then
        printf 'damage %s\n' "$damage"
    fi
done
exit 0
