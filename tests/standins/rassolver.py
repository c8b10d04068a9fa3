"""What a run of a stand-in is asked for, and what every form of solver ends in: results, or the flaw that was asked."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import h5py
import raslayout as layout
import rasmodel as model

TERRAIN = (
    "ERROR: Unable to compute face tables. The terrain associated with this geometry does not completely cover"
    " the 2D Flow Area 'Perimeter 1'"
)
REFUSALS = {
    "no-flow-values": [" - There are no flow values in the steady flow data."],
    "no-rivers": ["There are no rivers in the geometry data."],
}
DATA_ERRORS = "River: Basin   Reach: Upper  \r\n     - No Manning's n data or friction heights k set.\r\n"
"""Seen of 7.0.1: in a file of its own, beside no messages."""
GEOMETRY_ERROR = [TERRAIN, "Geometry Writer Failed", "Error Processing Geometry"]
EVENTS_ERROR = ["The DSS record //BASIN/FLOW/ could not be found", "Error processing event conditions"]
SOLVER_ERRORS = {
    "error-exit-0": ["Unsteady flow encountered an error.", "Program execution halted"],
    "restart-version": [
        "The Restart file is not from HEC-RAS 7.0.1 June 2026",
        "Unsteady flow encountered an error.",
    ],
}
FLAWS = {
    "unstable": layout.Flaws(solution="failed to run", unstable_at="01JAN1900 00:45:00", steps_left_out=2),
    "volume-error": layout.Flaws(volume_error=27.46),
    "wrong-version": layout.Flaws(version="6.4.1"),
    "early-end": layout.Flaws(steps_left_out=3),
    "other-plan": layout.Flaws(plan_name="Other.p09", short_id="other"),
    "dry": layout.Flaws(dry=True),
}


@dataclass(frozen=True)
class Wish:
    """What is asked of this run: `standin.json` in the project, in the install, or RAS_STANDIN."""

    mode: str = "good"
    seconds: float = 0.0


def wish(home: Path, number: str) -> Wish:
    place = next((p for p in (Path("standin.json"), home / "standin.json") if p.exists()), None)
    said = json.loads(place.read_text() if place else os.environ.get("RAS_STANDIN", "{}"))
    plans, times = said.get("plans"), said.get("times")
    if (plans is not None and number not in plans) or times == 0:
        return Wish()
    if times is not None and place is not None:
        place.write_text(json.dumps(said | {"times": times - 1}))
    return Wish(said.get("mode", "good"), float(said.get("seconds", 0)))


def version_of(home: Path) -> str:
    return (home / "version.txt").read_text().strip()


def say(line: str) -> None:
    print(line, flush=True)


# ---- what every form ends in


def solve(plan: model.Plan, asked: Wish, tell: Callable[[str], None]) -> int:
    """The solver's part: adds Results to the .tmp.hdf, or fails as asked. Returns its exit code."""
    flaws = FLAWS.get(asked.mode, layout.Flaws())
    kind = "Steady" if plan.steady else "Unsteady"
    if asked.mode in SOLVER_ERRORS:
        for line in SOLVER_ERRORS[asked.mode]:
            tell(line)
        return 0
    if asked.mode == "geometry-error":
        for line in GEOMETRY_ERROR:
            tell(line)
        return 0
    if asked.mode in {"crash", "killed"}:
        _half_way(plan, tell, asked)
    if asked.mode == "no-hdf":
        plan.growing.unlink()
    elif asked.mode != "no-results":
        if flaws.version or flaws.plan_name:
            _restamp(plan, flaws)
        if plan.steady:
            time.sleep(asked.seconds)
            layout.steady(plan, flaws)
        else:
            layout.unsteady(plan, flaws, tell, asked.seconds)
    if asked.mode == "unstable":
        tell("The solution went unstable at 01JAN1900 00:45:00")
        tell("Unsteady flow failed to converge; computations were stopped")
        return 0
    if not plan.steady:
        tell(f"Overall Volume Accounting Error as percentage:          {flaws.volume_error:.6f}")
        tell("The maximum cell wsel error was     1.30")
    tell(f"Finished {kind} Flow Simulation")
    return 0


def _half_way(plan: model.Plan, tell: Callable[[str], None], asked: Wish) -> None:
    """The solver dies while it writes: the file has some of its datasets, and no end."""
    if not plan.steady:
        layout.unsteady(plan, replace(layout.Flaws(), steps_left_out=4), tell, asked.seconds)
    with h5py.File(plan.growing, "r+", locking=False) as file:
        for place in ("Results/Unsteady/Summary", f"{layout.BASE}/Summary Output"):
            if place in file:
                del file[place]
    if asked.mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    tell("forrtl: severe (159): Program Exception - breakpoint")
    sys.exit(159)


def _restamp(plan: model.Plan, flaws: layout.Flaws) -> None:
    with h5py.File(plan.growing, "r+", locking=False) as file:
        if flaws.version:
            layout.texts(file, File_Version=layout.full_version(flaws.version))
        if flaws.plan_name:
            said = file["Plan Data/Plan Information"]
            layout.texts(said, Plan_Filename=flaws.plan_name, Plan_ShortID=flaws.short_id)
