"""What a plan reads as it comes together: its inputs, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from rasreconcile.errors import Trouble
from rasreconcile.plans import MISSING, Address, InputFile
from rasreconcile.records import Mention
from rasreconcile.resolve.digests import TEXT_KINDS

Blocks = Literal["every program", "Ras.exe", "nothing"]
"""Whom a finding keeps from computing the plan."""


@dataclass(slots=True)
class Closure:
    """What a plan reads, what stands in its way, and what is odd about it."""

    inputs: list[InputFile] = field(default_factory=list)
    blocked_by: list[Trouble] = field(default_factory=list)
    warnings: list[Trouble] = field(default_factory=list)
    ras_exe_lacks: list[Trouble] = field(default_factory=list)
    """What stops Ras.exe alone: the Linux solvers read prepared files in its place."""
    prepared: bool = False
    """Whether everything that a Linux solver computes the plan from is there."""
    made: list[tuple[Address, str]] = field(default_factory=list)
    """Plans of the spec that make files this one reads, and the names of those files in their runs; empty: results."""
    computes: tuple[str, ...] = ()
    """What its plan file switches on."""
    _told: dict[tuple[Blocks, Trouble], tuple[int, list[tuple[str, int]]]] = field(default_factory=dict)
    """What was told of lines: whom it blocks and in what words; its place in that list, and the lines."""

    def list_of(self, blocks: Blocks) -> list[Trouble]:
        """Where a message of this weight is kept."""
        match blocks:
            case "every program":
                return self.blocked_by
            case "Ras.exe":
                return self.ras_exe_lacks
            case "nothing":
                return self.warnings

    def texts(self) -> dict[str, InputFile]:
        """The text inputs by kind."""
        return {i.kind: i for i in self.inputs if i.kind in TEXT_KINDS and i.raw != MISSING}

    def only_prepared(self) -> Iterator[Trouble]:
        """What Ras.exe lacks, as a warning: the Linux solvers do without."""
        how = "only the Linux solvers compute the plan, from its prepared files"
        for lack in self.ras_exe_lacks:
            yield Trouble(
                lack.what, f"{lack.remedy}; until then {how}" if lack.remedy else f"as it is, {how}"
            )

    def tell(self, file: str, line: int, trouble: Trouble, *, blocks: Blocks) -> None:
        """`Muncie.u01:12: what`. What is true of several lines is one message, which counts them."""
        told = self.list_of(blocks)
        place, lines = self._told.setdefault((blocks, trouble), (len(told), []))
        if not lines:
            told.append(trouble)
        lines.append((file, line))
        (first, number), more = lines[0], len(lines) - 1
        where = f"{first}:{number}" if number else first
        also = f" and {more} more {'line' if more == 1 else 'lines'}" if more else ""
        told[place] = trouble.led_by(f"{where}{also}: ")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that another one names."""

    kind: str
    mention: Mention
    named_by: InputFile
    counts: bool = True
