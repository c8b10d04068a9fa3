"""The run directory: what lies where, and what its files say. The same for every kind of worker."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, get_args

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, EndCause, Ended, Job, OutputRecord, RunId, Running, Status, Vanished

WORK = "work"
STARTED = "started"
DONE = "done.json"
LOG = "log.txt"
HEARTBEAT = "heartbeat"
CANCEL = "cancel"
RUNNER = "runner.sh"
STEPS = "steps.sh"
OUTPUTS = "outputs"
JOB = "job.json"

_DEVICES = re.compile(r"^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?$", re.IGNORECASE)
_NICE = {"normal": 0, "below normal": 5, "low": 15}


def check_name(name: str) -> None:
    """Raises Refused for a name that could leave `work/`, or that some system could not keep."""
    parts = name.split("/")
    bad = (
        not name
        or any(part in {"", ".", ".."} for part in parts)
        or any(c in '\\:*?"<>|' or ord(c) < 32 or ord(c) == 127 for c in name)
        or any(_DEVICES.match(part) or part.endswith((" ", ".")) for part in parts)
    )
    if bad:
        raise Refused(f"{name!r} is no name for a file in a run directory; rename the file")


def runner_text() -> str:
    """The runner, as it is put into every run directory."""
    return files("rasreconcile.workers").joinpath("runner.sh").read_text(encoding="utf-8")


def steps_text(job: Job) -> str:
    """The job's steps as a shell script; the one place where arguments are quoted."""
    lines = ["# written by rasreconcile; run by runner.sh in work/"]
    for name, value in sorted(job.env.items()):
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise Refused(f"{name!r} is no name for an environment variable; mend `env` in the spec")
        lines.append(f"export {name}={_quoted(value)}")
    for step in job.steps:
        lines.append(" ".join(_quoted(word) for word in step) + " || exit $?")
    return "\n".join(lines) + "\n"


def settings_text(run: RunId, job: Job) -> str:
    """What the runner itself must know, as shell assignments."""
    limit = max(1, round(job.time_limit.total_seconds()))
    return f"run={_quoted(run)}\ntime_limit={limit}\nnice={_NICE[job.process_priority]}\n"


def job_text(run: RunId, job: Job) -> str:
    """What was asked, for people who look into a run directory."""
    document = {
        "run": run,
        "platform": job.platform,
        "steps": [list(step) for step in job.steps],
        "inputs": [{"name": s.name, "sha256": s.digest, "size": s.size} for s in job.inputs],
        "outputs": list(job.outputs),
        "cores": job.cores,
        "time_limit_seconds": job.time_limit.total_seconds(),
        "process_priority": job.process_priority,
        "env": sorted(job.env),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def control_files(run: RunId, job: Job) -> Mapping[str, str]:
    """Every file of a run directory that is made here, by name; the inputs go below `work/`."""
    for name in (*job.outputs, *(staged.name for staged in job.inputs)):
        check_name(name)
    folded = [staged.name.casefold() for staged in job.inputs]
    if len(set(folded)) < len(folded):
        raise Refused("two inputs have names that differ in case only; rename one of them")
    return {
        JOB: job_text(run, job),
        OUTPUTS: "".join(f"{name}\n" for name in job.outputs),
        STEPS: steps_text(job),
        "settings.sh": settings_text(run, job),
        RUNNER: runner_text(),
    }


@dataclass(frozen=True, slots=True)
class Claim:
    """Who runs it: the contents of `started`."""

    pid: int
    start: str
    """Of the process, as its system counts; a pid that is used again has another."""
    boot: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a run directory, as one look found it."""

    started: str | None
    done: str | None
    alive: bool
    """Whether the process of `started` is there, with the same start time, since the same boot."""
    heartbeat: float | None = None
    """Seconds since the epoch, the worker's clock."""
    log_size: int = 0


def claim_of(text: str) -> Claim | None:
    """None where the text is no complete claim."""
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    try:
        return Claim(int(values["pid"]), values["start"], values["boot"], _time(float(values["time"])))
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def status_of(found: Found) -> Status:
    """What one look at a run directory means."""
    claim = claim_of(found.started) if found.started is not None else None
    if found.done is not None:
        ended = _ended(found.done)
        if ended is not None:
            return ended
        if not found.alive:
            return Vanished("its done.json is damaged: the disk was full, or the power failed")
    if found.started is None:
        return Absent()
    if claim is None:
        return Vanished("its claim is damaged: the disk was full, or the power failed")
    if not found.alive:
        return Vanished(f"process {claim.pid} is gone and left no end: killed, or the machine was restarted")
    beat = _time(found.heartbeat) if found.heartbeat is not None else None
    return Running(started=claim.at, heartbeat=beat, log_size=found.log_size)


def _ended(text: str) -> Ended | None:
    try:
        document: Any = json.loads(text)
        cause = document["cause"]
        if cause not in get_args(EndCause):
            return None
        return Ended(
            exit_code=int(document["exit_code"]),
            started=_time(float(document["started"])),
            ended=_time(float(document["ended"])),
            outputs={
                str(name): OutputRecord(int(record["size"]), str(record["digest"]))
                for name, record in document["outputs"].items()
            },
            cause=cause,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
        return None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _quoted(word: str) -> str:
    if "\0" in word:
        raise Refused(f"{word!r} holds a NUL byte; mend the command in the spec")
    return shlex.quote(word)
