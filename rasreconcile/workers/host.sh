# What a host is asked to do; POSIX sh. Sent with each question, so that nothing is installed there.
#
#   host VERB FOLDER ARGUMENT...      the answer begins after a line `@rasreconcile`
#
# A file in the cache is whole, is named by its digest, and was last changed one second after the epoch.

umask 077
LC_ALL=C
export LC_ALL

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# What lies in a run directory is not what a run leaves there.
damaged() {
    printf '%s\n' "$*" >&2
    exit 65
}

# Whether file $2 of run directory $1 is there; `damaged` where it is no plain file, or a link leads out of the directory.
plain() {
    name=${2##*/} folder=$1
    case $2 in */*) folder=$1/${2%/*} ;; esac
    if [ ! -e "$1/$2" ]; then
        [ -L "$1/$2" ] || return 1
        damaged "$2 is a link to nowhere"
    fi
    [ -f "$1/$2" ] || damaged "$2 is not a plain file"
    [ -r "$1/$2" ] || damaged "$2 cannot be read: no right to"
    [ "$folder" != "$1" ] || [ ! -L "$1/$2" ] || damaged "$2 is a link and not a plain file"
    there=$(cd -P -- "$folder" && pwd -P)/$name
    [ ! -L "$1/$2" ] || there=$(readlink -f -- "$1/$2")
    case $there in
    "$(pwd -P)/$1"/*) ;;
    *) damaged "$2 is a link that leads out of the run directory; it is not followed" ;;
    esac
}

# Opens that file on descriptor 3, and says in $opened where it can be opened again: what was looked at is what is read,
# whatever the job puts in its place meanwhile.
open_plain() {
    plain "$1" "$2" || return 1
    exec 3<"$1/$2"
    opened=/proc/self/fd/3
    if [ ! -e "$opened" ]; then
        # A system without /proc: there is time between the two.
        opened=$1/$2
        return 0
    fi
    [ -f "$opened" ] || damaged "$2 is not a plain file"
    case $(readlink "$opened") in
    "$(pwd -P)/$1"/*) ;;
    *) damaged "$2 is a link that leads out of the run directory; it is not followed" ;;
    esac
}

# Into the cache: files of the present folder that are named by their digests.
keep() {
    cache=$1
    set -- *
    [ -e "$1" ] || return 0
    sha256sum -- "$@" | while read -r digest name; do
        [ "$digest" = "${name#\*}" ] || fail "$name arrived damaged"
    done || exit 1
    seal "$@"
    for name; do
        place=$cache/${name%"${name#??}"}
        [ -d "$place" ] || mkdir -p "$place" || exit 1
        mv -f "$name" "$place/$name" || exit 1
    done
}

# Flushed, because from now on they are believed for their names.
seal() {
    chmod 400 "$@" && TZ=UTC0 touch -t 197001010000.01 "$@" || exit 1
    sync "$@" 2>/dev/null || sync
}

# What of these digests is in the cache: `SIZE SECONDS DIGEST`.
held() {
    cd cache 2>/dev/null || return 0
    for digest; do
        place=${digest%"${digest#??}"}/$digest
        [ -e "$place" ] && stat -c "%s %Y $digest" "$place"
    done
    return 0
}

# Takes a tar of small files into the cache.
stock() {
    aside=$(pwd)/.$1.in
    mkdir -p "$aside" cache && cd "$aside" || exit 1
    trap 'rm -rf "$aside"' EXIT
    tar -xf - || exit 1
    [ -d in ] || return 0
    cd in && keep ../../cache
    cd ..
}

boot=''
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id

# Whether the directory is as it was made: one that was made before the power failed may hold zeros.
is_whole() {
    [ -e "$1/started" ] && return
    was=''
    read -r was 2>/dev/null <"$1/boot"
    [ "$was" = "$boot" ]
}

# Takes a tar of control files, small files for the cache under in/, and `links`: lines `KIND SIZE DIGEST NAME`.
assemble() {
    run=$1 aside=.$1.$2.new
    if [ -d "$run" ] && ! is_whole "$run"; then
        mv "$run" ".$run.$2.gone" || exit 1
    fi
    if [ -d "$run" ]; then
        cat >/dev/null
        return 0
    fi
    mkdir -p cache && mkdir "$aside" || exit 1
    trap 'rm -rf "$aside"' EXIT
    (
        cd "$aside" && tar -xf - && mkdir work || exit 1
        if [ -d in ]; then
            (cd in && keep ../../cache) && rm -rf in || exit 1
        fi
        while IFS= read -r line; do
            kind=${line%% *} line=${line#* }
            size=${line%% *} line=${line#* }
            digest=${line%% *} name=work/${line#* }
            source=../cache/${digest%"${digest#??}"}/$digest
            case $name in work/*/*) mkdir -p "${name%/*}" || exit 1 ;; esac
            if [ "$(stat -c '%s %Y' "$source" 2>/dev/null)" != "$size 1" ]; then
                # Somebody made room between the two, or a job wrote to it through a link.
                printf 'gone %s\n' "$digest"
                exit 3
            fi
            put "$kind" "$source" "$name" || exit 1
        done <links || exit $?
        rm -f links
        printf '%s\n' "$boot" >boot
    )
    case $? in
    0) ;;
    3) return 0 ;;
    *) exit 1 ;;
    esac
    # Where another was quicker, mv puts this one into it.
    [ -d "$run" ] || mv "$aside" "$run" || exit 1
    rm -rf "${run:?}/$aside"
}

