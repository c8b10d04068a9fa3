"""Answers of one kind, tried in a process of its own: what became of each, and what must not have."""

from __future__ import annotations

import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

REPOSITORY = Path(__file__).parents[3]
MEMORY = 1 << 30
"""Bytes that all answers of a kind may cost, beside the program itself."""
PATIENCE = 10.0
"""Seconds of its own time for an answer."""
SILENCE = 60.0
"""Seconds for an answer that waits: on a busy machine much time passes in which nothing of it is done."""
_STARTING = 120.0

Attempt = Callable[[Random], str]
"""Gives the real code one hostile thing; in a word what became of it. Raises AssertionError where that is wrong."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that a run, a container or a host leaves or says."""

    what: str
    begin: Callable[[Path], AbstractContextManager[Attempt]]
    """In an empty folder."""
    share: int = 300
    """Answers that CI tries."""


@dataclass(slots=True)
class Tried:
    """What became of the answers."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)
    """By the number of the answer: a traceback, a hang, a death, or what was wrongly believed."""
    slowest: float = 0.0
    """Seconds."""
    peak: int = 0
    """Bytes of memory, with the program."""

    until: float = math.inf
    """When it is enough; by the monotonic clock."""

    @property
    def over(self) -> bool:
        return time.monotonic() > self.until

    @property
    def answers(self) -> int:
        return self.outcomes.total() + len(self.findings)


def chance_of(kind: str, seed: int, number: int) -> Random:
    """By which this answer is made again."""
    return Random(f"{kind} {seed} {number}")


def tried(
    kind: str, seed: int, numbers: range, *, patience: float = SILENCE, seconds: float = math.inf
) -> Tried:
    """Tries these answers for so long; a process that hangs or dies is replaced, and the next answer is tried."""
    found, at = Tried(until=time.monotonic() + seconds), numbers.start
    while at < numbers.stop and len(found.findings) < 50 and not found.over:
        with tempfile.TemporaryDirectory(
            prefix="enemy-", dir=_memory(), ignore_cleanup_errors=True
        ) as scratch:
            at = _share(kind, seed, range(at, numbers.stop), patience, Path(scratch), found)
            _free(Path(scratch))
    return found


def _memory() -> str | None:
    """A file system in memory, where there is one: what is written ten thousand times need not reach a disk."""
    place = Path("/dev/shm")
    return str(place) if os.access(place, os.W_OK) and shutil.disk_usage(place).free > 1 << 28 else None


def _share(kind: str, seed: int, numbers: range, patience: float, scratch: Path, found: Tried) -> int:
    """The number of the answer to go on with."""
    errors = scratch / "stderr"
    folder = scratch / "folder"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.reliability.enemy.child", kind, str(seed)]
    command += [str(numbers.start), str(numbers.stop), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with errors.open("wb") as stderr:
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=REPOSITORY,
            env=environment,
            start_new_session=True,
        )
    at, why = numbers.start - 1, ""
    try:
        for line in _lines(child, patience):
            said = json.loads(line)
            if "number" in said:
                at = said["number"]
                if said.get("finding"):
                    found.findings[at] = said["finding"]
                else:
                    found.outcomes[said["outcome"]] += 1
                found.slowest = max(found.slowest, said["seconds"])
            found.peak = max(found.peak, said.get("peak", 0))
            if found.over:
                return numbers.stop
    except TimeoutError:
        why = f"no end within {patience:.0f} s"
        child.send_signal(signal.SIGABRT)
        time.sleep(0.5)
    finally:
        _end(child)
    if at + 1 < numbers.stop:
        said_last = errors.read_text(errors="replace")[-4000:]
        found.findings[at + 1] = f"{why or f'the process ended with {child.returncode}'}\n{said_last}"
        return at + 2
    return numbers.stop


def _lines(child: subprocess.Popen[bytes], patience: float) -> Iterator[bytes]:
    """What the process says, line by line. Raises TimeoutError where it is silent for longer than an answer may take."""
    assert child.stdout is not None
    rest, wait = b"", _STARTING
    while True:
        ready, _, _ = select.select([child.stdout], [], [], wait)
        if not ready:
            raise TimeoutError
        more = os.read(child.stdout.fileno(), 1 << 16)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        yield from whole
        wait = patience


def _end(child: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _free(folder: Path) -> None:
    """An enemy takes rights from its folders."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            if not Path(place, name).is_symlink():
                Path(place, name).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
