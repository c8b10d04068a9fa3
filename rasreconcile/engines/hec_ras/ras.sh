# Ras.exe under Wine on one plan, in the project's folder; then waits for what Ras.exe leaves behind. See ras.cmd for why.
#
#   sh ras.sh WINE RAS_EXE FORM STEM NUMBER GRACE QUIET [PRODUCT...]

wine=$1 exe=$2 form=$3 stem=$4 number=$5 grace=$6 quiet=$7
shift 7
growing=$stem.p$number.tmp.hdf
result=$stem.p$number.hdf

# The end of a run ends all its processes, Wine's own among them: each run has a prefix, and so a Wine, of its own. The links
# cost no room; what Wine changes in it, it writes anew.
own=$(pwd)/rasreconcile.wine
from=${WINEPREFIX:-$HOME/.wine}
if [ -d "$from" ]; then
    cp -al "$from" "$own" 2>/dev/null || { rm -rf "$own"; cp -a "$from" "$own"; } || exit 1
fi
export WINEPREFIX="$own"

# Through Wine's cmd: HEC-RAS reads quoted words from its command line, and `wine Ras.exe X` quotes none without blanks.
call() { "$wine" cmd /d /c rasreconcile-ras.cmd "Z:$(printf %s "$exe" | tr / '\\')" "$form" "$stem" "$number" 0 0 call; }

size() { [ -f "$1" ] && wc -c <"$1"; }
messages() { cat "$stem.p$number".comp*.txt "$stem.bco$number" 2>/dev/null; }
# Ras.exe has said its last word: what is still there then, a solver that died has left.
is_over() { messages | grep -qE 'Complete Process|Error with program|Program execution halted'; }
# Everything is prepared: the solver begins. Some releases leave the .bco empty.
is_prepared() {
    for product in "$@"; do [ -s "$product" ] || return 1; done
    [ -n "$returned" ] ||
        messages | grep -qE 'Starting Unsteady Flow Computations|PROCESS:Ras(Uns|S)teady|Performing Unsteady Flow Simulation|Steady Flow Simulation HEC-RAS'
}
has_returned() {
    [ -z "$returned" ] && [ -f rasreconcile.returned ] && read -r code <rasreconcile.returned && returned=yes
}

code=0 returned=
if [ $# -eq 0 ]; then
    call
    code=$? returned=yes
    [ -f "$result" ] && [ ! -f "$growing" ] && exit "$code"
else
    { call; echo $? >rasreconcile.part; mv rasreconcile.part rasreconcile.returned; } &
fi
before= still=0
while :; do
    has_returned
    if [ $# -gt 0 ]; then
        # A short plan is computed before anybody sees that it was prepared: its result is what was prepared, and more.
        [ -n "$returned" ] && [ -f "$result" ] && [ ! -f "$growing" ] && mv "$result" "$growing"
        is_prepared "$@" && exit 0
    fi
    now="$(size "$growing") $(size "$result") $(messages | wc -c)"
    if [ "$now" = "$before" ]; then still=$((still + 2)); else still=0; fi
    before=$now
    if [ -n "$returned" ] && [ "$still" -ge "$grace" ] && { [ ! -f "$growing" ] || is_over; }; then
        exit "$code"
    fi
    if [ "$still" -ge "$quiet" ]; then
        if [ -n "$returned" ]; then
            echo "rasreconcile: Ras.exe has returned, and $growing has not changed for $still s: its solver is gone or stuck"
        else
            echo "rasreconcile: Ras.exe hangs: it has written nothing for $still s, and $growing is not whole"
        fi
        exit 1
    fi
    sleep 2
done
