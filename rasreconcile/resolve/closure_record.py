"""What is known of a plan's inputs once its closure is worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rasreconcile.plans import MISSING, Address, InputFile
from rasreconcile.resolve.digests import TEXT_KINDS


@dataclass(slots=True)
class Closure:
    """What a plan reads, what stands in its way, and what is odd about it."""

    inputs: list[InputFile] = field(default_factory=list)
    blocked_by: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    made: list[tuple[Address, str]] = field(default_factory=list)
    """Plans of the spec that make files this one reads, and the names of those files in their runs; empty: results."""
    _told: dict[tuple[bool, str], tuple[int, list[tuple[str, int]]]] = field(default_factory=dict)
    """What was told of lines: whether it blocks and in what words; its place in that list, and the lines."""

    def texts(self) -> dict[str, InputFile]:
        """The text inputs by kind."""
        return {i.kind: i for i in self.inputs if i.kind in TEXT_KINDS and i.raw != MISSING}

    def tell(self, file: str, line: int, what: str, *, blocks: Literal["blocks", "warns"]) -> None:
        """`Muncie.u01:12: what`. What is true of several lines is one message, which counts them."""
        told = self.blocked_by if blocks == "blocks" else self.warnings
        place, lines = self._told.setdefault((blocks == "blocks", what), (len(told), []))
        if not lines:
            told.append("")
        lines.append((file, line))
        (first, number), more = lines[0], len(lines) - 1
        where = f"{first}:{number}" if number else first
        also = f" and {more} more {'line' if more == 1 else 'lines'}" if more else ""
        told[place] = f"{where}{also}: {what}"
