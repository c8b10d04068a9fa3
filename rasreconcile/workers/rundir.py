"""The run directory: what lies where, and what its files say. The same for every kind of worker."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import PurePosixPath
from typing import Any, get_args

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, EndCause, Ended, Job, OutputRecord, RunId, Running, Status, Vanished
from rasreconcile.workers.commandline import PER_CENT, program_and_arguments

WORK = "work"
STARTED = "started"
DONE = "done.json"
LOG = "log.txt"
HEARTBEAT = "heartbeat"
GROWTH = "growth"
CANCEL = "cancel"
UNWRITTEN = "unwritten"
COMPLAINTS = "runner.err"
RUNNER = "runner.sh"
SETTINGS = "settings.sh"
STEPS = "steps.sh"
WINDOWS_SETTINGS = "settings"
WINDOWS_STEPS = "steps"
OUTPUTS = "outputs"
JOB = "job.json"

CACHE = "cache"
"""Beside the run directories; no run may be called so."""

_RUN = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_HALF = re.compile(r"\.([a-z0-9-]+)\.[0-9a-f]+\.(?:new|gone)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_LONGEST_PART = 255
_NICE = {"normal": 0, "below normal": 5, "low": 15}


def check_run(run: RunId) -> None:
    """Raises Refused for a name that could reach outside the run's own directory."""
    if not _RUN.fullmatch(run) or run == CACHE:
        raise Refused(f"{run!r} is no name for a run; use lower-case letters, digits and hyphens")


def run_named(entry: str) -> RunId | None:
    """The run that a name in a worker's folder belongs to: its directory, or `.<run>.<token>.new` or `.gone`."""
    half = _HALF.fullmatch(entry)
    name = half[1] if half else entry
    return RunId(name) if _RUN.fullmatch(name) and name != CACHE else None


def check_name(name: str) -> None:
    """Raises Refused for a name that could leave `work/`, or that some system could not keep."""
    parts = name.split("/")
    bad = (
        any(part in {"", ".", ".."} or part.endswith((" ", ".")) for part in parts)
        or any(c in '\\:*?"<>|' or unicodedata.category(c) in {"Cc", "Cs"} for c in name)
        or any(_DEVICE.fullmatch(part) for part in parts)
    )
    # Asked last: what holds half a character cannot be measured in bytes.
    if bad or any(len(part.encode()) > _LONGEST_PART for part in parts):
        raise Refused(f"{name!r} is no name for a file in a run directory; rename the file")


def check_job(job: Job) -> None:
    """Raises Refused where the job's files could not lie beside each other in one folder on every system."""
    for name in (*job.outputs, *(staged.name for staged in job.inputs), *filter(None, (job.folder,))):
        check_name(name)
    names = {staged.name.casefold(): staged.name for staged in job.inputs}
    if len(names) < len(job.inputs):
        raise Refused("two inputs have names that differ in case only, or not at all; rename one of them")
    for folded, name in names.items():
        for parent in PurePosixPath(folded).parents:
            if str(parent) in names:
                raise Refused(f"{names[str(parent)]!r} and {name!r}: a file cannot be a folder; rename one")


def control_files(run: RunId, job: Job) -> Mapping[str, bytes]:
    """Every file of a run directory that is made before the start, by name; the inputs go below `work/`."""
    check_run(run)
    check_job(job)
    texts = {
        JOB: job_text(run, job),
        OUTPUTS: "".join(f"{name}\n" for name in dict.fromkeys(job.outputs)),
    }
    if job.platform == "windows":
        texts |= {WINDOWS_STEPS: windows_steps_text(job), WINDOWS_SETTINGS: windows_settings_text(run, job)}
    else:
        texts |= {STEPS: steps_text(job), SETTINGS: settings_text(run, job), RUNNER: script("runner.sh")}
    # An argument may hold bytes that are no UTF-8: they go back to what they were.
    return {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}


@cache
def script(name: str) -> str:
    """A shell script of this package."""
    return files("rasreconcile.workers").joinpath(name).read_text(encoding="utf-8")


def steps_text(job: Job) -> str:
    """The job's steps as a shell script; the one place where arguments are quoted."""
    lines = ["# written by rasreconcile; run by runner.sh in work/"]
    lines += [f"export {name}={quoted(value)}" for name, value in _variables(job)]
    for step in job.steps:
        if not step or not step[0] or step[0].startswith("-"):
            raise Refused(f"{list(step)!r} names no program; mend the command in the spec")
        # exec, so that a word is a program and never a word of the shell's own.
        lines.append(f"(exec {' '.join(quoted(word) for word in step)}) || exit $?")
    return "\n".join(lines) + "\n"


