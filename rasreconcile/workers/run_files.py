"""What a look at a run directory found, and what it means. The same for every kind of worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, EndCause, Ended, OutputRecord, Queued, Running, Status, Vanished
from rasreconcile.workers import controls, printed
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.rundir import DONE, PRIORITIES, check_name

CLAIM_SECONDS = 20.0
"""After its launch a runner has so long to claim the run, on machines that start it themselves."""

_LONGEST_CLAIM = 4096
LONGEST_COMPLAINT = 4096
_SECONDS = r"[0-9]{1,11}(\.[0-9]{1,12})?"
_DAMAGE = "the disk was full, the power failed, or the job wrote there"
_IMAGE = "[a-z0-9:]{1,200}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who runs it: the contents of `started`."""

    pid: int
    start: str
    """Of the process, as its system counts; a pid that is used again has another."""
    boot: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """What lies in a run directory, as one look found it."""

    started: str | None = None
    queued: bool = False
    """Whether its place still has it to run: it waits there, or its runner is about to claim it."""
    lost_start: str = ""
    """Why a launch of it came to no claim, and none will come of it; empty: there was none, or it is still to come."""
    done: str | None = None
    alive: bool = False
    """Whether the process of `started` is there, with the same start time, since the same boot."""
    unwritten: bool = False
    """Whether the runner came to the end and could not write it down."""
    heartbeat: float | None = None
    """Seconds since the epoch, the worker's clock."""
    log_size: int = 0
    evidence: str = ""
    """What else is known of why it is not alive; empty: nothing."""
    restarted: bool = False
    """Whether its machine was started again since the claim was made."""
    damage: str = ""
    """What of it no run leaves there: `done.json is a link`; empty: nothing."""
    growth: float | None = None
    """When the guard last saw that the job had written something; seconds since the epoch, the worker's clock."""


LOST_STARTS: Mapping[str, str] = {
    "late": f"its runner did not start within {CLAIM_SECONDS:.0f} s",
    "failed": "its runner could not claim it",
    "unmade": "its host could not make its run directory",
    "ended": "its container ended before its runner had claimed it",
}


def lost_start(how: str, complaint: str) -> str:
    """Why a launch came to no claim; `complaint`: the last line that the runner wrote, which may hold anything."""
    said = printed.quoted(complaint.encode())
    return LOST_STARTS[how] + (f': "{said}"' if said else "")


def claim_of(text: str) -> Claim | None:
    """None where the text is no complete claim."""
    values = dict(line.split(" ", 1) for line in text[:_LONGEST_CLAIM].splitlines() if " " in line)
    try:
        return Claim(
            int(controls.word(values.get("pid"), "process", "[0-9]{1,10}")),
            controls.word(values.get("start"), "start", "[!-~]{1,100}"),
            controls.word(values.get("boot"), "boot", "[!-~]{1,100}"),
            controls.moment(float(controls.word(values.get("time"), "time", _SECONDS)), "time"),
        )
    except Unfit:
        return None


def status_of(found: RunFiles | None) -> Status:
    """What one look at a run directory means; None: there is no such directory."""
    if found is None:
        return Absent()
    damage = found.damage
    if found.done is not None:
        try:
            return end_of(found.done)
        except Unfit as error:
            damage = f"{DONE} is damaged: it {error}"
    # While its runner runs_there, the job itself has written there: the runner will put its own end in the place.
    if damage and not found.alive:
        return Vanished(f"its {damage}; {_DAMAGE}", "damaged")
    if found.started is None:
        return Queued() if found.queued else Absent(found.lost_start)
    claim = claim_of(found.started)
    if claim is None:
        return Vanished(f"its claim is damaged; {_DAMAGE}", "damaged")
    if found.alive:
        return Running(
            started=claim.at,
            heartbeat=controls.moment_or_none(found.heartbeat),
            log_size=min(max(found.log_size, 0), controls.LARGEST_SIZE),
            grew=controls.moment_or_none(found.growth),
        )
    if found.unwritten:
        return Vanished("it ended and could not write done.json: the disk of worker_folder is full")
    if found.evidence:
        return Vanished(found.evidence, "restarted" if found.restarted else "gone")
    if found.restarted:
        return Vanished("its machine was restarted", "restarted")
    return Vanished(f"process {claim.pid} is gone without recording an exit status: it was killed")


def ended_of(text: str) -> Ended | None:
    """None where the text is no complete done.json, or says what cannot be."""
    try:
        return end_of(text)
    except Unfit:
        return None


def end_of(text: str) -> Ended:
    """The end that a done.json tells of. Raises Unfit: nothing in it is believed that could not be so."""
    said = controls.document(text)
    room = said.get("room")
    outputs = controls.part(said, "outputs")
    if not isinstance(outputs, dict):
        raise Unfit(f"says outputs {controls.shown(outputs)}")
    return Ended(
        exit_code=controls.whole(controls.part(said, "exit_code"), "exit code", -(1 << 31), (1 << 32) - 1),
        started=controls.moment(controls.part(said, "started"), "start"),
        ended=controls.moment(controls.part(said, "ended"), "end"),
        outputs={_output_name(name): _record(name, record) for name, record in outputs.items()},
        cause=_cause(controls.part(said, "cause")),
        image=controls.word(said["image"], "image", _IMAGE) if said.get("image") else None,
        room=None if room is None else controls.whole(room, "room", 0, controls.LARGEST_SIZE >> 10) << 10,
    )


def work_of(text: str) -> tuple[int, str]:
    """Cores and priority of a job.json. Raises Unfit."""
    said = controls.document(text)
    priorities = "|".join(PRIORITIES)
    return (
        controls.whole(said.get("cores", 1), "cores", 1, 1 << 20),
        controls.word(said.get("process_priority", "normal"), "process priority", priorities),
    )


def _cause(said: Any) -> EndCause:
    for cause in get_args(EndCause):
        if said == cause:
            return cause  # type: ignore[no-any-return]  # one of its own words
    raise Unfit(f"says cause {controls.shown(said)}")


def _output_name(name: str) -> str:
    try:
        check_name(name)
    except Refused:
        raise Unfit(f"names an output {controls.shown(name)}") from None
    return name


def _record(name: str, record: Any) -> OutputRecord:
    if not isinstance(record, dict):
        raise Unfit(f"says {controls.shown(record)} of {controls.shown(name)}")
    size = controls.whole(record.get("size"), f"size of {controls.shown(name)}", 0, controls.LARGEST_SIZE)
    return OutputRecord(
        size, controls.word(record.get("digest"), f"digest of {controls.shown(name)}", "[0-9a-f]{64}")
    )
