# Slurm's commands, where they are: on this machine, or behind an ssh worker; POSIX sh, sent with each question.
#
# Every answer is made of lines that begin with a word; what a wrapper or a login script prints between them is not one.

# Its folder, as the user's home calls it. Sets $folder.
at() {
    case $1 in
    '~') folder=$HOME ;;
    '~/'*) folder=$HOME/${1#'~/'} ;;
    /*) folder=$1 ;;
    *) folder=$HOME/$1 ;;
    esac
}

# Not everybody's PATH has them where no login shell runs.
if ! command -v sbatch >/dev/null 2>&1; then
    for place in /opt/slurm/bin /usr/local/slurm/bin /opt/slurm/current/bin /cm/shared/apps/slurm/current/bin \
        /usr/local/bin /opt/software/slurm/bin; do
        if [ -x "$place/sbatch" ]; then
            PATH=$PATH:$place
            break
        fi
    done
fi

# What a job leaves is its user's own: it gets the mask of whoever submits it.
umask 077

# Runs a command of Slurm's without the settings of whoever calls it: SQUEUE_FORMAT, SBATCH_EXPORT or the SLURM_* of a job
# that this program runs in would change what is asked, and a job gets the environment that sbatch has.
clean() {
    env -i "PATH=$PATH" "HOME=$HOME" ${USER+"USER=$USER"} ${LOGNAME+"LOGNAME=$LOGNAME"} ${LANG+"LANG=$LANG"} \
        ${TZ+"TZ=$TZ"} ${LD_LIBRARY_PATH+"LD_LIBRARY_PATH=$LD_LIBRARY_PATH"} ${SLURM_CONF+"SLURM_CONF=$SLURM_CONF"} \
        ${SLURM_JWT+"SLURM_JWT=$SLURM_JWT"} ${SBATCH_ACCOUNT+"SBATCH_ACCOUNT=$SBATCH_ACCOUNT"} \
        ${SBATCH_PARTITION+"SBATCH_PARTITION=$SBATCH_PARTITION"} ${SBATCH_QOS+"SBATCH_QOS=$SBATCH_QOS"} "$@"
}

# `job ROW` of every job of this user that Slurm remembers, `member TOKEN RUN` of its arrays, and last `queue whole`; or `silent WHY`.
queue() {
    if ! rows=$(clean squeue --noheader --array --states=all "--user=$(id -u)" "--format=$columns" 2>/dev/null); then
        printf 'silent %s\n' "$(clean squeue "--user=$(id -u)" 2>&1 >/dev/null | tail -n 1)"
        return
    fi
    printf '%s\n' "$rows" | sed 's/^/job /'
    for token in $(printf '%s\n' "$rows" | sed -n 's/.*|rasreconcile-\([0-9a-f]\{16\}\)$/\1/p' | sort -u); do
        if [ -r "$folder/.arrays/$token/runs" ]; then sed "s/^/member $token /" "$folder/.arrays/$token/runs"; fi
    done
    echo queue whole
}

# Submits the script of one job, or of an array; the rest are options of sbatch. `submitted NAME` or `refused NAME WORDS`.
submit() {
    name=$1 script=$2
    shift 2
    # What it says on stderr may be a warning only.
    if answer=$(printf '%s\n' "$script" | clean sbatch --parsable "--job-name=$name" --export=ALL --no-requeue \
        --nodes=1 --ntasks=1 --chdir=/ --open-mode=append "$@" 2>&1); then
        printf 'submitted %s\n' "$name"
    else
        printf 'refused %s %s\n' "$name" "$(printf '%s' "$answer" | tail -n 4 | tr '\n' '\t')"
    fi
}

# A path as sbatch's --output takes it, in which % begins a word of its own.
logged_at() {
    log=$(printf '%s\n' "$1" | sed 's/%/%%/g')
}

# A word as a shell reads it back.
spoken() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# The script of a job: of run $1, or of array $2; $3: what it does.
job_text() {
    printf '#!/bin/sh\nfolder=%s\nrun=%s\narray=%s\nimage=%s\nRASRECONCILE_IMAGE=%s\n%s\n' \
        "$(spoken "$folder")" "$1" "$2" "$(spoken "$image")" "$image_digest" "$3"
}

# Lists of arrays that left the queue more than a day ago.
tidy_arrays() {
    [ -d "$folder/.arrays" ] || return 0
    names=$(clean squeue --noheader --states=all "--user=$(id -u)" --format=%j 2>/dev/null) || return 0
    find "$folder/.arrays" -mindepth 1 -maxdepth 1 -mtime +0 | while IFS= read -r old; do
        case "
$names
" in *"
rasreconcile-${old##*/}
"*) ;; *) rm -rf "$old" ;; esac
    done
}

# `MaxArraySize NUMBER`, and `partition WORDS` for each.
limits() {
    clean scontrol show config 2>/dev/null | sed -n 's/^\(MaxArraySize\) *= */\1 /p'
    clean scontrol --oneliner show partition 2>/dev/null | sed -n 's/^PartitionName=/partition &/p'
}

# What accounts say of these jobs; nothing where none are kept.
accounts() {
    clean sacct --noheader --parsable2 --allocations "--jobs=$1" --format=JobIDRaw,State,Elapsed,NodeList 2>/dev/null
    return 0
}

# Why these jobs could not be ended; nothing where they were, or were over.
cancel_jobs() {
    said=$(clean scancel "$@" 2>&1) && return 0
    printf '%s\n' "$said" | grep -iv -e 'already completed' -e 'already completing' -e 'invalid job id' -e '^$'
    return 0
}

# Where an image is. Sets $image; empty: there is none.
image_at() {
    case $1 in
    '~/'*) image=$HOME/${1#'~/'} ;;
    *) image=$1 ;;
    esac
}
