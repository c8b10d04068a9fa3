#!/bin/sh
# What lies in run directories: sh look.sh FOLDER RUN...; POSIX sh. One round trip, however many runs are asked for.
# Prints for each `run NAME` and then what there is of: directory, started LINE..., alive, heartbeat SECONDS,
# growth SECONDS, log BYTES, unwritten, done LINE...

cd "$1" || exit 1
shift

lines() {
    while IFS= read -r text || [ -n "$text" ]; do
        printf '%s %s\n' "$2" "$text"
    done <"$1"
}

boot=unknown
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null

# Whether the process of the claim in $1 is there: the same start, since the same boot, and no zombie.
is_alive() {
    pid='' start='' its_boot=''
    while read -r key value; do
        case $key in
        pid) pid=$value ;;
        start) start=$value ;;
        boot) its_boot=$value ;;
        esac
    done <"$1"
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    if [ "$boot" = unknown ]; then
        [ "$(ps -o lstart= -p "$pid" | tr -s ' ' '_')" = "$start" ]
        return
    fi
    [ "$its_boot" = "$boot" ] || return 1
    { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
    set -- ${stat##*") "}
    [ "$1" != Z ] && [ "$1" != X ] && [ "${20}" = "$start" ]
}

# Processes of containers cannot be seen from here: who asks about those says in $running who goes on.
goes_on() {
    if [ "${running+told}" ]; then
        case " $running " in *" $1 "*) return 0 ;; esac
        return 1
    fi
    is_alive "$1/started"
}

for run; do
    printf 'run %s\n' "$run"
    [ -d "$run" ] || continue
    echo directory
    if [ -e "$run/started" ]; then
        lines "$run/started" started
        if [ ! -e "$run/done.json" ] && goes_on "$run"; then
            echo alive
            beat=$(stat -c %Y "$run/heartbeat" 2>/dev/null) && printf 'heartbeat %s\n' "$beat"
            grew=$(stat -c %Y "$run/growth" 2>/dev/null) && printf 'growth %s\n' "$grew"
            [ -e "$run/log.txt" ] && printf 'log %s\n' "$(($(wc -c <"$run/log.txt")))"
            continue
        fi
    fi
    # Asked after the process: its end is written before it goes.
    [ -e "$run/unwritten" ] && echo unwritten
    [ -e "$run/done.json" ] && lines "$run/done.json" done
done
exit 0