# A file that the job may write to is never a link into the cache.
put() {
    if [ "$1" = own ]; then
        cp --reflink=auto -- "$2" "$3" 2>/dev/null || cat "$2" >"$3" || return 1
        chmod 600 "$3"
        return
    fi
    cp --reflink=always -- "$2" "$3" 2>/dev/null && return
    rm -f "$3"
    ln -- "$2" "$3" 2>/dev/null || cp -- "$2" "$3"
}

# Takes one large file: says from where on it wants it, takes that, and says how it arrived.
receive() {
    digest=$1 size=$2
    place=cache/${digest%"${digest#??}"}
    part=$place/.$digest.part
    mkdir -p "$place" || exit 1
    exec 9>>"$part" || exit 1
    if ! flock -n 9; then
        take_over
        printf 'busy %s\n' "$(($(wc -c <"$part")))"
        return 0
    fi
    # Who held it before has put it in its place.
    if [ ! -e "$part" ]; then
        echo 'busy 0'
        return 0
    fi
    echo $$ >"$part.by"
    have=$(($(wc -c <"$part")))
    if [ "$have" -gt "$size" ]; then
        : >"$part"
        have=0
    fi
    free=$(df -Pk "$place" | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p')
    if [ "$(((size - have) / 1024))" -ge "${free:-999999999999}" ]; then
        fail "$part: No space left on device"
    fi
    printf 'from %s\n' "$have"
    # What is here already is read once more: the digest is that of the whole.
    got=$({ cat "$part" && tee -a "$part"; } | sha256sum)
    if [ "$(($(wc -c <"$part")))" -lt "$size" ]; then
        echo cut
    elif [ "${got%% *}" = "$digest" ] && [ "$(($(wc -c <"$part")))" = "$size" ]; then
        seal "$part"
        rm -f "$part.by"
        mv -f "$part" "$place/$digest" || exit 1
        echo arrived
    else
        rm -f "$part" "$part.by"
        echo wrong
    fi
}

# Whoever sends, and has sent nothing for long, sits at the end of a link that is cut. Its lock goes with it.
take_over() {
    changed=$(stat -c %Y "$part" 2>/dev/null) || return 0
    [ "$(($(date -u +%s) - changed))" -gt 20 ] || return 0
    by=''
    read -r by 2>/dev/null <"$part.by"
    case $by in '' | *[!0-9]*) return 0 ;; esac
    # Every command of sshd's has a session of its own.
    kill -KILL "-$by" 2>/dev/null
    return 0
}

# `file SIZE OFFSET HOW DONE`, then DONE bytes of done.json, then the file from OFFSET on.
send() {
    run=$1 offset=$3 end=0 how=plain
    if open_plain "$run" done.json; then
        end=$(($(wc -c <"$opened")))
        [ "$end" -le 4194304 ] || damaged 'done.json has more than 4 MB'
        # Kept open while the other is looked at.
        exec 4<"$opened"
    fi
    if ! open_plain "$run" "work/$2"; then
        echo absent
        return 0
    fi
    file=$opened
    size=$(($(wc -c <"$file")))
    [ "$offset" -le "$size" ] || offset=0
    left=$((size - offset))
    if [ "$left" -gt 4194304 ] && command -v gzip >/dev/null; then
        # Worth it where a sample from the middle shrinks to less than a third: docs/decisions/0020.
        sample=$(tail -c "+$((offset + left / 2))" "$file" | head -c 1048576 | gzip -1 | wc -c)
        [ "$((sample))" -lt 349525 ] && how=gzip
    fi
    printf 'file %s %s %s %s\n' "$size" "$offset" "$how" "$end"
    [ "$end" = 0 ] || head -c "$end" <&4
    if [ "$how" = gzip ]; then
        tail -c "+$((offset + 1))" "$file" | head -c "$left" | gzip -1
    else
        tail -c "+$((offset + 1))" "$file" | head -c "$left"
    fi
}