def _variables(job: Job) -> list[tuple[str, str]]:
    for name in job.env:
        if not _VARIABLE.fullmatch(name):
            raise Refused(f"{name!r} is no name for an environment variable; mend `env` in the spec")
    return sorted(job.env.items())


def windows_steps_text(job: Job) -> str:
    """Environment and steps as lines `env NAME=VALUE`, `program PROGRAM`, `arguments REST OF THE COMMAND LINE`."""
    lines = [f"env {PER_CENT}=%"]
    for name, value in _variables(job):
        if re.search(r"[\0\r\n]", value):
            raise Refused(f"the value of {name} holds a line end or a NUL byte; mend `env` in the spec")
        lines.append(f"env {name}={value}")
    for step in job.steps:
        program, arguments = program_and_arguments(step)
        lines += [f"program {program}", f"arguments {arguments}"]
    return "".join(f"{line}\n" for line in lines)


def quoted(word: str) -> str:
    """The word as every POSIX shell reads it back; always in quotes, so that none is a keyword or an assignment."""
    if "\0" in word:
        raise Refused(f"{word!r} holds a NUL byte; mend the command in the spec")
    return "'" + word.replace("'", "'\\''") + "'"


def settings_text(run: RunId, job: Job) -> str:
    """What the runner itself must know, as shell assignments."""
    limit, stalled = _limits(job)
    return (
        f"run={quoted(run)}\nfolder={quoted(job.folder)}\n"
        f"time_limit={limit}\nstalled_after={stalled}\nnice={_NICE[job.process_priority]}\n"
    )


def windows_settings_text(run: RunId, job: Job) -> str:
    """The same, as lines `NAME VALUE`."""
    limit, stalled = _limits(job)
    return (
        f"run {run}\nfolder {job.folder}\n"
        f"time_limit {limit}\nstalled_after {stalled}\npriority {job.process_priority}\n"
    )


def _limits(job: Job) -> tuple[int, int]:
    """In seconds; 0: never stalled."""
    stalled = max(1, ceil(job.stalled_after.total_seconds())) if job.stalled_after else 0
    return max(1, ceil(job.time_limit.total_seconds())), stalled


def job_text(run: RunId, job: Job) -> str:
    """What was asked, for people who look into a run directory. Values of `env` may be secrets: names only."""
    document = {
        "run": run,
        "platform": job.platform,
        "folder": job.folder,
        "steps": [list(step) for step in job.steps],
        "inputs": [{"name": s.name, "sha256": s.digest, "size": s.size} for s in job.inputs],
        "outputs": list(job.outputs),
        "cores": job.cores,
        "time_limit_seconds": job.time_limit.total_seconds(),
        "stalled_after_seconds": job.stalled_after.total_seconds() if job.stalled_after else None,
        "process_priority": job.process_priority,
        "env": sorted(job.env),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


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
    growth: float | None = None
    """When the guard last saw that the job had written something; seconds since the epoch, the worker's clock."""


def claim_of(text: str) -> Claim | None:
    """None where the text is no complete claim."""
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    try:
        return Claim(int(values["pid"]), values["start"], values["boot"], _time(float(values["time"])))
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def status_of(found: RunFiles | None) -> Status:
    """What one look at a run directory means; None: there is no such directory."""
    if found is None:
        return Absent()
    if found.done is not None:
        ended = ended_of(found.done)
        if ended is not None:
            return ended
        if not found.alive:
            return Vanished("its done.json is damaged: the disk was full, or the power failed")
    if found.started is None:
        return Absent()
    claim = claim_of(found.started)
    if claim is None:
        return Vanished("its claim is damaged: the disk was full, or the power failed")
    if found.alive:
        beat = _time(found.heartbeat) if found.heartbeat is not None else None
        grew = _time(found.growth) if found.growth is not None else None
        return Running(started=claim.at, heartbeat=beat, log_size=found.log_size, grew=grew)
    if found.unwritten:
        return Vanished("it came to its end and could not write done.json: the disk of worker_folder is full")
    if found.evidence:
        return Vanished(found.evidence)
    return Vanished(f"process {claim.pid} is gone and left no end: killed, or the machine was restarted")


def ended_of(text: str) -> Ended | None:
    """None where the text is no complete done.json."""
    try:
        document: Any = json.loads(text)
        cause = document["cause"]
        if cause not in get_args(EndCause):
            return None
        return Ended(
            exit_code=int(document["exit_code"]),
            started=_time(float(document["started"])),
            ended=_time(float(document["ended"])),
            outputs=dict(_records(document["outputs"].items())),
            cause=cause,
            image=str(document["image"]) if document.get("image") else None,
            room=int(document["room"]) << 10 if document.get("room") is not None else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
        return None


def _records(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, OutputRecord]]:
    for name, record in items:
        yield str(name), OutputRecord(int(record["size"]), str(record["digest"]))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
