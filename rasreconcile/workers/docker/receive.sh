#!/bin/sh
# Takes in a run that is sent as an archive, POSIX sh: sh receive.sh FOLDER ASIDE RUN begin [SIZE DIGEST]... | keep | end
# `begin` prints `whole` where the run is there already, else `missing DIGEST` for what the cache lacks.
# `keep` proves by digest what came and puts what is shared into the cache; `end` does so too, links what is cached, and gives the directory its name.

umask 077
cd "$1" || exit 1
aside=$2
run=$3
verb=$4
shift 4

boot=unknown
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null

is_whole() {
    its_boot=none
    { read -r its_boot <"$run/boot"; } 2>/dev/null
    [ -e "$run/started" ] || [ "$its_boot" = "$boot" ]
}

# What others have begun to send of this run, or have left of it when they died: the run is there, nobody needs that.
# Who should still be sending it fails, and then finds the whole run.
forget_halves() {
    for half in ".$run".*.new; do
        [ ! -d "$half" ] || rm -rf "$half"
    done
}

# Of files sent ahead the name tells no run: what is a day old was left by one that died.
forget_old_halves() {
    for half in .-.*.new; do
        made=$(stat -c %Y "$half" 2>/dev/null) && [ "$made" -lt "$(($(date +%s) - 86400))" ] && rm -rf "$half"
    done
}

keep() {
    # Where all was here before, nothing came that could be proven.
    [ ! -s "$aside/sums" ] || sha256sum -c "$aside/sums" >/dev/null || exit 9
    if [ -d "$aside/new" ]; then
        # Flushed, because from now on it is believed for its name.
        sync
        for file in "$aside/new"/*; do
            mv -f "$file" "cache/${file##*/}" || exit 1
        done
    fi
}

case $verb in
begin)
    if [ -d "$run" ]; then
        if is_whole; then
            forget_halves
            echo whole
            exit 0
        fi
        # Made before the machine lost its power: files that were not flushed may hold zeros.
        mv "$run" "$aside.gone" || exit 1
        rm -rf "$aside.gone"
    fi
    mkdir -p cache "$aside/work" || exit 1
    while [ $# -gt 0 ]; do
        [ "$(stat -c '%s %Y' "cache/$2" 2>/dev/null)" = "$1 1" ] || printf 'missing %s\n' "$2"
        shift 2
    done
    ;;
keep)
    keep
    rm -rf "$aside"
    forget_old_halves
    ;;
end)
    keep
    while IFS= read -r line; do
        ln "cache/${line%% *}" "$aside/work/${line#* }" || exit 8
    done <"$aside/links"
    rm -rf "$aside/new" "$aside/sums" "$aside/links"
    printf '%s\n' "$boot" >"$aside/boot" || exit 1
    if [ -e "$run" ]; then
        rm -rf "$aside"
    else
        mv "$aside" "$run" || exit 1
        # Another starter was quicker by a hair: then ours has landed inside its directory.
        rm -rf "${run:?}/$aside"
    fi
    forget_halves
    ;;
esac
exit 0
