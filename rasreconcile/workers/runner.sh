#!/bin/sh
# The runner of a run directory; POSIX sh. It owns the truth about the run: whoever started it may die, the link to it may drop.
#
#   sh runner.sh DIRECTORY                     claim the run and run it; where it is claimed, nothing
#   sh runner.sh DIRECTORY guard RUNNER START JOB
#                                              beside the job: heartbeat, time limit, stall, cancel, the runner's death;
#                                              limits count the time that the machine was awake
#   sh runner.sh DIRECTORY sweep               end what a runner that was killed left behind
#
# The job can write to this directory. What it has put in the place of a file that is written here is removed first: a
# pipe would be waited for, a link would lead the words into another file.

# Nobody else reads what is computed here, nor writes to it: neither what the job makes, unless it wants that itself.
umask 077

if [ "$2" = sweep ]; then
    # Nothing that lies there is read: the job's mark has the name of the directory.
    run=${1##*/}
else
    cd "$1" || exit 1
fi

# Nothing will come of this start, and whoever looks need not wait for it: a word that takes no room on a full disk.
give_up() {
    # Whoever started it may be about to write `launched`, and has not yet.
    mv launched unclaimed 2>/dev/null || true 2>/dev/null >unclaimed
    exit 1
}

if [ "$2" != sweep ]; then
    [ -r settings.sh ] || { echo "settings.sh is not there, or cannot be read" >&2; give_up; }
    . ./settings.sh
fi

# Takes away what stands in the place of the plain file $1 and is none.
clear() {
    if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then
        rm -rf "$1"
    fi
}

now() {
    t=$(date -u +%s.%N)
    case $t in *N*) date -u +%s ;; *) printf '%s\n' "$t" ;; esac
}

# Seconds that no setting of the clock can stretch or shorten, in $clock.
tick() {
    if read -r clock rest </proc/uptime; then
        clock=${clock%%.*}
    else
        clock=$(date -u +%s)
    fi 2>/dev/null
}

# When a process began, so that a pid that is used again is not taken for it.
start_of() {
    if [ -r "/proc/$1/stat" ]; then
        read -r line <"/proc/$1/stat"
        set -- ${line##*") "}
        printf '%s\n' "${20}"
    else
        ps -o lstart= -p "$1" | tr -s ' ' '_'
    fi
}

# Whether the runner is there: no zombie, which perhaps no one ever reaps, and no other process that was given its number.
runner_lives() {
    if [ -r /proc/self/stat ]; then
        { read -r line <"/proc/$runner/stat"; } 2>/dev/null || return 1
        set -- ${line##*") "}
        [ "$1" != Z ] && [ "$1" != X ] && [ "${20}" = "$runner_began" ]
    else
        kill -0 "$runner" 2>/dev/null
    fi
}

# Who is left of the job: its group and session, and by the mark in their environment those that left both.
# A zombie is nobody: it holds no file, and in a container perhaps no one ever reaps it.
members() {
    if [ -r /proc/self/environ ]; then
        LC_ALL=C grep -lE -e "RASRECONCILE_RUN=${run}[.]" -e "[)] [^ZX] [0-9]+ ([0-9]+ )?$job " \
            /proc/[0-9]*/stat /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
    elif kill -0 "-$job" 2>/dev/null; then
        printf '%s\n' "-$job"
    fi
}

send() {
    signal=$1
    shift
    for target in "$@"; do
        kill "-$signal" "$target" 2>/dev/null
    done
}

# Ends all that is left of the job: asked politely, and after $1 tenths of a second not any more.
end_job() {
    left=$(members)
    [ -n "$left" ] || return 0
    send TERM $left
    tenths=0
    # What cannot be killed within two seconds waits for a disk or a network; its output's digest will tell.
    while [ "$tenths" -lt "$(($1 + 20))" ]; do
        sleep 0.1 2>/dev/null || sleep 1
        tenths=$((tenths + 1))
        left=$(members)
        [ -n "$left" ] || return 0
        if [ "$tenths" -ge "$1" ]; then
            send KILL $left
        fi
    done
}

# Adds to $awake what has passed since the last tick. The clock runs on while the machine sleeps: a gap that is longer
# than the pace was slept through, and counts as the second that was to pass; so it does where the clock was set back.
tick_awake() {
    before=$clock
    tick
    gap=$((clock - before))
    if [ "$gap" -gt "$longest" ] || [ "$gap" -lt 0 ]; then
        gap=1
    fi
    awake=$((awake + gap))
}

# Sizes and times of all the job writes. By comparing, and not by what is newest: the clock may be set back.
outputs_now() {
    ls -lnR log.txt work 2>/dev/null | cksum
}

# Kilobytes that are free here, in $room; empty where nobody can tell.
measure_room() {
    room='' before=''
    for word in $(df -Pk . 2>/dev/null | tail -n 1); do
        case $word in *[0-9]%) room=$before ;; esac
        before=$word
    done
    case $room in *[!0-9]*) room='' ;; esac
}

