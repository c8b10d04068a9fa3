"""The stand-ins themselves: what RasUnsteady, RasGeomPreprocess, RasSteady and Ras.exe do, and how they fail.

    python programs.py PROGRAM HOME ARGUMENTS...

PROGRAM is the name it is called by, HOME the install it belongs to. Run in the project's folder.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import h5py
import raslayout as layout
import rasmodel as model
from rassolver import (
    DATA_ERRORS,
    EVENTS_ERROR,
    FLAWS,
    GEOMETRY_ERROR,
    REFUSALS,
    Wish,
    say,
    solve,
    version_of,
    wish,
)


def note_call(program: str, home: Path, words: list[str]) -> None:
    call: dict[str, object] = {"program": program, "arguments": words, "folder": str(Path.cwd())}
    if "STANDIN_LIBRARIES" in os.environ:
        call |= {
            "libraries": os.environ["STANDIN_LIBRARIES"],
            "stack": resource.getrlimit(resource.RLIMIT_STACK),
        }
    with (home / "calls.ndjson").open("a") as file:
        file.write(json.dumps(call) + "\n")


# ---- Linux: the solvers alone


def linux(program: str, home: Path, words: list[str]) -> int:
    if not words:
        # Seen of RasGeomPreprocess 6.6; assumed of the others.
        say("forrtl: No such file or directory")
        say(f"forrtl: severe (29): file not found, unit 5, file {Path.cwd()}/io.x")
        return 29
    first = Path(words[0])
    number = "".join(c for c in words[-1].rpartition(".")[2] if c.isdigit()).zfill(2)
    asked = wish(home, _plan_number(first, words) or number)
    if asked.mode == "hang":
        time.sleep(3600)
    if program == "RasSteady":
        return _steady(home, first, asked)
    if not first.exists():
        say(f"forrtl: severe (29): file not found, unit 1, file {Path.cwd()}/{first}")
        return 29
    if program == "RasGeomPreprocess":
        return _geometry_preprocess(home, first, words)
    return _unsteady(home, first, words, asked)


def _plan_number(first: Path, words: list[str]) -> str | None:
    """From `X.p04.tmp.hdf` or `X.r04` or `b04`; the forms that name a geometry know no plan."""
    for part in (*first.name.split("."), words[-1] if words else ""):
        if len(part) == 3 and part[0] in "pbr" and part[1:].isdigit():
            return part[1:]
    return None


def _must_be_unix(*names: str) -> str | None:
    for name in names:
        if Path(name).exists() and b"\r\n" in Path(name).read_bytes():
            return f"forrtl: severe (59): list-directed I/O syntax error, unit 2, file {Path.cwd()}/{name}"
    return None


def _geometry_preprocess(home: Path, first: Path, words: list[str]) -> int:
    stem = first.name.split(".")[0]
    hdf_form = first.name.endswith(".tmp.hdf")
    run_file = f"{stem}.{words[1]}" if hdf_form and len(words) > 1 else first.name
    wrong = _must_be_unix(run_file)
    if wrong or not Path(run_file).exists():
        say(wrong or f"forrtl: severe (29): file not found, unit 2, file {Path.cwd()}/{run_file}")
        return 29
    say(f"Geometric Preprocessor {layout.full_version(version_of(home))}")
    if not hdf_form:
        ending = first.name.rpartition(".")[2]
        Path(f"{stem}.c{ending[1:]}.tmp").write_bytes(b"tables " + Path(run_file).read_bytes())
    say("Finished Processing Geometry")
    return 0


def _unsteady(home: Path, first: Path, words: list[str], asked: Wish) -> int:
    stem = first.name.split(".")[0]
    number = _plan_number(first, words) or ""
    plan = layout.without_texts(model.read_plan(Path.cwd(), stem, number, version_of(home)))
    wrong = _must_be_unix(f"{stem}.b{number}", f"{stem}.{words[1]}", f"{stem}.p{number}")
    missing = [n for n in (f"{stem}.b{number}", "io.b") if not Path(n).exists()]
    if wrong or missing:
        say(wrong or f"forrtl: severe (29): file not found, unit 3, file {Path.cwd()}/{missing[0]}")
        return 59
    if not plan.growing.exists():
        say(f"HDF_ERROR: unable to open {plan.growing.name}")
        return 1
    with h5py.File(plan.growing, "r", locking=False) as file:
        if "Results" in file:
            say("HDF_ERROR: group Results is there already")
            return 1
    say(f"Performing Unsteady Flow Simulation  {layout.full_version(plan.version)}")
    return solve(plan, asked, say)


def _steady(home: Path, first: Path, asked: Wish) -> int:
    stem, number = first.name.split(".")[0], first.name[-2:]
    plan = layout.without_texts(model.read_plan(Path.cwd(), stem, number, version_of(home)))
    if not first.exists():
        for line in ("File:", first.name, "Not Found"):
            say(line)
        return 0
    if wrong := _must_be_unix(first.name):
        say(wrong)
        return 59
    if not plan.growing.exists():
        say(f"HDF_ERROR trying to open HDF output file: {plan.growing.name}")
        return 1
    with h5py.File(plan.growing, "r", locking=False) as file:
        flow = file["Plan Data/Plan Information"].attrs["Flow Filename"].decode()
    if flow.rpartition(".")[2].startswith("u"):
        # The .rNN of an unsteady plan: it only writes that plan's output anew.
        Path(f"{stem}.O{number}").write_bytes(b"profiles")
        say("Finished Post Processing")
        return 0
    say(f"Steady Flow Simulation {layout.full_version(plan.version)}")
    return solve(plan, asked, say)


# ---- Windows: Ras.exe, which preprocesses, starts the solver, and writes the messages


class Messages:
    """The computeMsgs file, line by line as they come, and all of it for the HDF at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: list[str] = []
        path.write_bytes(b"")

    def tell(self, line: str) -> None:
        said = line if line.startswith("Progress | ") else f"Message  | {line}"
        with self._path.open("ab") as file:
            file.write(f"{said}\r\n".encode("cp1252"))
        if said is not line:
            self.lines.append(line)


