# HEC-RAS's Linux solvers: where they are, whether they start, and how a run calls them. POSIX sh.
#
#   sh solvers.sh run PROGRAM ARGUMENT...     becomes the program, with its libraries and all the stack there is
#   sh solvers.sh find [NAME PLACE... '']...  `PATH<tab>REAL PATH` of each program NAME in PLACE, or up to four folders below
#   sh solvers.sh try FOLDER NAME...          runs each without arguments: `program NAME absent|locked|CODE`, and after `| `
#                                             what it printed

libraries=''

# A folder that holds shared libraries, once.
add() {
    case ":$libraries:" in *":$1:"*) return ;; esac
    for library in "$1"/*.so "$1"/*.so.[0-9]*; do
        if [ -e "$library" ]; then
            libraries=${libraries:+$libraries:}$1
            return
        fi
    done
}

# Libraries as HEC names them: libs, with mkl and rhel_8 below. `lib` of the system itself is none of these.
add_of() {
    names='libs lib'
    case $1 in '' | /usr | /usr/local) names=libs ;; esac
    for name in $names; do
        for folder in "$1/$name" "$1/$name/mkl" "$1/$name/rhel_8" "$1/$name"/*; do
            add "$folder"
        done
    done
}

# Beside the program $1 or in a folder of its own there, and up to two folders above it.
add_for() {
    home=${1%/*}
    above=${home%/*}
    add "$home"
    add_of "$home"
    for folder in "$home"/*; do add "$folder"; done
    add_of "$above"
    add_of "${above%/*}"
}

# The same where they are called otherwise. Where everybody's programs are, any folder may be another program's.
add_beside() {
    home=${1%/*}
    above=${home%/*}
    case $above in '' | /usr | /usr/local | /opt | /home | "$HOME") return 0 ;; esac
    for folder in "$above"/* "$above"/*/*; do add "$folder"; done
}

become() {
    libraries=''
    real=$(readlink -f "$1" 2>/dev/null)
    add_for "${real:-$1}"
    add_for "$1"
    [ -n "$libraries" ] || add_beside "${real:-$1}"
    if [ -n "$libraries" ]; then
        # An image, or whoever set up the host, may have named more: an empty part would mean the run's own folder.
        LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
        export LD_LIBRARY_PATH
    fi
    # The solvers keep large arrays on the stack, and die without a word where it is too small.
    ulimit -s unlimited 2>/dev/null || ulimit -s "$(ulimit -H -s)" 2>/dev/null
    exec "$@"
}

find_below() {
    place=$2
    case $place in "~/"*) place=$HOME/${place#"~/"} ;; esac
    # The program itself, or another of the same install.
    [ -f "$place" ] && place=${place%/*}
    place=${place%/}
    for path in "$place/$1" "$place"/*/"$1" "$place"/*/*/"$1" "$place"/*/*/*/"$1" "$place"/*/*/*/*/"$1"; do
        [ -f "$path" ] && printf '%s\t%s\n' "$path" "$(readlink -f "$path" 2>/dev/null)"
    done
}

find_all() {
    name=''
    for word; do
        if [ -z "$word" ]; then
            name=''
        elif [ -z "$name" ]; then
            name=$word
        else
            find_below "$name" "$word"
        fi
    done
}

# What starts and goes on until it is killed has found its libraries.
try_each() {
    home=$1
    shift
    place=${TMPDIR:-/tmp}/rasreconcile-try.$$
    mkdir -m 700 "$place" && cd "$place" || exit 1
    for name; do
        if [ ! -f "$home/$name" ]; then
            echo "program $name absent"
            continue
        fi
        if [ ! -x "$home/$name" ]; then
            echo "program $name locked"
            continue
        fi
        (become "$home/$name") </dev/null >said 2>&1 &
        job=$!
        (sleep 10 && kill -KILL "$job") </dev/null >/dev/null 2>&1 &
        guard=$!
        wait "$job" 2>/dev/null
        printf 'program %s %s\n' "$name" "$?"
        kill "$guard" 2>/dev/null
        head -c 4000 said | sed 's/^/| /'
        echo
    done
    cd / && rm -rf "$place"
}

verb=$1
shift
case $verb in
run) become "$@" ;;
find) find_all "$@" ;;
try) try_each "$@" ;;
*) exit 64 ;;
esac
true
