"""What HEC-RAS writes into its messages, and what of it tells of success or failure. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rasreconcile.facts import FlowKind

FINISHED: Mapping[FlowKind, str] = {
    "unsteady": "Finished Unsteady Flow Simulation",
    "steady": "Finished Steady Flow Simulation",
    "sediment": "Finished Sediment Transport Simulation",
    "quasi-unsteady": "Finished Sediment Transport Simulation",
}

_ENDS: Mapping[FlowKind, re.Pattern[str]] = {
    # With sediment it is another program that runs the unsteady flow, and says so in words of its own.
    "unsteady": re.compile(
        r"^\s*Finished (?:[\w-]+ )*(?:Unsteady|Sediment)(?: [\w-]+)* Simulation\b", re.MULTILINE
    ),
    "steady": re.compile(r"^\s*Finished Steady Flow Simulation\b", re.MULTILINE),
    "sediment": re.compile(r"^\s*Finished (?:[\w-]+ )*Sediment(?: [\w-]+)* Simulation\b", re.MULTILINE),
}

UNSTABLE = r"\b(?:went|gone|became)\s+(?:numerically\s+)?unstable\b|\bsolution (?:solver )?failed\b|failed to converge"
"""By which a solver says that it gave up. What may become unstable, hints speak of too."""

_ERROR = re.compile(
    r"^\s*(?:Message\s*\|)?[\s*]*"
    r"(?:ERROR:|HDF_ERROR|forrtl: severe|Program execution halted|Error with program:|Error Processing"
    r"|.*(?:encountered an error|did not complete|computations were stopped|fatal error|Geometry Writer Failed"
    rf"|{UNSTABLE}))",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"^\s*Message\s*\|[\s-]*", re.IGNORECASE)
_ORNAMENT = " \t*"
"""What stands around a line: HEC-RAS writes `****   ERROR:  Solution Solver Failed   ****`."""
_NOISE = re.compile(
    r"Accounting Error|'wmic' is not recognized|above default range|HDF5-DIAG|Maximum iteration location"
    # What Ras.exe 7, and Wine, print as they start, whatever comes of it.
    r"|^Current executing assembly Folder:|\bPipeServer\b|^Starting async client on|^Client (?:dis)?connected"
    r"|^wine: (?:created the configuration|configuration in)",
    re.IGNORECASE,
)


def is_noise(line: str) -> bool:
    """Whether a line means nothing although it may speak of errors."""
    return _NOISE.search(line) is not None


def is_failure(line: str) -> bool:
    """Whether a line of a HEC-RAS log tells of a failure."""
    return _ERROR.match(line) is not None and not is_noise(line)


def log_errors(text: str) -> tuple[str, ...]:
    """The lines of a HEC-RAS log that tell of a failure, as people read them: without `Message  |`."""
    return tuple(line for line in said(text) if is_failure(line))


def has_finished(kind: FlowKind, text: str) -> bool:
    """Whether the messages say that the computation of results of this kind came to its end."""
    return FINISHED[kind] in text or _ENDS[kind if kind in _ENDS else "sediment"].search(text) is not None


def warnings(text: str) -> tuple[str, ...]:
    """What the lines say that begin with `WARNING:`, as the built-in engine writes them."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line.removeprefix("WARNING:").strip() for line in lines if line.startswith("WARNING:"))


def said(text: str) -> tuple[str, ...]:
    """The lines of a computeMsgs file or a log that say something, without `Message  |` and without progress."""
    lines = (_COLUMN.sub("", line).strip(_ORNAMENT) for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("Progress"))


_COLUMN_OF_LINES = re.compile(r"^[ \t]*Message[ \t]*\|[ \t]*", re.IGNORECASE | re.MULTILINE)
_MAY_BECOME_ONE = re.compile(r"[ \t]*(?:M|Me|Mes|Mess|Messa|Messag|Message[ \t]*\|?[ \t]*)\Z", re.IGNORECASE)


def without_column(text: str) -> str:
    """A log as people read it: no line begins with `Message  |`."""
    return _COLUMN_OF_LINES.sub("", text)


def cut_before_column(text: str) -> tuple[str, str]:
    """What of a growing log can be shown, and its last words where they may begin with `Message  |`."""
    begin = max(text.rfind("\n"), text.rfind("\r")) + 1
    return (text[:begin], text[begin:]) if _MAY_BECOME_ONE.match(text, begin) else (text, "")


def last_said(text: str) -> str:
    """The last of them, as part of a message."""
    lines = said(text)
    return lines[-1][:300] if lines else "no output"
