"""Reading result HDFs in processes of their own, so that a damaged file cannot take the controller down.

HDF5 is C: a damaged file has made it crash. Processes are started when they are needed, used again, and end with
the controller, however that ends: they read requests from a pipe and leave when it closes.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rasreconcile.errors import ResultError
from rasreconcile.facts import Baseline, HdfFacts
from rasreconcile.records import WaterChange

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Rows = tuple[dict[str, list[Any]], list[float]]
"""What values are of, a column for each axis, and the values: `tables.Part` as plain lists."""
Thoroughness = Literal["summary", "every dataset"]

_SHORTEST_PATIENCE = 300.0
_LARGEST_STEP = 512 << 20
"""Bytes that are read at once: a chunk."""
_BYTES_A_SECOND = 1 << 20
"""The slowest disk that is waited for."""
PROGRESS = b'{"progress": true}\n'
"""A line that says that the process goes on reading."""
_TO_BE_GONE = 5.0
"""Seconds from the end of its pipe to its own."""
_SIGKILL = 9
_MOST = max(2, min(os.cpu_count() or 2, 8))


@cache
def adapter() -> TypeAdapter[HdfFacts]:
    """Facts to JSON and back, checked on the way."""
    from pydantic import TypeAdapter  # noqa: PLC0415  a tenth of a second of import

    return TypeAdapter(HdfFacts)


class ReaderKilled(OSError):
    """Somebody ended the process that read a file: nothing is known of the file. Ask again."""


class _Ended(Exception):
    """The process is gone, or said what is no answer. `killed`: by somebody else, and not by what it read."""

    def __init__(self, *, killed: bool = False) -> None:
        super().__init__()
        self.killed = killed


class RunningTimer(Protocol):
    """As of `threading.Timer`."""

    def start(self) -> None: ...

    def cancel(self) -> None: ...


NewTimer = Callable[[float, Callable[[], None]], RunningTimer]


class _Process:
    def __init__(self, command: Sequence[str], timer: NewTimer) -> None:
        self._timer = timer
        posix = os.name == "posix"
        # A Ctrl-C is for the controller, which may still want to read.
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=posix,
            creationflags=0 if posix else getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def ask(self, request: bytes, patience: float) -> bytes:
        """The next line of the answer; an empty request asks for no more than that. Raises _Ended, and TimeoutError
        where it neither answers nor goes on reading for that long.
        """
        while (answer := self._line(request, patience)) == PROGRESS:
            request = b""
        return answer

    def _line(self, request: bytes, patience: float) -> bytes:
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._child.kill()

        timer = self._timer(patience, stop)
        timer.start()
        try:
            assert self._child.stdin is not None and self._child.stdout is not None
            if request:
                self._child.stdin.write(request + b"\n")
                self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except OSError:
            answer = b""
        finally:
            timer.cancel()
        if answer.endswith(b"\n"):
            return answer
        killed = self._was_killed()
        self.close()
        if late.is_set():
            raise TimeoutError
        raise _Ended(killed=killed)

    def _was_killed(self) -> bool:
        """HDF5 dies of its own signals; this one comes from a person, or from a system that is out of memory."""
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(_TO_BE_GONE) == -_SIGKILL
        return False

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


class Readers:
    """As many processes as there are files read at once, at most as many as there are cores."""

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        shortest_patience: float = _SHORTEST_PATIENCE,
        timer: NewTimer = threading.Timer,
    ) -> None:
        """`shortest_patience`: seconds without progress after which a process is ended, and more for large files."""
        self._timer = timer
        self._command = command or (sys.executable, "-m", "rasreconcile.results.reader_process")
        self._shortest = shortest_patience
        self._idle: list[_Process] = []
        self._room = threading.BoundedSemaphore(_MOST)

    def read(
        self,
        path: Path,
        *,
        datasets: Collection[str] = (),
        thoroughness: Thoroughness = "summary",
        baseline: Baseline | None = None,
        geometry: Path | None = None,
    ) -> HdfFacts:
        """As `hdf.read`, which it calls elsewhere. Raises ResultError, also where that crashes or never ends;
        ReaderKilled where somebody ended it.
        """
        patience = self._patience(path, *([baseline.path] if baseline else []))
        request = json.dumps(
            {
                "patience": patience,
                "path": os.fspath(path),
                "datasets": list(datasets),
                "thoroughness": thoroughness,
                "baseline": None if baseline is None else [os.fspath(baseline.path), baseline.within],
                "geometry": None if geometry is None else os.fspath(geometry),
            }
        ).encode()
        with self._room:
            process, answer = self._begin(path, request, patience)
            self._idle.append(process)
            if "refused" in answer:
                raise ResultError(*answer["refused"])
            return adapter().validate_python(answer["facts"])

    def water_change(self, path: Path, before: Path) -> WaterChange:
        """As of the module of that name, which it calls elsewhere. Raises ResultError and ReaderKilled as `read`."""
        patience = self._patience(path, before)
        asked = {"patience": patience, "path": os.fspath(path), "before": os.fspath(before)}
        with self._room:
            process, answer = self._begin(path, json.dumps(asked).encode(), patience)
            self._idle.append(process)
            if "refused" in answer:
                raise ResultError(*answer["refused"])
            return WaterChange.of(answer["water"])

    def rows(self, path: Path, place: str) -> Iterator[Rows]:
        """As `tables.parts`, which it calls elsewhere. Raises ResultError, also where that crashes or never ends."""
        patience = self._patience(path)
        asked = {"patience": patience, "path": os.fspath(path), "dataset": place}
        request = json.dumps(asked).encode()
        with self._room:
            process, answer = self._begin(path, request, patience)
            try:
                while "rows" in answer:
                    index, values = answer["rows"]
                    yield index, values
                    answer = _asked(process, path, b"", patience)
            except BaseException:
                # What it still has to say of this file must not be taken for its next answer.
                process.close()
                raise
            self._idle.append(process)
            if "refused" in answer:
                raise ResultError(*answer["refused"])

    def _patience(self, *paths: Path) -> float:
        """Seconds for the longest single step: how much there is to read in all does not matter."""
        sizes = (p.stat().st_size for p in paths if p.exists())
        return self._shortest + min(max(sizes, default=0), _LARGEST_STEP) / _BYTES_A_SECOND

    def _begin(self, path: Path, request: bytes, patience: float) -> tuple[_Process, dict[str, Any]]:
        """A process and the first line of its answer."""
        while self._idle:
            process = self._idle.pop()
            # One that was idle may have been ended by others: only what happens to a fresh one is the file's doing.
            with suppress(_Ended):
                return process, json.loads(process.ask(request, patience))
        process = _Process(self._command, self._timer)
        return process, _asked(process, path, request, patience)

    def close(self) -> None:
        """Ends the idle processes."""
        while self._idle:
            self._idle.pop().close()


def _asked(process: _Process, path: Path, request: bytes, patience: float) -> dict[str, Any]:
    """Raises ResultError where no answer comes, ReaderKilled where that is not the file's doing."""
    try:
        answer: dict[str, Any] = json.loads(process.ask(request, patience))
    except TimeoutError:
        why = f"reading it made no progress for {patience:.0f} s"
    except _Ended as error:
        if error.killed:
            what = "the process that read it was killed; is this machine out of memory?"
            raise ReaderKilled(f"{path}: {what}") from error
        why = "it crashed the HDF5 library"
    else:
        return answer
    raise ResultError(f"{path}: not a sound HDF5 file: {why}", "compute it again")


READERS = Readers()
"""Of this process."""
atexit.register(READERS.close)

read = READERS.read
water_change = READERS.water_change
rows = READERS.rows
