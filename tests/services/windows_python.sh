#!/usr/bin/env bash
# CPython for Windows, with Windows wheels of what is named, to run under Wine on this machine.
#   windows_python.sh DEST REQUIREMENT...     makes DEST: a minute, 150 MB of wheels, which stay in DEST/wheels
#   DEST/python -m pytest ...                 runs it; its input is empty, its output comes through a pipe
# It is the official build: the wheel of panda3d for Windows carries python311.dll, its extension modules, SQLite and
# OpenSSL; the .py files of the standard library are those of the python3.11 at hand. Three small pieces are compiled by mingw:
# python.exe (calls Py_Main), python3.dll (forwards the stable ABI) and bcryptprimitives.dll (ProcessPrng, which Wine 8 lacks).
# In Wine 8 numpy 2 and h5py above 3.11 abort, for want of functions of its C runtime: so those two have fixed versions.
# Needs wine64, gcc-mingw-w64-x86-64, and Python 3.11 with pip.
set -euo pipefail
dest=$(mkdir -p "$1" && cd "$1" && pwd)
shift
host=python3.11
command -v "$host" >/dev/null || host=python3
"$host" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "windows_python.sh needs Python 3.11" >&2; exit 69; }
wine=/usr/lib/wine/wine64
[ -x "$wine" ] || wine=$(command -v wine64 || command -v wine)
root=$dest/root site=$dest/root/Lib/site-packages
mkdir -p "$dest/wheels" "$dest/build" "$root/DLLs" "$site"

fetch() {
    "$host" -m pip download -q --disable-pip-version-check --only-binary=:all: --python-version 3.11 \
        --implementation cp --platform win_amd64 -d "$dest/wheels" "$@"
}

unpack() { "$host" -m zipfile -e "$1" "$2"; }

fetch --no-deps panda3d==1.10.16
unpack "$dest"/wheels/panda3d-*.whl "$dest/build"
cd "$dest/build/deploy_libs"
cp _*.pyd pyexpat*.pyd select*.pyd unicodedata*.pyd winsound*.pyd "$root/DLLs/"
cp libffi-8.dll libcrypto-3.dll libssl-3.dll sqlite3.dll "$root/DLLs/"
cp python311.dll "$root/"
cp VCRUNTIME140.dll "$root/vcruntime140.dll"
library=$("$host" -c 'import sysconfig; print(sysconfig.get_paths()["stdlib"])')
tar -C "$library" -c --exclude=./test --exclude=__pycache__ --exclude=./site-packages --exclude=./dist-packages \
    --exclude=./lib-dynload --exclude='./config-*' . | tar -C "$root/Lib" -x

cd "$dest/build"
cat >python.c <<'C'
#include <windows.h>
#include <stdio.h>
typedef int (*main_t)(int, wchar_t **);
int wmain(int argc, wchar_t **argv) {
    HMODULE dll = LoadLibraryW(L"python311.dll");
    if (!dll) { fprintf(stderr, "python311.dll: error %lu\n", GetLastError()); return 101; }
    return ((main_t)GetProcAddress(dll, "Py_Main"))(argc, argv);
}
C
cat >random.c <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE at, SIZE_T left) {
    while (left) {
        ULONG n = left > 65536 ? 65536 : (ULONG)left;
        if (!SystemFunction036(at, n)) return FALSE;
        at += n;
        left -= n;
    }
    return TRUE;
}
C
echo 'int __stdcall DllMain(void *h, unsigned r, void *p) { return 1; }' >entry.c
{
    printf 'LIBRARY python3.dll\nEXPORTS\n'
    x86_64-w64-mingw32-objdump -p "$root/python311.dll" |
        awk '/\[Ordinal\/Name Pointer\] Table/ {f=1; next} f && /\[/ {print $NF " = python311." $NF}'
} >python3.def
x86_64-w64-mingw32-gcc -O1 -municode -o "$root/python.exe" python.c
x86_64-w64-mingw32-gcc -O1 -shared -o "$root/bcryptprimitives.dll" random.c -ladvapi32
x86_64-w64-mingw32-gcc -shared -nostdlib -e DllMain -o "$root/python3.dll" entry.c python3.def

if [ $# -gt 0 ]; then
    fetch numpy==1.26.4 h5py==3.11.0 "$@"
    for wheel in "$dest"/wheels/*.whl; do
        case $wheel in */panda3d-*) ;; *) unpack "$wheel" "$site" ;; esac
    done
fi

export WINEPREFIX=$dest/prefix WINEDEBUG=-all
[ -d "$WINEPREFIX" ] || "$wine" wineboot -i </dev/null >/dev/null 2>&1 || true
"$wine" reg add 'HKCU\Software\Wine' /v Version /d win10 /f </dev/null >/dev/null 2>&1

cat >"$dest/python" <<PY
#!/usr/bin/env python3
"""CPython for Windows under Wine. Files of this machine are Z:\\\\...; arguments may have either spelling.

Wine hands on pipes and terminals, no plain files. Detached processes inherit the pipe: this ends with the interpreter, and
not with the last that holds it.
"""
import os
import subprocess
import sys
import threading

env = {**os.environ, "WINEPREFIX": "$WINEPREFIX", "WINEDEBUG": os.environ.get("WINEDEBUG", "-all")}
command = ["$wine", "$root/python.exe", *sys.argv[1:]]
run = subprocess.Popen(
    command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
)


def copy():
    while piece := os.read(run.stdout.fileno(), 65536):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


copying = threading.Thread(target=copy, daemon=True)
copying.start()
code = run.wait()
copying.join(1.0)
sys.stdout.flush()
os._exit(code if 0 <= code < 256 else 1)
PY
chmod +x "$dest/python"
"$dest/python" -c 'import sys, sqlite3, ssl; print("Python", sys.version.split()[0], sys.platform, "SQLite", sqlite3.sqlite_version)'
