#!/bin/sh
# The runner of a run directory: sh runner.sh RUN_DIRECTORY. POSIX sh; needs setsid, sha256sum, ln, date, wc.
# It owns the truth about the run: whoever started it may die, the link to it may drop.

cd "$1" || exit 1
. ./settings.sh || exit 1

now() {
    t=$(date -u +%s.%N)
    case $t in *N*) date -u +%s ;; *) printf '%s\n' "$t" ;; esac
}

# When a process began, so that a pid that is used again is not taken for it.
start_of() {
    if [ -r "/proc/$1/stat" ]; then
        sed 's/^.*) //' "/proc/$1/stat" | cut -d ' ' -f 20
    else
        ps -o lstart= -p "$1" | tr -s ' ' '_'
    fi
}

boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)
began=$(now)

# The claim appears whole or not at all; a second runner finds it and leaves.
claim="started.$$"
printf 'pid %s\nstart %s\nboot %s\ntime %s\n' "$$" "$(start_of $$)" "$boot" "$began" >"$claim" || exit 1
if ! ln "$claim" started 2>/dev/null; then
    rm -f "$claim"
    exit 0
fi
rm -f "$claim"
: >heartbeat

# A session of its own, so that the whole of the job can be ended. The mark finds children that left even that.
RASRECONCILE_RUN=$run setsid nice -n "$nice" sh -c 'cd work && exec sh ../steps.sh' >log.txt 2>&1 </dev/null &
job=$!

marked() {
    grep -lzxF "RASRECONCILE_RUN=$run" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}

# Ends everything that belongs to the job: politely, then not.
end_job() {
    kill -TERM "-$job" 2>/dev/null
    tries=0
    while [ "$tries" -lt 25 ] && kill -0 "-$job" 2>/dev/null; do
        sleep 0.2
        tries=$((tries + 1))
    done
    kill -KILL "-$job" 2>/dev/null
}

# Heartbeat, time limit and cancel, beside the job. Its own sleep goes with it.
watch() {
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    seconds=0
    until_beat=15
    while :; do
        sleep 1 &
        nap=$!
        wait "$nap"
        seconds=$((seconds + 1))
        if [ "$seconds" -ge "$until_beat" ]; then
            : >heartbeat
            until_beat=$((seconds + 15))
        fi
        if [ -e cancel ]; then
            echo cancelled >ending
            end_job
            return
        fi
        if [ "$seconds" -ge "$time_limit" ]; then
            echo 'time limit' >ending
            end_job
            return
        fi
    done
}
watch </dev/null >/dev/null 2>&1 &
watcher=$!

wait "$job"
code=$?
# A watcher that is ending the job must finish that; one that only waits is told to go.
if [ ! -s ending ]; then
    kill -TERM "$watcher" 2>/dev/null
fi
wait "$watcher" 2>/dev/null

# Children that outlive their parent must not write while the outputs are being hashed.
kill -KILL "-$job" 2>/dev/null
for pid in $(marked); do
    kill -KILL "$pid" 2>/dev/null
done

cause=exited
if [ -s ending ]; then
    cause=$(cat ending)
fi
ended=$(now)

describe() {
    printf '{"exit_code": %s, "cause": "%s", "started": %s, "ended": %s, "outputs": {' \
        "$code" "$cause" "$began" "$ended" || return 1
    comma=
    while IFS= read -r name; do
        [ -f "work/$name" ] || continue
        size=$(wc -c <"work/$name") || return 1
        digest=$(sha256sum <"work/$name") || return 1
        printf '%s"%s": {"size": %s, "digest": "%s"}' "$comma" "$name" $((size)) "${digest%% *}" || return 1
        comma=', '
    done <outputs
    printf '}}\n'
}

# Written aside and renamed: its presence is the end. A full disk leaves no half of it.
if describe >done.part && [ -s done.part ]; then
    mv done.part done.json
else
    rm -f done.part
    exit 1
fi
