"""Installs of the stand-ins, laid out like those of HEC-RAS, and a small project for them to compute."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
LIBRARIES = {
    "libifcoremt.so.5": "int standin_fortran(void) { return 1; }",
    "libmkl_core.so.1": "int standin_mkl(void) { return 1; }",
    "libgfortran.so.5": "int standin_gfortran(void) { return 1; }",
}
"""What the programs are linked with: three of those that HEC's are."""


@dataclass(frozen=True)
class Layout:
    """Where an archive of HEC has what; folders below its top."""

    programs: tuple[str, ...]
    """Each holds all programs; the last is the one to use."""
    libraries: Mapping[str, str]
    """The folder of each library."""

    @classmethod
    def apart(cls, libs: str, *programs: str) -> Layout:
        """As all but the oldest have them."""
        return cls(programs, dict(zip(LIBRARIES, (libs, f"{libs}/mkl", f"{libs}/rhel_8"), strict=True)))


LAYOUTS = {
    "5.0.7": Layout(("bin_ras",), dict.fromkeys(LIBRARIES, "bin_ras")),
    "6.1": Layout.apart("libs", "Ras_v61/Debug", "Ras_v61/Release"),
    "6.3.1": Layout.apart("libs", "RAS_v631/Release"),
    "6.4.1": Layout.apart("libs", "RAS_v641/Release"),
    "6.5": Layout.apart("libs", "RAS_v65/Release"),
    "6.6": Layout.apart("libs", "RAS_v66/Release"),
    "bin": Layout.apart("libs", "bin"),
    "7.0.1": Layout.apart("Linux/Linux/libs", "Linux/Linux"),
    "flat": Layout.apart("libs", ""),
}
"""By the version whose archive is laid out so; `bin`, `flat`: as people put them into images."""


@dataclass(frozen=True)
class StandIn:
    """One install. `exe` is Ras.exe; None for a Linux one."""

    home: Path
    """The top of the install."""
    version: str
    exe: Path | None = None
    layout: Layout | None = None

    @property
    def programs(self) -> Path:
        """The folder of the Linux solvers."""
        assert self.layout is not None
        return self.home / self.layout.programs[-1]

    @property
    def libraries(self) -> dict[str, Path]:
        """Every library of a Linux install, by name."""
        assert self.layout is not None
        return {name: self.home / place / name for name, place in self.layout.libraries.items()}

    def loses(self, library: str) -> None:
        """From now on no program of it starts."""
        self.libraries[library].unlink()

    def fails(self, mode: str, **more: Any) -> None:
        """From now on its runs end so; `seconds`, `plans` and `times` as in the README."""
        (self.home / "standin.json").write_text(json.dumps({"mode": mode, **more}))

    def works(self) -> None:
        (self.home / "standin.json").unlink(missing_ok=True)

    def lines(self) -> list[str]:
        """Every command line of Ras.exe as Windows had it, quotes and all; of one that Wine ran."""
        place = self.home / "lines.txt"
        return place.read_text().splitlines() if place.exists() else []

    def calls(self) -> list[dict[str, Any]]:
        """Every call of one of its programs: program, arguments, folder."""
        place = self.home / "calls.ndjson"
        return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def linux(home: Path, version: str, layout: str | None = None) -> StandIn:
    """The solvers with their libraries, laid out as HEC's archive of this version is, or another one."""
    made = StandIn(home, version, layout=LAYOUTS[layout or _layout_of(version)])
    assert made.layout is not None
    home.mkdir(parents=True, exist_ok=True)
    (home / "version.txt").write_text(version + "\n")
    built = _built()
    for name, place in made.libraries.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(built / name, place)
    names = (
        ("rasUnsteady64",) if version.startswith("5.") else ("RasUnsteady", "RasGeomPreprocess", "RasSteady")
    )
    for below in made.layout.programs:
        folder = home / below
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "standin.txt").write_text(f"{sys.executable}\n{HERE / 'programs.py'}\n{home}\n")
        for name in names:
            shutil.copy(built / "program", folder / name)
            (folder / name).chmod(0o755)
    return made