def windows(home: Path, words: list[str], returned: Path | None) -> int:
    """`-c X.prj X.p04` (6.x) or `X.prj -c`, which runs `Current Plan` (5.x). Returns 0 whatever happened."""
    version = version_of(home)
    named = [word for word in words if word.lower() != "-c"]
    old = version.startswith(("4.", "5."))
    if "-c" not in (word.lower() for word in words) or len(named) != (1 if old else 2):
        time.sleep(3600)  # without them Ras.exe opens its window and waits for a person
    project = Path(named[0].replace("\\", "/").rpartition("/")[2])
    text = project.read_bytes().decode("cp1252") if project.exists() else ""
    current = next(
        (one.partition("=")[2].strip() for one in text.splitlines() if one.startswith("Current Plan=")), ""
    )
    ending = current if old else named[1].rpartition(".")[2]
    asked = wish(home, ending[1:])
    if asked.mode == "hang" or not ending:
        time.sleep(3600)
    if asked.mode == "outlives" and _left_alone(returned):
        return 0
    plan = model.read_plan(Path.cwd(), project.stem, ending[1:], version)
    if not plan.keys or asked.mode == "nothing":
        return 0
    if asked.mode == "data-errors":
        Path(f"{plan.name}.data_errors.txt").write_bytes(DATA_ERRORS.encode("cp1252"))
        return 0
    messages = Messages(Path(f"{plan.name}.{'comp_msgs' if version < '5.0.5' else 'computeMsgs'}.txt"))
    _run_windows(plan, asked, messages)
    return 0


def _left_alone(returned: Path | None) -> bool:
    """Whether this process is the Ras.exe that returns; the other goes on as its solver."""
    if os.fork() == 0:
        os.setpgid(0, 0)
        return False
    return True


