# Ras.exe under Wine on one plan, in the project's folder; then waits for what Ras.exe leaves behind. See ras.cmd for why.
#
#   sh ras.sh WINE RAS_EXE FORM STEM NUMBER GRACE QUIET

wine=$1 exe=$2 form=$3 stem=$4 number=$5 grace=$6 quiet=$7
growing=$stem.p$number.tmp.hdf
result=$stem.p$number.hdf
here=Z:$(pwd | tr / '\\')

# The end of a run ends all its processes, Wine's own among them: each run has a prefix, and so a Wine, of its own. The links
# cost no room; what Wine changes in it, it writes anew.
own=$(pwd)/rasreconcile.wine
from=${WINEPREFIX:-$HOME/.wine}
if [ -d "$from" ]; then
    cp -al "$from" "$own" 2>/dev/null || { rm -rf "$own"; cp -a "$from" "$own"; } || exit 1
fi
export WINEPREFIX="$own"

case $form in
plan) "$wine" "$exe" -c "$here\\$stem.prj" "$here\\$stem.p$number" ;;
*) "$wine" "$exe" "$here\\$stem.prj" -c ;;
esac
code=$?

size() { [ -f "$1" ] && wc -c <"$1"; }
# Ras.exe has said its last word: what is still there then, a solver that died has left.
is_over() { grep -qE 'Complete Process|Error with program|Program execution halted' "$stem.p$number".comp*.txt 2>/dev/null; }

[ -f "$result" ] && [ ! -f "$growing" ] && exit "$code"
before= still=0
while :; do
    now="$(size "$growing") $(size "$result") $(cat "$stem.p$number".comp*.txt 2>/dev/null | wc -c)"
    if [ "$now" = "$before" ]; then still=$((still + 2)); else still=0; fi
    before=$now
    if [ "$still" -ge "$grace" ] && { [ ! -f "$growing" ] || is_over; }; then
        exit "$code"
    fi
    if [ "$still" -ge "$quiet" ]; then
        echo "rasreconcile: Ras.exe has returned, and $growing has not changed for $still s: its solver is gone or stuck"
        exit 1
    fi
    sleep 2
done
