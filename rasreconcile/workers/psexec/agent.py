"""The resident agent of a host, as a controller speaks with it: by files in a folder that both see."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rasreconcile.errors import Damaged, RasReconcileError, Refused, Unreachable
from rasreconcile.failures import says_no_room
from rasreconcile.jobs import RunId
from rasreconcile.workers.psexec.share import Share

DESK = ".rasreconcile"
"""Folder of the worker's folder where they meet."""
PROTOCOL = "1"
SILENT_SECONDS = 15.0
"""Its status is written every 3 s, and its machine may be busy."""
ANSWER_SECONDS = 60.0
_FRESH = 30.0
_TRIES = 4
_DAMAGED = 65
_RUN = re.compile("run ([a-z0-9-]{1,128})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One reading of the status."""

    version: str
    beat: str
    time: float
    session: str
    me: str
    runs: str
    """As `look` says it, of every run that the agent has."""
    mentioned: frozenset[RunId] = field(default=frozenset())


class Agent:
    """May be used by several threads."""

    def __init__(self, name: str, share: Share, remedy: str) -> None:
        """`remedy`: what to do where no agent serves the folder."""
        self._name = name
        self._share = share
        self._remedy = remedy
        self._beat = ""
        self._changed = 0.0
        self._lock = threading.Lock()

    def status(self) -> Told | None:
        """One read; None: no agent was ever here. Raises Refused where it speaks another protocol."""
        for _ in range(_TRIES):
            data = self._share.read(f"{DESK}/status")
            if data is not None and (told := _parsed(data.decode(errors="replace"))) is not None:
                self._hear(told)
                return told
            if data is not None and not data.startswith(f"rasreconcile {PROTOCOL} ".encode()):
                raise self._stranger(data)
            # It is being replaced just now, or there is none.
            time.sleep(0.02)
        return None

    def is_beating(self) -> bool:
        """Whether its status has changed lately, as far as this process has watched it."""
        with self._lock:
            return bool(self._beat) and time.monotonic() - self._changed < SILENT_SECONDS

    def silence(self) -> Unreachable:
        """What a caller raises where it does not beat."""
        return Unreachable(f"{self._name}: no agent serves its share", self._remedy)

    def ask(
        self, verb: str, *words: str, body: Iterable[bytes] = (), patience: float = ANSWER_SECONDS
    ) -> bytes:
        """The answer. Raises Unreachable where none comes, and what the agent's own no comes to."""
        lines = (verb, ".", *words)
        if any("\n" in line or not line for line in lines):
            raise Refused(f"{self._name}: a name with a line end cannot be asked for", "rename it")
        token = secrets.token_hex(8)
        head = "".join(f"{line}\n" for line in lines) + "\n"
        self._share.write(f"{DESK}/ask/{token}", [head.encode("utf-8", "replace"), *body])
        return self._judged(self._awaited(token, patience))

    def _awaited(self, token: str, patience: float) -> bytes:
        answer, begun, pause = f"{DESK}/answers/{token}", time.monotonic(), 0.01
        while (data := self._share.read(answer)) is None:
            waited = time.monotonic() - begun
            if waited > SILENT_SECONDS / 2:
                # A question that takes long is no silence.
                self.status()
            if waited > patience or (waited > SILENT_SECONDS and not self.is_beating()):
                self._share.remove(f"{DESK}/ask/{token}")
                raise self.silence()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        self._share.remove(answer)
        return data

    def _judged(self, data: bytes) -> bytes:
        head, _, rest = data.partition(b"\n")
        code, _, said = head.decode(errors="replace").partition(" ")
        if code == "0":
            return rest.removeprefix(b"@rasreconcile\n")
        if code == str(_DAMAGED):
            raise Damaged(f"{self._name}: {said}")
        if says_no_room(said):
            raise Refused(f"{self._name}: {said}", "free some space for worker_folder")
        if "Permission denied" in said:
            raise Refused(
                f"{self._name}: {said}", "let the user of the session change files in worker_folder"
            )
        raise Unreachable(f"{self._name}: {said}", "it will be retried")

    def _hear(self, told: Told) -> None:
        with self._lock:
            if told.beat == self._beat:
                return
            # Of the first reading nobody knows how old it is, but from the host's clock.
            if self._beat or abs(told.time - time.time()) < _FRESH:
                self._changed = time.monotonic()
            self._beat = told.beat

    def _stranger(self, data: bytes) -> RasReconcileError:
        said = data[:80].decode(errors="replace").splitlines()[:1]
        return Refused(
            f"{self._name}: its agent speaks another protocol: {said}",
            f"stop it on the host and open join.cmd again; or remove {DESK}\\status",
        )


def awaited(found: Callable[[], bool], seconds: float) -> bool:
    """Whether it came to be so within so many seconds."""
    until = time.monotonic() + seconds
    while not found():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _parsed(text: str) -> Told | None:
    """None: it was cut short, or is something else."""
    lines = text.split("\n")
    if len(lines) < 7 or lines[-2:] != ["end", ""] or not lines[0].startswith(f"rasreconcile {PROTOCOL} "):
        return None
    values = [line.partition(" ")[2] for line in lines[:5]]
    runs = lines[5:-2]
    mentioned = frozenset(RunId(found[1]) for line in runs if (found := _RUN.fullmatch(line)))
    try:
        at = float(values[2])
    except ValueError:
        return None
    return Told(
        version=values[0].partition(" ")[2],
        beat=values[1],
        time=at,
        session=values[3],
        me=values[4],
        runs="".join(f"{line}\n" for line in runs),
        mentioned=mentioned,
    )
