"""The runner of a run directory on this machine, where that is Windows. Only there can this be imported.

It owns the truth about the run: whoever started it may die. It runs in the interpreter of the controller, without
`site`: nothing but this package and the standard library is in it, and all that it needs is loaded before the claim.
"""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import fnmatch  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import suppress  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import BinaryIO  # noqa: E402

from rasreconcile.held_files import when_let_go  # noqa: E402
from rasreconcile.output_names import is_pattern  # noqa: E402
from rasreconcile.workers import rundir, windows_kernel  # noqa: E402

_PRIORITIES = {
    "low": subprocess.IDLE_PRIORITY_CLASS,
    "below normal": subprocess.BELOW_NORMAL_PRIORITY_CLASS,
    "normal": subprocess.NORMAL_PRIORITY_CLASS,
}
_LOOK_SECONDS = 0.25
_PACE = 15.0
"""Seconds between two heartbeats, and between two looks at what the job has written."""
_NO_PROGRAM = 127
_KILLED = 143
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the control files say, read before the job can write to them."""

    run: str
    folder: str
    time_limit: float
    stalled_after: float
    priority: str
    steps: tuple[tuple[str, str], ...]
    """Program, and the rest of its command line."""
    env: dict[str, str]
    outputs: tuple[str, ...]


def asked_in(place: Path) -> Asked:
    """Raises OSError, ValueError or KeyError where the control files are not whole."""
    lines = (place / rundir.WINDOWS_SETTINGS).read_text("utf-8").splitlines()
    settings = dict(line.split(" ", 1) for line in lines)
    env: dict[str, str] = {}
    steps: list[tuple[str, str]] = []
    program = ""
    # Not by splitlines, which takes some characters for line ends that a word may hold.
    for line in (place / rundir.WINDOWS_STEPS).read_text("utf-8").split("\n"):
        word, _, rest = line.partition(" ")
        match word:
            case "env":
                name, _, env[name] = rest.partition("=")
            case "program":
                program = rest
            case "arguments":
                steps.append((program, rest))
            case _:
                pass
    return Asked(
        run=settings["run"],
        folder=settings["folder"],
        time_limit=float(settings["time_limit"]),
        stalled_after=float(settings["stalled_after"]),
        priority=settings["priority"],
        steps=tuple(steps),
        env=env,
        outputs=tuple(name for name in (place / rundir.OUTPUTS).read_text("utf-8").split("\n") if name),
    )


@dataclass(slots=True)
class Guard:
    """Heartbeat, cancel, time limit and stall of one job, looked at a few times a second."""

    place: Path
    asked: Asked
    cause: str = "exited"
    full: bool = False
    """Whether the disk was seen full: what the job could not write is not there, although there may be room now."""
    _awake: float = 0.0
    _grew: float = 0.0
    _seen: tuple[tuple[str, int, int], ...] = ()
    _last: float = field(default_factory=windows_kernel.awake_seconds)
    _beat: float = field(default_factory=windows_kernel.awake_seconds)
    _looked: float = field(default_factory=windows_kernel.awake_seconds)

    def look(self) -> None:
        """Sets `cause` where the job is to be ended."""
        now, stalled = windows_kernel.awake_seconds(), self.asked.stalled_after
        pace = stalled / 4 if 0 < stalled < 4 * _PACE else _PACE
        # A machine whose virtual host paused it was not awake, whatever its clock says.
        gap = now - self._last
        self._awake += gap if gap <= max(pace, 3.0) else _LOOK_SECONDS
        self._last = now
        if now - self._beat >= _PACE:
            self._beat = now
            touch(self.place / rundir.HEARTBEAT)
        if now - self._looked >= pace:
            self._looked = now
            self.full = self.full or (room_at(self.place) or 1 << 20) < 1 << 20
            if (there := written_below(self.place)) != self._seen:
                self._seen = there
                self._grew = self._awake
                touch(self.place / rundir.GROWTH)
        if (self.place / rundir.CANCEL).exists():
            self.cause = "cancelled"
        elif self._awake >= self.asked.time_limit:
            self.cause = "time limit"
        elif stalled and self._awake - self._grew >= stalled:
            self.cause = "stalled"


def claim(place: Path, began: float) -> bool:
    """Whether the run is ours: the claim appears whole, and once. A folder needs no hard links for that here."""
    aside = place / f"{rundir.STARTED}.{os.getpid()}"
    words = (
        f"pid {os.getpid()}\nstart {windows_kernel.start_of(os.getpid())}\nboot windows\ntime {began:.3f}\n"
    )
    durably(aside, words.encode())
    touch(place / rundir.HEARTBEAT)
    touch(place / rundir.GROWTH)
    try:
        # Windows does not rename over what is there.
        when_let_go(partial(aside.rename, place / rundir.STARTED))
    except FileExistsError:
        aside.unlink()
        return False
    return True


def run_job(place: Path, asked: Asked) -> tuple[int, Guard]:
    """The exit code of the step that ended it, and what the guard saw."""
    guard = Guard(place, asked)
    job = windows_kernel.Job()
    folder = place / rundir.WORK / asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    # By its own rules of names, in which `Path` is `PATH`; and a program may be named as it lies in the folder.
    os.environ.update({**asked.env, "RASRECONCILE_RUN": f"{asked.run}."})
    os.chdir(folder)
    code = 0
    try:
        with (place / rundir.LOG).open("ab", buffering=0) as log:
            for program, arguments in asked.steps:
                code = _step(f'"{program}" {arguments}', log, guard, job)
                if code != 0 or guard.cause != "exited":
                    break
    finally:
        # Windows renames no folder that somebody stands in.
        os.chdir(place.parent)
    return code, guard


def _step(line: str, log: BinaryIO, guard: Guard, job: windows_kernel.Job) -> int:
    try:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            creationflags=_PRIORITIES[guard.asked.priority] | subprocess.CREATE_NO_WINDOW,
        )
    except OSError as error:
        log.write(f"{line}: {error.strerror}\n".encode(errors="replace"))
        return _NO_PROGRAM
    # Once more: Wine leaves out what it is told at the start.
    windows_kernel.prioritize(process.pid, _PRIORITIES[guard.asked.priority])
    while guard.cause == "exited":
        try:
            process.wait(_LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            guard.look()
    # Children that outlive their parent must not write while the outputs are being hashed.
    end_others(job, 1.0 if guard.cause == "exited" else 0.0)
    code = process.wait()
    if guard.cause != "exited" and code == 0:
        return _KILLED
    # Ended from outside, before the guard saw why.
    if guard.cause == "exited" and code != 0 and (guard.place / rundir.CANCEL).exists():
        guard.cause = "cancelled"
    return code


def end_others(job: windows_kernel.Job, grace: float) -> None:
    """All in the job but this process: given so many seconds to end by themselves, then ended."""
    until = time.monotonic() + grace
    while others := job.others():
        if time.monotonic() >= until:
            for pid in others:
                windows_kernel.end(pid)
        # What cannot be killed within five seconds waits for a disk or a network; its output's digest will tell.
        if time.monotonic() >= until + 5.0:
            return
        time.sleep(0.05)


def written_below(place: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of all that the job writes. Compared, and not the newest: the clock may be set back."""
    found = []
    names = [place / rundir.LOG]
    for folder, _, files in os.walk(place / rundir.WORK):
        names += [Path(folder, name) for name in files]
    for path in names:
        with suppress(OSError):
            # Each asked by itself: a listing shows the size that a growing file had when it was opened.
            one = path.stat()
            found.append((str(path), one.st_size, one.st_mtime_ns))
    return tuple(sorted(found))


