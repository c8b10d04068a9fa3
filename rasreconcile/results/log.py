"""HEC-RAS's messages as a log that grows: bytes in, facts out. PURE.

Two forms say the same: the lines of `Plan.pNN.computeMsgs.txt` (`Message  | ...`, `Progress | 0.33`), and what the
Linux solvers print, which lacks the first column. A reading holds at most one line, however long the log.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from rasreconcile.facts import LargestError, LogFacts
from rasreconcile.hecras_messages import UNSTABLE, is_failure
from rasreconcile.project import entries
from rasreconcile.results.times import moment, simulation

LONGEST_LINE = 1024
"""Bytes of a line that are looked at."""
LONGEST_QUOTE = 200
LONGEST_TAIL = 32

_FIRST_COUNT = 0.1
"""The count of a simulation begins with a few hundredths at most; stages before it count by tenths."""

_MESSAGE = re.compile(r"^Message[ \t]*\|[ \t]?", re.IGNORECASE)
_PROGRESS = re.compile(r"^\s*Progress\s*[|=:]\s*(\S+)\s*$", re.IGNORECASE)
_PROCESS = re.compile(r"^\s*PROCESS:\s*(\S.*?)\s*$", re.IGNORECASE)
_STAMP = re.compile(r"^\s*(\d{1,2}[A-Za-z]{3}\d{4}[ \t]+\d{2}:?\d{2}(?::\d{2})?)(?:[ \t]+(\S.*))?$", re.ASCII)
_VOLUME = re.compile(r"^\s*Overall Volume Accounting Error as percentage:\s*(\S+)", re.IGNORECASE)
_UNSTABLE = re.compile(
    rf"{UNSTABLE}|\b(?:going|becoming|is|was)\s+(?:numerically\s+)?unstable\b|\bunstable solution\b"
    r"|\bexceeded \d+ reduced time steps\b",
    re.IGNORECASE,
)
_SIMULATES = re.compile(r"Maximum iteration location|Unsteady Input Summary", re.IGNORECASE)
_FINISHED = re.compile(r"^\s*Finished \S+(?: \S+){0,3} Simulation\b", re.IGNORECASE)
_OVERFLOW = re.compile(r"^(?:[-+]?(?:nan|inf(?:inity)?)|\*+)$", re.IGNORECASE)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far a log was read, and what it said until there."""

    facts: LogFacts = field(default_factory=LogFacts)
    offset: int = 0
    """Bytes taken in, a part of a line at the end included."""
    rest: bytes = b""
    """That part, shortened to what is looked at."""
    tail: bytes = b""
    """The last bytes taken in: where others stand before `offset`, the log was restarted."""
    summing_up: bool = False
    """The solver has told its settings: what falls back from here on is its count of the simulation."""
    last: float = 0.0
    counting: bool = False

    def kept(self) -> str:
        """All but the facts, as one line of text from which `resumed` goes on."""
        values = {
            "offset": self.offset,
            "rest": self.rest.decode("latin-1"),
            "tail": self.tail.decode("latin-1"),
            "summing_up": self.summing_up,
            "last": self.last,
            "counting": self.counting,
        }
        return json.dumps(values)

    def fed(self, data: bytes) -> Reading:
        """With `data` taken in, which stands at `offset` of the log."""
        *lines, rest = (self.rest + data).split(b"\n")
        reading = self
        for line in lines:
            reading = reading._with(line[:LONGEST_LINE].decode("utf-8", errors="replace").rstrip("\r"))
        tail = (self.tail + data)[-LONGEST_TAIL:]
        return replace(reading, offset=self.offset + len(data), rest=rest[:LONGEST_LINE], tail=tail)

    def _with(self, line: str) -> Reading:
        if progress := _PROGRESS.match(line):
            value = _number(progress[1])
            return self if value is None else self._progress(value)
        return self._message(_MESSAGE.sub("", line, count=1))

    def _progress(self, value: float) -> Reading:
        # RasProcess counts to 100, everything else to 1.
        whole = 100.0 if self.facts.process.casefold() == "rasprocess" or value > 1.5 else 1.0
        fraction = min(max(value / whole, 0.0), 1.0)
        falls_back = fraction < self.last and fraction <= _FIRST_COUNT
        counting = self.counting or (self.summing_up and falls_back)
        share = max(self.facts.share, fraction) if counting else self.facts.share
        facts = replace(self.facts, fraction=fraction, share=share)
        return replace(self, facts=facts, last=fraction, counting=counting)

    def _message(self, text: str) -> Reading:
        facts = self.facts
        if process := _PROCESS.match(text):
            facts = replace(facts, process=process[1][:LONGEST_QUOTE], fraction=None)
            return replace(self, facts=facts, summing_up=False, last=0.0, counting=False)
        summing_up = self.summing_up or _SIMULATES.search(text) is not None
        if stamp := _STAMP.match(text):
            facts = _stamped(facts, stamp[1], stamp[2] or "", text)
            summing_up = True
        elif volume := _VOLUME.match(text):
            facts = replace(facts, volume_error_percent=_number(volume[1]))
        elif _FINISHED.match(text):
            facts = replace(facts, finished=True)
        if not facts.unstable and _UNSTABLE.search(text):
            facts = replace(facts, unstable=_quoted(text))
        if not facts.first_error and is_failure(text):
            facts = replace(facts, first_error=_quoted(text))
        return replace(self, facts=facts, summing_up=summing_up)