# Its exit status is its verdict: 0 none, 3 time limit, 4 cancelled, 5 stalled; and 8 more where it saw the disk full.
guard() {
    runner=$1
    runner_began=$2
    job=$3
    was_full=0
    trap 'kill "$!" 2>/dev/null; exit "$was_full"' TERM
    tick
    beat=$clock
    looked=$clock
    awake=0
    grew=0
    seen=''
    pace=15
    [ "$stalled_after" -gt 0 ] && [ "$stalled_after" -lt 60 ] && pace=$((stalled_after / 4))
    longest=$pace
    [ "$longest" -lt 3 ] && longest=3
    verdict=0
    while [ "$verdict" = 0 ]; do
        sleep 1 &
        wait "$!"
        tick_awake
        if [ "$((clock - beat))" -ge 15 ]; then
            clear heartbeat
            true 2>/dev/null >heartbeat
            beat=$clock
        fi
        if [ "$((clock - looked))" -ge "$pace" ]; then
            looked=$clock
            measure_room
            [ "${room:-1024}" -ge 1024 ] || was_full=8
            now_there=$(outputs_now)
            if [ "$now_there" != "$seen" ]; then
                seen=$now_there
                grew=$awake
                clear growth
                true 2>/dev/null >growth
            fi
        fi
        if [ -e cancel ] || ! runner_lives; then
            verdict=4
        elif [ "$awake" -ge "$time_limit" ]; then
            verdict=3
        elif [ "$stalled_after" -gt 0 ] && [ "$((awake - grew))" -ge "$stalled_after" ]; then
            verdict=5
        fi
    done
    # From here on the runner waits for the verdict.
    trap '' TERM
    end_job 50
    exit "$((verdict + was_full))"
}

# The claim appears whole or not at all; a second runner finds it and leaves.
claim() {
    boot=unknown
    read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id
    began=$(now)
    start=$(start_of $$)
    # Two jobs of a cluster may begin the same run on two machines, where both have the same number.
    mine=started.$$${SLURM_JOB_ID:+.$SLURM_JOB_ID}
    {
        printf 'pid %s\nstart %s\nboot %s\ntime %s\n' "$$" "$start" "$boot" "$began" &&
            printf '%s' "${SLURM_JOB_ID:+job $SLURM_JOB_ID
}"
    } >"$mine" || give_up
    true 2>/dev/null >heartbeat
    true 2>/dev/null >growth
    if ! ln "$mine" started 2>/dev/null; then
        rm -f "$mine"
        [ -e started ] && exit 0
        echo "the run cannot be claimed: this folder does not support hard links" >&2
        give_up
    fi
}