def _layout_of(version: str) -> str:
    if version.startswith("5."):
        return "5.0.7"
    if version in LAYOUTS:
        return version
    return "6.1" if version.startswith(("6.0", "6.2")) else "7.0.1"


def _built() -> Path:
    """A folder with the libraries, and a program that is linked with them: made once on this machine.

    Without a compiler the program is a script that looks for them as the loader would.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    sources = (HERE / "linux.c").read_bytes() + repr((LIBRARIES, _SCRIPT, compiler)).encode()
    place = Path(
        tempfile.gettempdir(),
        f"rasreconcile-standins-{os.getuid()}",
        hashlib.sha256(sources).hexdigest()[:16],
    )
    if not place.is_dir():
        aside = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
        aside.mkdir(parents=True, mode=0o700)
        _build(aside, compiler)
        with suppress(OSError):
            # Another test process may have been quicker.
            aside.rename(place)
    return place


def _build(folder: Path, compiler: str | None) -> None:
    if compiler is None:
        for name in LIBRARIES:
            (folder / name).touch()
        (folder / "program").write_text(_SCRIPT)
        return
    for name, text in LIBRARIES.items():
        (folder / "library.c").write_text(text)
        words = ["-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", name, "library.c"]
        subprocess.run([compiler, *words], cwd=folder, check=True, timeout=120)
    words = ["-Wl,--no-as-needed", "-o", "program", str(HERE / "linux.c"), *LIBRARIES]
    subprocess.run([compiler, *words], cwd=folder, check=True, timeout=120)


_SCRIPT = f"""\
#!/bin/sh
for needed in {" ".join(LIBRARIES)}; do
    IFS=:
    there=
    for folder in $LD_LIBRARY_PATH; do [ -e "$folder/$needed" ] && there=yes; done
    unset IFS
    if [ -z "$there" ]; then
        echo "$0: error while loading shared libraries: $needed: cannot open shared object file: No such file or directory" >&2
        exit 127
    fi
done
{{ read -r python && read -r programs && read -r home; }} <"${{0%/*}}/standin.txt"
STANDIN_LIBRARIES=$LD_LIBRARY_PATH
export STANDIN_LIBRARIES
unset LD_LIBRARY_PATH
[ -x "$python" ] || exit 70
exec "$python" "$programs" "${{0##*/}}" "$home" "$@"
"""


def windows(home: Path, version: str) -> StandIn:
    """Ras.exe, compiled for Windows: under Wine it can be run here. Raises FileNotFoundError without the compiler."""
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    if compiler is None:
        raise FileNotFoundError("x86_64-w64-mingw32-gcc")
    script = twin(home, version).exe
    (home / "standin.txt").write_text(f"{script}\n")
    exe = home / "Ras.exe"
    subprocess.run([compiler, "-O1", "-o", str(exe), str(HERE / "ras.c")], check=True, timeout=120)
    return StandIn(home, version, exe)


def twin(home: Path, version: str) -> StandIn:
    """The same as a program of this system, called `Ras`, for tests that need no Wine."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "version.txt").write_text(version + "\n")
    exe = home / "Ras"
    exe.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "programs.py"}" Ras "{home}" "$@"\n')
    exe.chmod(0o755)
    return StandIn(home, version, exe)


def sh_wine(place: Path) -> Path:
    """A program that takes the place of Wine for a twin: `cmd /d /c rasreconcile-ras.cmd Z:\\...\\Ras.exe ... call`."""
    place.write_text(
        '#!/bin/sh\n[ "$1 $2 $3 $4" = "cmd /d /c rasreconcile-ras.cmd" ] && [ "${11}" = call ] || exit 64\n'
        "exe=$(printf %s \"${5#Z:}\" | tr '\\\\' /)\n"
        'case $6 in\nplan) exec "$exe" -c "$7.prj" "$7.p$8" ;;\n*) exec "$exe" "$7.prj" -c ;;\nesac\n'
    )
    place.chmod(0o755)
    return place


# ---- a project


