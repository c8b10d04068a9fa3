#!/bin/sh
# What lies in a run directory: sh files.sh FOLDER RUN; POSIX sh. A line `MODE SIZE CHANGED NAME` for each file, folder and
# link in it, the mode in hex, the time in seconds since the epoch. No link is followed, nothing is opened.

[ -d "$1/$2" ] && [ ! -L "$1/$2" ] || exit 0
cd "$1/$2" || exit 1
find . -exec stat -c '%f %s %Y %n' {} + 2>/dev/null | head -n 100001
exit 0