def resumed(facts: LogFacts, kept: str) -> Reading:
    """The reading that `kept` is of, with the facts that were kept beside it."""
    values = json.loads(kept)
    return Reading(
        facts=facts,
        offset=int(values["offset"]),
        rest=values["rest"].encode("latin-1"),
        tail=values["tail"].encode("latin-1"),
        summing_up=bool(values["summing_up"]),
        last=float(values["last"]),
        counting=bool(values["counting"]),
    )


def _stamped(facts: LogFacts, stamp: str, rest: str, line: str) -> LogFacts:
    at = moment(stamp)
    if at is None:
        return facts
    facts = replace(facts, simulated=max(at, facts.simulated or at))
    *place, level, error, iterations = ["", "", "", *rest.split()]
    if not (any(place) and _is_number(level) and _is_number(error) and _COUNT.fullmatch(iterations)):
        return facts
    trouble = LargestError(stamp, " ".join(place).strip()[:LONGEST_QUOTE], _number(error), int(iterations))
    unstable = facts.unstable
    if not unstable and (trouble.error is None or _number(level) is None):
        unstable = _quoted(line)
    return replace(facts, troubles=facts.troubles + 1, worst=_worse(facts.worst, trouble), unstable=unstable)


def _worse(one: LargestError | None, other: LargestError) -> LargestError:
    if one is None:
        return other
    sizes = [math.inf if trouble.error is None else abs(trouble.error) for trouble in (one, other)]
    return other if sizes[1] > sizes[0] else one


def _is_number(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None or _OVERFLOW.match(word) is not None


def _number(word: str) -> float | None:
    """A finite number as Fortran prints it; None for anything else."""
    if _NUMBER.fullmatch(word) is None:
        return None
    value = float(word.replace("D", "E").replace("d", "e"))
    return value if math.isfinite(value) else None


def _quoted(line: str) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in line).split())
    return words if len(words) <= LONGEST_QUOTE else f"{words[: LONGEST_QUOTE - 1]}…"


# ---- how much of the simulation is done

Window = tuple[datetime, datetime]


def simulation_window(plan_text: str) -> Window | None:
    """`Simulation Date=01JAN1900,0000,01JAN1900,0200`; None where there is none, or no time passes in it."""
    said = next((e.value for e in entries(plan_text) if e.key == "Simulation Date" and e.value), None)
    window = simulation(said or "")
    return window if window and window[0] < window[1] else None


def done(facts: LogFacts, window: Window | None) -> float | None:
    """The part of the simulation that is done, 0 to 1; None where neither count nor time tells."""
    parts = [facts.share] if facts.share else []
    if window is not None and facts.simulated is not None:
        begin, end = window
        parts.append(min(max((facts.simulated - begin) / (end - begin), 0.0), 1.0))
    if facts.finished:
        parts.append(1.0)
    return max(parts, default=None)
