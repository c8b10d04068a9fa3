"""Whether HEC-RAS refused its input (it said something, and no solver ever began), and why by its words. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rasreconcile.hecras_messages import is_failure, is_noise, said
from rasreconcile.jobs import RunEvidence

_SOLVERS = ("unsteady flow computations", "steady flow computations", "sediment computations")
_BEGAN = re.compile(
    r"PROCESS:\s*Ras(?!Process\b|GeomPreprocess)\w+|\w+ Simulation\s+HEC-RAS|Unsteady Input Summary"
    r"|^Finished .*(?:Simulation|Post Processing)|^Starting Unsteady Flow Computations"
    r"|^\d{2}[A-Z]{3}\d{4} \d{2}:?\d{2}",
    re.IGNORECASE,
)
"""What is said from the moment on at which a solver is there: its process, its banner, its times, its end."""
_LARGEST_OWN_CODE = 125
"""A program that ends on its own chooses a small exit code. Shells use 126 and more for what they could not start and
for signals, Windows large ones for exceptions."""

_STAGE = re.compile(
    r"PROCESS:|Writing |Completed |Completing |Geometric Preprocessor|Finished ", re.IGNORECASE
)
_SUMMARY = re.compile(r"Computations Summary|Complete Process", re.IGNORECASE)
_COMPLAINT = re.compile(
    r"\b(?:not|cannot|can't|unable|error|errors|invalid|missing|no|fail\w*|must|exceeds?|could|incorrect|bad|illegal"
    r"|outside|overlap\w*|undefined|unknown|without|zero|negative|incomplete|mismatch\w*|duplicate\w*|needs?)\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"^NOTE\b|No Terrain association|^HDF5-DIAG|^#\d+:|^major:|^minor:", re.IGNORECASE)
_CONSEQUENCE = re.compile(
    r"Writer Failed|Error Processing|Program execution halted|encountered an error|Error with program|did not complete",
    re.IGNORECASE,
)
"""Lines that HEC-RAS writes whatever was wrong."""
_PLACE = re.compile(
    r"(?:Boundary at |Bridge |Culvert )?(?:River|Storage Area|2D (?:Flow )?Area|Connection)\b.*:",
    re.IGNORECASE,
)
_LONGEST = 300


def has_begun(text: str) -> bool:
    """Whether a solver was there, by what HEC-RAS says."""
    return any(_BEGAN.search(line) for line in spoken(text))


def is_refused(evidence: RunEvidence, everything: str) -> bool:
    """Whether the run ended on its own, said something or left an HDF, and no solver ever began.

    With another exit code than 0 only a line that HEC-RAS writes for an error makes it one: else the program may have
    been ended by anything.
    """
    ended, hdf = evidence.ended, evidence.hdf
    if ended.cause != "exited" or not 0 <= ended.exit_code <= _LARGEST_OWN_CODE:
        return False
    if hdf is not None and (hdf.kind is not None or _ran(hdf.processes or ())):
        return False
    if said(evidence.solver_log):
        # No one but a solver writes it.
        return False
    lines = spoken(everything)
    if has_begun(everything) or (not lines and hdf is None):
        return False
    return ended.exit_code == 0 or any(map(is_failure, lines))


def _ran(processes: Sequence[str]) -> bool:
    return any(process.strip().lower().startswith(_SOLVERS) for process in processes)


def spoken(text: str) -> tuple[str, ...]:
    """What HEC-RAS says in a text, without what means nothing."""
    return tuple(line for line in said(text) if not is_noise(line) and not _HARMLESS.search(line))


def cause_first(text: str) -> str:
    """The line that tells why, and after it the line that tells what came of it, where there are two; empty: neither.

    A program complains first and gives up then: `... could not be found`, `Error processing event conditions`.
    """
    lines = list(spoken(text))
    at = next((n for n, line in enumerate(lines) if is_failure(line)), None)
    if at is None:
        found = next((n for n, line in enumerate(lines) if _COMPLAINT.search(line)), None)
        return "" if found is None else _with_its_place(lines, found)
    return led_by_its_cause(lines, at)


def led_by_its_cause(lines: Sequence[str], at: int) -> str:
    """The line at this place; where it is written whatever was wrong, after the complaint of its stage."""
    if not _CONSEQUENCE.search(lines[at]):
        return lines[at][:_LONGEST]
    first = next((n + 1 for n in reversed(range(at)) if _STAGE.match(lines[n])), 0)
    cause = next((n for n in range(first, at) if _COMPLAINT.search(lines[n])), None)
    end = lines[at][:_LONGEST]
    return end if cause is None else f"{_with_its_place(lines, cause)}, then: {end}"


def _with_its_place(lines: Sequence[str], at: int) -> str:
    """A complaint; HEC-RAS heads those of a section, a boundary or an area with a line that says which."""
    line = lines[at].lstrip("- ")
    if at and _PLACE.match(lines[at - 1]) and not _COMPLAINT.search(lines[at - 1]):
        line = f"{' '.join(lines[at - 1].split())}: {line}"
    return line[:_LONGEST]


def last_word(text: str) -> str:
    """The last line before the summary that HEC-RAS ends its messages with."""
    lines = spoken(text)
    end = next((n for n, line in enumerate(lines) if _SUMMARY.match(line)), len(lines))
    return lines[end - 1][:_LONGEST] if end else "no message"
