"""A host: where run directories lie, and how to get at them. Private to workers."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Fetched, Problem, RunId, Staged
from rasreconcile.workers import rundir
from rasreconcile.workers.rundir import Found
from rasreconcile.workers.staging import stage

_CHUNK = 1 << 20
LEAST_FREE = 100 << 20
"""Bytes that must be free for a run to have a chance."""


class Host(Protocol):
    """Blocks on every call. Raises Unreachable where there is no answer, Refused where the answer is no."""

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, Found | None]:
        """What lies in each run directory, in one round trip; None: there is none."""

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, str]) -> None:
        """Makes the run directory whole. May be repeated; raises InputChanged and leaves nothing that could run."""

    def launch(self, run: RunId) -> None:
        """Starts the runner, detached from this process and from the connection."""

    def mark(self, run: RunId, name: str) -> None:
        """Makes an empty file in the run directory."""

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        """Copies a file of `work/` here. Raises FileNotFoundError."""

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        """Part of a file of the run directory; empty where there is none."""

    def remove(self, run: RunId) -> None:
        """Removes the run directory, which disappears in one step."""

    def problems(self) -> list[Problem]:
        """What would stop a run here."""

    def close(self) -> None:
        """Gives back connections."""


class LocalHost:
    """This machine: files and processes without a detour."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache = folder / "cache"

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, Found | None]:
        return {run: self._found(self._folder / run) for run in runs}

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, str]) -> None:
        place = self._folder / run
        work = place / rundir.WORK
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not work.is_dir():
                self._stage(place, work, inputs)
            for name, text in controls.items():
                aside = place / f".{name}.{secrets.token_hex(4)}"
                aside.write_text(text, encoding="utf-8", newline="\n")
                aside.replace(place / name)
        except PermissionError as error:
            raise Refused(
                f"{error.filename}: {error.strerror}; give this user rights to worker_folder"
            ) from error

    def launch(self, run: RunId) -> None:
        place = self._folder / run
        # The shell in between ends at once: the runner is nobody's child here, and no zombie is left.
        command = ["sh", "-c", 'sh "$1/runner.sh" "$1" </dev/null >/dev/null 2>&1 &', "sh", str(place)]
        try:
            subprocess.run(command, check=True, start_new_session=True, stdin=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(f"the runner of {run} could not be started: {error}") from error

    def mark(self, run: RunId, name: str) -> None:
        (self._folder / run / name).touch()

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        whole, size = hashlib.sha256(), 0
        with (self._folder / run / rundir.WORK / name).open("rb") as read, into.open("wb") as write:
            while chunk := read.read(_CHUNK):
                write.write(chunk)
                whole.update(chunk)
                size += len(chunk)
            write.flush()
            os.fsync(write.fileno())
        return Fetched(size, whole.hexdigest())

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        try:
            with (self._folder / run / name).open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""

    def remove(self, run: RunId) -> None:
        gone = self._folder / f".{run}.{secrets.token_hex(4)}.gone"
        with suppress(FileNotFoundError):
            (self._folder / run).rename(gone)
        # Also what one that died while removing has left.
        for left in self._folder.glob(f".{run}.*.gone"):
            shutil.rmtree(left)

    def problems(self) -> list[Problem]:
        found = [
            Problem(f"{name} is not there", f"install the package that has `{name}`")
            for name in ("sh", "setsid", "sha256sum", "nice")
            if shutil.which(name) is None
        ]
        probe = self._folder / f".probe.{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"x")
            probe.with_suffix(".link").hardlink_to(probe)
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            what = f"{self._folder}: {error.strerror or error}"
            return [
                *found,
                Problem(what, "set worker_folder to a folder on a disk of this machine that can be written"),
            ]
        finally:
            for path in (probe, probe.with_suffix(".link")):
                try:
                    path.unlink(missing_ok=True)
                except OSError:
                    # It could not be made either: that is told above.
                    continue
        if free < LEAST_FREE:
            found.append(Problem(f"{self._folder}: only {free >> 20} MB are free", "free some room"))
        return found

    def close(self) -> None:
        """Nothing to give back."""

    def _stage(self, place: Path, work: Path, inputs: Collection[Staged]) -> None:
        aside = place / f".work.{secrets.token_hex(4)}"
        aside.mkdir(mode=0o700)
        try:
            for staged in inputs:
                stage(staged, self._cache, aside / staged.name)
            aside.rename(work)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            if not work.is_dir():
                raise
            # Another starter was quicker: its folder holds the same bytes.

    def _found(self, place: Path) -> Found | None:
        started = _text(place / rundir.STARTED)
        done = _text(place / rundir.DONE)
        if started is None and done is None:
            return Found(None, None, alive=False) if place.is_dir() else None
        if done is not None:
            return Found(started, done, alive=False)
        claim = rundir.claim_of(started or "")
        alive = claim is not None and is_alive(claim)
        if not alive:
            # It may have ended between the two looks: its end is written before it goes.
            return Found(started, _text(place / rundir.DONE), alive=False)
        return Found(started, None, True, _mtime(place / rundir.HEARTBEAT), _size(place / rundir.LOG))


def is_alive(claim: rundir.Claim) -> bool:
    """Whether the process that made the claim is still there."""
    boot = _text(Path("/proc/sys/kernel/random/boot_id"))
    if boot is None:
        return _is_alive_by_ps(claim)
    if boot.strip() != claim.boot:
        return False
    stat = _text(Path(f"/proc/{claim.pid}/stat"))
    if stat is None:
        return False
    fields = stat.rpartition(") ")[2].split(" ")
    return len(fields) > 19 and fields[0] not in {"Z", "X"} and fields[19] == claim.start


def _is_alive_by_ps(claim: rundir.Claim) -> bool:
    command = ["ps", "-o", "lstart=", "-p", str(claim.pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return "_".join(found.stdout.split()) == "_".join(claim.start.split("_")).strip("_")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None


def _mtime(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
