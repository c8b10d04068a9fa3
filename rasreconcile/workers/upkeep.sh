#!/bin/sh
# The upkeep of a worker's folder; POSIX sh. In that folder, `list` prints `now SECONDS`, a line `run SECONDS NAME` for
# each folder beside the cache, and `cached USED CHANGED BYTES LINKS NAME` for each file in it; `drop NAME...` removes files
# of the cache.

cd "$1" 2>/dev/null || exit 0
verb=$2
shift 2
case $verb in
list)
    printf 'now %s\n' "$(date -u +%s)"
    for entry in * .*; do
        case $entry in . | .. | cache) continue ;; esac
        if [ -d "$entry" ] && ! [ -L "$entry" ]; then stat -c 'run %Y %n' -- "$entry" 2>/dev/null; fi
    done
    find cache -type f -exec stat -c 'cached %X %Z %s %h %n' {} + 2>/dev/null
    ;;
drop)
    for name; do
        rm -f "cache/$name"
    done
    ;;
esac
exit 0