def _run_windows(plan: model.Plan, asked: Wish, messages: Messages) -> None:
    tell = messages.tell
    if asked.mode in REFUSALS:
        for line in REFUSALS[asked.mode]:
            tell(line)
        return
    solver = f"{'Steady' if plan.steady else 'Unsteady'} Flow Computations"
    processes = ["Ras.exe", "RasMapper(64)", "Completing Geometry"]
    tell(f"Plan: '{plan.keys.get('Plan Title', '')}' ({plan.name})")
    tell(f"Simulation started at: {datetime.now():%d%b%Y %I:%M:%S %p}")
    for process in ("RasProcess", "RASGeomPreprocess"):
        tell(f"PROCESS:{process}")
        for progress in ("30", "100") if process == "RasProcess" else ("0.3333333", "1"):
            tell(f"Progress | {progress}")
    failed_before = {
        "old-hdf-trap": GEOMETRY_ERROR,
        "geometry-error": GEOMETRY_ERROR,
        "event-conditions": EVENTS_ERROR,
    }.get(asked.mode)
    if failed_before:
        for line in failed_before:
            tell(line)
    else:
        plan.result.unlink(missing_ok=True)
        layout.prepare(plan, FLAWS.get(asked.mode, layout.Flaws()))
        if asked.mode == "prepare-hang":
            time.sleep(3600)
        if asked.mode == "prepare-crash":
            tell("Error with program: RasGeomPreprocess.exe  Process Count = 1  Exit Code = 157")
            return
        _write_run_files(plan)
        tell("Finished Processing Geometry")
        _note_the_start(plan, asked)
        tell(f"PROCESS:Ras{'Steady' if plan.steady else 'Unsteady'}")
        begins = "Steady Flow Simulation" if plan.steady else "Performing Unsteady Flow Simulation "
        tell(f"{begins} {layout.full_version(plan.version)}")
        if asked.mode == "outlives":
            time.sleep(max(asked.seconds, 1.0))
        try:
            solve(plan, asked, tell)
        except SystemExit as crash:
            tell(f"Error with program: RasUnsteady.exe  Process Count = 3  Exit Code = {crash.code}")
            return
        processes.append(solver)
        if plan.growing.exists():
            plan.growing.replace(plan.result)
    for line in ("Computations Summary", "Computation Task\tTime(hh:mm:ss)", "Complete Process\t   4"):
        tell(line)
    if plan.result.exists():
        # Also into a result of an earlier run that is still there.
        layout.write_messages(plan.result, messages.lines, processes)


def _note_the_start(plan: model.Plan, asked: Wish) -> None:
    """The .bcoNN, which the solver opens; in some releases it stays empty."""
    text = b"" if asked.mode == "empty-bco" else b"\r\n Starting Unsteady Flow Computations\r\n"
    if not plan.steady:
        (plan.folder / f"{plan.stem}.bco{plan.number}").write_bytes(text)


def _write_run_files(plan: model.Plan) -> None:
    head = layout.full_version(plan.version).encode()
    geometry = plan.keys.get("Geom File", "g01")[1:]
    ending = "r" if plan.steady else "b"
    (plan.folder / f"{plan.stem}.{ending}{plan.number}").write_bytes(head + b"\r\n       1       1\r\n")
    (plan.folder / f"{plan.stem}.x{geometry}").write_bytes(head + b"\r\nSection - Arrays Sizes\r\n")
    (plan.folder / f"{plan.stem}.c{geometry}").write_bytes(b"\0tables")
    for name in (f"{plan.stem}.g{geometry}.hdf", f"{plan.stem}.rasmap", f"{plan.stem}.prj"):
        # A run rewrites these: whoever runs in the project's own folder is found out.
        if Path(name).exists():
            with Path(name).open("ab") as file:
                file.write(b" ")


def main() -> int:
    program, home, words = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    returned = Path(os.environ["STANDIN_RETURNED"]) if "STANDIN_RETURNED" in os.environ else None
    if words and words[0].startswith("returned="):
        returned, words = Path(words[0].partition("=")[2]), words[1:]
    note_call(program, home, words)
    code = windows(home, words, returned) if program == "Ras" else linux(program, home, words)
    if returned is not None:
        returned.write_text(str(code))
    return code


if __name__ == "__main__":
    sys.exit(main())