def write_project(
    folder: Path, stem: str = "Basin", *, plans: tuple[str, ...] = ("01", "02"), line_end: str = "\r\n"
) -> Path:
    """A 2D unsteady project whose plans NN share one geometry and have a flow file each. Returns its .prj."""
    folder.mkdir(parents=True, exist_ok=True)

    def write(ending: str, *lines: str) -> None:
        (folder / f"{stem}.{ending}").write_bytes((line_end.join(lines) + line_end).encode("cp1252"))

    listed = [f"Plan File=p{n}" for n in plans] + [f"Unsteady File=u{n}" for n in plans]
    write(
        "prj", f"Proj Title={stem}", f"Current Plan=p{plans[-1]}", "English Units", "Geom File=g01", *listed
    )
    area = "Storage Area=Basin           ,1000,2000"
    write("g01", "Geom Title=basin", "Program Version=6.60", area, "Storage Area Is2D=-1")
    for order, n in enumerate(plans):
        write(
            f"p{n}",
            f"Plan Title=plan {n}",
            "Program Version=6.60",
            f"Short Identifier=plan{n}                    ",
            "Simulation Date=01JAN1900,0000,01JAN1900,0200",
            "Geom File=g01",
            f"Flow File=u{n}",
            "Computation Interval=10SEC",
            "Output Interval=15MIN",
            "UNET D1 Cores= 0 ",
            "UNET D2 Cores= 0 ",
            "PS Cores= 0 ",
            "Write Detailed= 0 ",
        )
        place = "                ,                ,        ,        ,                ,Basin           ,                ,inlet"
        write(
            f"u{n}",
            f"Flow Title=flow {n}",
            "Use Restart= 0 ",
            f"Boundary Location={place}",
            "Interval=1HOUR",
            "Flow Hydrograph= 3 ",
            f"{1000 + 500 * order:8d}{2000 + 500 * order:8d}{1500 + 500 * order:8d}",
            "Use DSS=False",
        )
    return folder / f"{stem}.prj"


def write_steady_project(folder: Path, stem: str = "Brook", *, line_end: str = "\r\n") -> Path:
    """A 1D steady project with plan 01, for the stand-ins alone: its sections have no points."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = [f"Type RM Length L Ch R = 1 ,{rm},100,100,100" for rm in ("300", "200", "100")]
    files = {
        "prj": [f"Proj Title={stem}", "Current Plan=p01", "Geom File=g01", "Flow File=f01", "Plan File=p01"],
        "p01": ["Plan Title=steady", "Short Identifier=steady", "Geom File=g01", "Flow File=f01"],
        "g01": ["Geom Title=brook", "River Reach=Brook           ,Main            ", *heads],
        "f01": [
            "Flow Title=floods",
            "Number of Profiles= 2 ",
            "Profile Names=ten,hundred",
            "River Rch & RM=Brook,Main            ,300     ",
            "     100     400",
        ],
    }
    for ending, lines in files.items():
        (folder / f"{stem}.{ending}").write_bytes((line_end.join(lines) + line_end).encode("cp1252"))
    return folder / f"{stem}.prj"


def prepare(project: Path, number: str = "01", *, version: str = "6.6", line_end: str = "\r\n") -> list[Path]:
    """Puts beside the project what the preprocessing on Windows would leave for the Linux solvers of this version."""
    model, layout = loaded("rasmodel"), loaded("raslayout")
    plan = model.read_plan(project.parent, project.stem, number, version)
    geometry = plan.keys.get("Geom File", "g01")[1:]
    head = layout.full_version(version)
    texts = {f"x{geometry}": "Section - Arrays Sizes", f"b{number}": "       1       1       0       0"}
    if plan.steady:
        texts = {f"r{number}": "steady"}
    made = []
    for ending, text in texts.items():
        path = project.with_suffix(f".{ending}")
        path.write_bytes(f"{head}{line_end}{text}{line_end}".encode("cp1252"))
        made.append(path)
    layout.prepare(plan, layout.Flaws())
    made.append(plan.growing)
    if not plan.steady and version.startswith(("5.", "6.0", "6.1", "6.2")):
        path = project.with_suffix(f".c{geometry}")
        path.write_bytes(b"\0tables")
        made.append(path)
    return made


def loaded(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert found is not None and found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        found.loader.exec_module(module)
    return sys.modules[name]