def each_output(work: Path, names: tuple[str, ...]) -> Iterator[str]:
    """Every output that is there, once; Windows knows no difference of case."""
    known: set[str] = set()
    for name in names:
        found = sorted(_matching(work, name)) if is_pattern(name) else [name]
        for one in found:
            if (work / one).is_file() and one.casefold() not in known:
                known.add(one.casefold())
                yield one


def _matching(work: Path, pattern: str) -> Iterator[str]:
    """Folder by folder; a star matches no name that begins with a dot, as in a shell."""
    first, _, rest = pattern.partition("/")
    # Brackets mean themselves.
    wanted = re.compile(fnmatch.translate(first.replace("[", "[[]")), re.IGNORECASE)
    for entry in os.scandir(work) if work.is_dir() else ():
        if not wanted.match(entry.name) or (entry.name.startswith(".") and not first.startswith(".")):
            continue
        if not rest:
            yield entry.name
        elif entry.is_dir():
            yield from (f"{entry.name}/{below}" for below in _matching(work / entry.name, rest))


def done(place: Path, asked: Asked, code: int, cause: str, room: int | None) -> dict[str, object]:
    """What done.json says, but for the times."""
    outputs = {}
    for name in each_output(place / rundir.WORK, asked.outputs):
        whole, size = hashlib.sha256(), 0
        with (place / rundir.WORK / name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                whole.update(chunk)
                size += len(chunk)
        outputs[name] = {"size": size, "digest": whole.hexdigest()}
    return {
        "exit_code": code,
        "cause": cause,
        "room": None if room is None else room >> 10,
        "outputs": outputs,
    }


def room_at(place: Path) -> int | None:
    """Bytes that are free there; None where nobody can tell."""
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def touch(path: Path) -> None:
    """Its time is now; where the disk is full, or somebody looks at it, the next touch will do."""
    with suppress(OSError):
        path.touch()
        os.utime(path)


def durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def run(place: Path) -> None:
    """Claims the run and runs it; where it is claimed, nothing."""
    asked = asked_in(place)
    began = time.time()
    if not claim(place, began):
        return
    code, cause, full = _KILLED, "cancelled", False
    if not (place / rundir.CANCEL).exists():
        code, guard = run_job(place, asked)
        cause, full = guard.cause, guard.full
    found = done(place, asked, code, cause, 0 if full else room_at(place))
    times = {"started": round(began, 3), "ended": round(time.time(), 3)}
    part = place / "done.part"
    try:
        # Written aside and renamed: its presence is the end.
        durably(part, f"{json.dumps({**found, **times})}\n".encode())
        when_let_go(partial(part.replace, place / rundir.DONE))
    except OSError:
        # A full disk leaves a word, which takes no room, and no half of the end.
        part.unlink(missing_ok=True)
        (place / rundir.HEARTBEAT).replace(place / rundir.UNWRITTEN)
        raise


def main(words: list[str]) -> int:
    """`words`: the run directory. Nobody hears what goes wrong: it is written into runner.err."""
    place = Path(words[0])
    try:
        run(place)
    except Exception as error:  # noqa: BLE001  whatever it was, a start that came to nothing is to be known
        with suppress(OSError), (place / rundir.COMPLAINTS).open("a", encoding="utf-8") as file:
            file.write(f"{error}\n")
        if not (place / rundir.STARTED).exists():
            launched, unclaimed = place / rundir.LAUNCHED, place / rundir.UNCLAIMED
            # Whoever started it may be about to write `launched`, and has not yet.
            with suppress(OSError):
                launched.replace(unclaimed) if launched.exists() else unclaimed.touch()
        return 1
    return 0