# Sets $code and $cause. The job has a session of its own, so that the whole of it can be ended.
run_job() {
    if [ -e cancel ]; then
        code=143
        cause=cancelled
        rm -f "$mine"
        return
    fi
    (
        export RASRECONCILE_RUN="$run."
        here=$(pwd)
        mkdir -p "work/$folder" && cd "work/$folder" || exit 1
        if [ "$nice" -gt 0 ] && command -v nice >/dev/null; then
            exec setsid nice -n "$nice" sh "$here/steps.sh"
        fi
        exec setsid sh "$here/steps.sh"
    ) >log.txt 2>&1 </dev/null &
    job=$!
    setsid sh ./runner.sh . guard "$$" "$start" "$job" </dev/null >/dev/null 2>&1 &
    guard=$!
    rm -f "$mine"
    wait "$job"
    code=$?
    kill -TERM "$guard" 2>/dev/null
    wait "$guard" 2>/dev/null
    verdict=$?
    # What it could not write is not there, although by now there may be room again.
    case $verdict in 8 | 11 | 12 | 13) was_full=1 verdict=$((verdict - 8)) ;; esac
    case $verdict in
    3) cause='time limit' ;;
    4) cause=cancelled ;;
    5) cause=stalled ;;
    *) cause=exited ;;
    esac
    # Ended from outside, before the guard saw why.
    if [ "$cause" = exited ] && [ "$code" != 0 ] && [ -e cancel ]; then cause=cancelled; fi
    # Children that outlive their parent must not write while the outputs are being hashed.
    end_job 10
}

# Every output that is there, one a line.
each_output() {
    printf '%s\n' "$names" | while IFS= read -r name; do
        case $name in
        :*)
            # A pattern: without separators the shell splits nothing and only matches.
            IFS=
            for found in work/${name#:}; do
                # What some system could not keep is not brought back.
                case $found in *[[:cntrl:]\\:*?\"\<\>\|]* | *[\ .]) continue ;; esac
                [ -f "$found" ] && printf '%s\n' "${found#work/}"
            done
            ;;
        *) [ -f "work/$name" ] && printf '%s\n' "$name" ;;
        esac
    done
}

describe() {
    # Set by whoever made the container; anything else of this name is none of ours.
    case $RASRECONCILE_IMAGE in *[!a-z0-9:]*) RASRECONCILE_IMAGE='' ;; esac
    printf '{"exit_code": %s, "cause": "%s", "started": %s, "ended": %s, "room": %s, "image": "%s", "outputs": {' \
        "$code" "$cause" "$began" "$ended" "${room:-null}" "$RASRECONCILE_IMAGE" || return 1
    comma=
    written='
'
    each_output | while IFS= read -r name; do
        # One that is named may match a pattern too.
        case $written in *"
$name
"*) continue ;; esac
        written=$written$name'
'
        size=$(wc -c <"work/$name") || exit 1
        digest=$(sha256sum <"work/$name") || exit 1
        printf '%s"%s": {"size": %s, "digest": "%s"}' "$comma" "$name" $((size)) "${digest%% *}" || exit 1
        comma=', '
    done || return 1
    printf '}}\n'
}

case $2 in
guard)
    guard "$3" "$4" "$5"
    ;;
sweep)
    # A runner that its own job has stopped ends nothing, and is waited for.
    [ ! -r /proc/self/cmdline ] ||
        send KILL $(LC_ALL=C grep -lE -e "/$run/runner[.]sh" /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3)
    # The session of the job is not known any more, its mark is.
    job=none
    end_job 10
    ;;
*)
    # Of outputs, one a line: read before the job can write to it.
    names=$(cat outputs) || give_up
    claim
    was_full=
    run_job
    measure_room
    [ -z "$was_full" ] || room=0
    ended=$(now)
    # Written aside and renamed: its presence is the end. A full disk leaves a word, which takes no room, and no half of it.
    clear done.part
    clear done.json
    if describe >done.part; then
        mv done.part done.json
    else
        rm -f done.part
        clear unwritten
        mv heartbeat unwritten
        exit 1
    fi
    ;;
esac
