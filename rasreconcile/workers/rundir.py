"""The run directory: what lies where, and what its files say. The same for every kind of worker."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import PurePosixPath

from rasreconcile.errors import Refused
from rasreconcile.jobs import (
    Job,
    RunId,
)
from rasreconcile.output_names import is_pattern
from rasreconcile.printable import printable
from rasreconcile.reserved import is_reserved
from rasreconcile.workers.commandline import PER_CENT, program_and_arguments

WORK = "work"
LAUNCHED = "launched"
UNCLAIMED = "unclaimed"
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
_LONGEST_PART = 255
_LONGEST_OWNER = 4096 + 256
"""Characters of a path, and of the name of its machine."""
PRIORITIES = {"normal": 0, "below normal": 5, "low": 15}


def check_run(run: RunId) -> None:
    """Raises Refused for a name that could reach outside the run's own directory."""
    if not _RUN.fullmatch(run) or run == CACHE:
        raise Refused(f"{run!r} is not a valid name for a run", "use lower-case letters, digits and hyphens")


def run_named(entry: str) -> RunId | None:
    """The run that a name in a worker's folder belongs to: its directory, or `.<run>.<token>.new` or `.gone`."""
    half = _HALF.fullmatch(entry)
    name = half[1] if half else entry
    return RunId(name) if _RUN.fullmatch(name) and name != CACHE else None


def check_name(name: str) -> None:
    """Raises Refused for a name that could leave `work/`, or that some system could not keep."""
    parts = name.split("/")
    bad = any(part in {"", ".", ".."} or is_reserved(part) for part in parts) or any(
        c in '\\:*?"<>|' or unicodedata.category(c) in {"Cc", "Cs"} for c in name
    )
    # Asked last: what holds half a character cannot be measured in bytes.
    if bad or any(len(part.encode()) > _LONGEST_PART for part in parts):
        raise Refused(f"{name!r} is not a valid name for a file in a run directory", "rename the file")


def check_job(job: Job) -> None:
    """Raises Refused where the job's files could not lie beside each other in one folder on every system."""
    for name in job.outputs:
        check_name(re.sub(r"[*?]", "x", name))
    for name in (*(staged.name for staged in job.inputs), *filter(None, (job.folder,))):
        check_name(name)
    names = {staged.name.casefold(): staged.name for staged in job.inputs}
    if len(names) < len(job.inputs):
        raise Refused("two inputs have names that differ in case only, or not at all", "rename one of them")
    for folded, name in names.items():
        for parent in PurePosixPath(folded).parents:
            if str(parent) in names:
                raise Refused(f"{names[str(parent)]!r} and {name!r}: a file cannot be a folder", "rename one")


def control_files(run: RunId, job: Job) -> Mapping[str, bytes]:
    """Every file of a run directory that is made before the start, by name; the inputs go below `work/`."""
    check_run(run)
    check_job(job)
    texts = {
        JOB: job_text(run, job),
        OUTPUTS: "".join(f"{line}\n" for name in dict.fromkeys(job.outputs) for line in _recorded(name, job)),
    }
    if job.platform == "windows":
        texts |= {WINDOWS_STEPS: windows_steps_text(job), WINDOWS_SETTINGS: windows_settings_text(run, job)}
    else:
        texts |= {STEPS: steps_text(job), SETTINGS: settings_text(run, job), RUNNER: script("runner.sh")}
    # An argument may hold bytes that are no UTF-8: they go back to what they were.
    return {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}


def _recorded(name: str, job: Job) -> tuple[str, ...]:
    """The name as the runner reads it; to a shell, which knows case, also as a pattern of every case it may be left in.

    Brackets of the name mean themselves there.
    """
    if job.platform == "windows":
        return (name,)
    any_case = re.sub(
        r"[A-Za-z]", lambda found: f"[{found[0].lower()}{found[0].upper()}]", name.replace("[", "[[]")
    )
    # No name has a colon.
    return (f":{any_case}",) if is_pattern(name) else (name, f":{any_case}")


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
            raise Refused(f"{list(step)!r} names no program", "correct the command in the spec")
        # exec, so that a word is a program and never a word of the shell's own.
        lines.append(f"(exec {' '.join(quoted(word) for word in step)}) || exit $?")
    return "\n".join(lines) + "\n"


def _variables(job: Job) -> list[tuple[str, str]]:
    for name in job.env:
        if not _VARIABLE.fullmatch(name):
            raise Refused(
                f"{name!r} is not a valid name for an environment variable", "correct `env` in the spec"
            )
    return sorted(job.env.items())


def windows_steps_text(job: Job) -> str:
    """Environment and steps as lines `env NAME=VALUE`, `program PROGRAM`, `arguments REST OF THE COMMAND LINE`."""
    lines = [f"env {PER_CENT}=%"]
    for name, value in _variables(job):
        if re.search(r"[\0\r\n]", value):
            raise Refused(f"the value of {name} holds a line end or a NUL byte", "correct `env` in the spec")
        lines.append(f"env {name}={value}")
    for step in job.steps:
        program, arguments = program_and_arguments(step)
        lines += [f"program {program}", f"arguments {arguments}"]
    return "".join(f"{line}\n" for line in lines)


def quoted(word: str) -> str:
    """The word as every POSIX shell reads it back; always in quotes, so that none is a keyword or an assignment."""
    if "\0" in word:
        raise Refused(f"{word!r} holds a NUL byte", "correct the command in the spec")
    return "'" + word.replace("'", "'\\''") + "'"


def settings_text(run: RunId, job: Job) -> str:
    """What the runner itself must know, as shell assignments."""
    limit, stalled = _limits(job)
    return (
        f"run={quoted(run)}\nfolder={quoted(job.folder)}\n"
        f"time_limit={limit}\nstalled_after={stalled}\nnice={PRIORITIES[job.process_priority]}\n"
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


def owner_in(text: str) -> str:
    """The store that a job.json names; empty where it names none, or is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    owner = document.get("store") if isinstance(document, dict) else None
    if (
        not isinstance(owner, str)
        or len(owner) > _LONGEST_OWNER
        or printable(owner) != owner
        or "\n" in owner
    ):
        return ""
    return owner


def job_text(run: RunId, job: Job) -> str:
    """What was asked, for people who look into a run directory. Values of `env` may be secrets: names only."""
    document = {
        "run": run,
        "store": job.owner,
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
