#!/bin/sh
# What a container of this image sees and can do, POSIX sh: sh probe.sh FOLDER PROGRAM...
# Prints `lacks PROGRAM`, `clock SECONDS`, `free KILOBYTES`, `user UID:GID`, `token TEXT`, `links`, as far as they are so.

folder=$1
shift
for program; do
    command -v "$program" >/dev/null || printf 'lacks %s\n' "$program"
done
printf 'clock %s\n' "$(date -u +%s)"
df -Pk "$folder" 2>/dev/null | {
    read -r line
    read -r device total used free rest && printf 'free %s\n' "$free"
}
printf 'user %s\n' "$(stat -c %u:%g "$folder" 2>/dev/null)"
{ cd "$folder"; } 2>/dev/null || exit 0
[ -e token ] && printf 'token %s\n' "$(cat token)"
name=.probe.$$
if { echo x >"$name"; } 2>/dev/null && ln "$name" "$name.link" 2>/dev/null; then
    echo links
fi
rm -f "$name" "$name.link"
exit 0