# RUN NAME OFFSET LIMIT
part_of() {
    open_plain "$1" "$2" || return 0
    tail -c "+$(($3 + 1))" "$opened" | head -c "$4"
}

# The runner is then nobody's child, and in no session of sshd's.
launch() {
    [ -d "$1" ] || return 0
    here=$(pwd)/$1
    # Of an earlier start, whose job may have put links and pipes there: nothing that is there is written to.
    rm -rf "$here/unclaimed" "$here/runner.err"
    if [ -L "$here/launched" ] || { [ -e "$here/launched" ] && [ ! -f "$here/launched" ]; }; then rm -rf "$here/launched"; fi
    set -C
    setsid sh "$here/runner.sh" "$here" </dev/null >/dev/null 2>"$here/runner.err" &
    # Without the mark, as on a full disk, a run that is not claimed yet is started once more, which does no harm.
    touch "$here/launched" 2>/dev/null || true
}

mark() {
    [ -d "$1" ] && [ ! -L "$1" ] || return 0
    # The job may have taken the rights from its own run directory.
    { [ -r "$1" ] && [ -w "$1" ] && [ -x "$1" ]; } || chmod u+rwx "$1" || exit 1
    # The job's own: a pipe would be waited for, a link would lead into another file.
    if [ -L "$1/$2" ] || { [ -e "$1/$2" ] && { [ ! -f "$1/$2" ] || [ ! -w "$1/$2" ]; }; }; then
        rm -rf "${1:?}/$2" || exit 1
    fi
    : >>"$1/$2"
}

# By our own runner, in $runner, and not by what lies there: the job may have written to that.
sweep() {
    sh -c "$runner" sh "$(pwd)/$1" sweep
}

# It disappears in one step; then what a death in making or removing it left.
remove() {
    if [ -e "$1" ] || [ -L "$1" ]; then mv "$1" ".$1.$2.gone" || exit 1; fi
    for left in ".$1".*.gone ".$1".*.new; do
        [ -e "$left" ] || [ -L "$left" ] || continue
        # The job may have taken rights from its own folders.
        rm -rf "$left" 2>/dev/null || { chmod -R u+rwx "$left" && rm -rf "$left"; }
    done
}

# Lines `lacks PROGRAM`, `folder WHY`, `links no`, `clock SECONDS`, `free KILOBYTES`.
problems() {
    for program in sh setsid sha256sum nice tar flock tee stat df; do
        command -v "$program" >/dev/null || echo "lacks $program"
    done
    printf 'clock %s\n' "$(date -u +%s)"
    # Of transfers that were killed.
    find . -maxdepth 1 -name '.*.in' -mtime +0 -exec rm -rf {} + 2>/dev/null
    probe=.probe.$1
    if why=$({ echo x >"$probe"; } 2>&1); then
        ln "$probe" "$probe.link" 2>/dev/null || echo 'links no'
        rm -f "$probe" "$probe.link"
    else
        printf 'folder %s\n' "${why##*: }"
    fi
    printf 'free %s\n' "$(df -Pk . | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p')"
}

found() {
    for path; do
        place=$path
        case $path in '~/'*) place=$HOME/${path#'~/'} ;; esac
        if [ -e "$place" ]; then printf '%s\n' "$path"; fi
    done
}

host() {
    verb=$1
    echo '@rasreconcile'
    case $verb in
    found)
        shift 2
        found "$@"
        return
        ;;
    problems)
        if ! why=$(mkdir -p -- "$2" 2>&1 && cd -- "$2" 2>&1); then
            printf 'folder %s\n' "${why##*: }"
            return
        fi
        ;;
    stock | assemble | receive)
        mkdir -p -- "$2" || exit 1
        ;;
    *)
        # Nothing was ever started here.
        [ -e "$2" ] || { [ "$verb" != send ] || echo absent; return 0; }
        ;;
    esac
    cd -- "$2" || exit 1
    shift 2
    "$verb" "$@"
}
