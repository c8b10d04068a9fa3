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

_ERROR = re.compile(
    r"^\s*(?:Message\s*\|\s*)?"
    r"(?:ERROR:|HDF_ERROR|forrtl: severe|Program execution halted|Error with program:|Error Processing"
    r"|.*(?:encountered an error|did not complete|failed to converge|computations were stopped|fatal error"
    r"|Geometry Writer Failed))",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"Accounting Error|'wmic' is not recognized|above default range|HDF5-DIAG|Maximum iteration location",
    re.IGNORECASE,
)


def is_failure(line: str) -> bool:
    """Whether a line of a HEC-RAS log tells of a failure."""
    return _ERROR.match(line) is not None and _NOISE.search(line) is None


def log_errors(text: str) -> tuple[str, ...]:
    """The lines of a HEC-RAS log that tell of a failure."""
    return tuple(line.strip() for line in text.splitlines() if is_failure(line))


def warnings(text: str) -> tuple[str, ...]:
    """What the lines say that begin with `WARNING:`, as the built-in engine writes them."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line.removeprefix("WARNING:").strip() for line in lines if line.startswith("WARNING:"))


def said(text: str) -> tuple[str, ...]:
    """The lines of a computeMsgs file or a log that say something, without `Message  |` and without progress."""
    lines = (re.sub(r"^Message\s*\|[\s-]*", "", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("Progress"))


def last_said(text: str) -> str:
    """The last of them, as part of a message."""
    lines = said(text)
    return lines[-1][:300] if lines else "no output"
