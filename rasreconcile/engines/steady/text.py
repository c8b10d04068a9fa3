"""HEC-RAS's text: keyed lines, and columns of eight characters below them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rasreconcile.errors import ProjectError
from rasreconcile.project import DESCRIPTION, decode, described, split

_KEYED = re.compile(r"^\s*[#A-Za-z]")
MOST_NUMBERS = 1_000_000
WIDTH = 8
"""Of a column of numbers, in characters."""
FIX = "correct it in HEC-RAS"


@dataclass(frozen=True, slots=True)
class Line:
    """A keyed line with the rows of numbers below it. `number` counts from 1."""

    number: int
    key: str
    value: str
    rows: tuple[str, ...]

    def parts(self) -> list[str]:
        """The value, cut at commas."""
        return [part.strip() for part in self.value.split(",")]


@dataclass(frozen=True, slots=True)
class Source:
    """A file by the name that errors give it."""

    name: str

    def error(self, line: Line | int, what: str, remedy: str) -> ProjectError:
        number = line if isinstance(line, int) else line.number
        return ProjectError(f"{self.name}:{number}: {what}", remedy)

    def number(self, line: Line, text: str, what: str) -> float:
        """A finite number. Raises ProjectError."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or abs(value) > 1e12:
            raise self.error(line, f"{what} is {text.strip()!r}, not a number", FIX)
        return value

    def count(self, line: Line, text: str, what: str) -> int:
        """A whole number from 0 on. Raises ProjectError."""
        value = self.number(line, text, what)
        if value != int(value) or not 0 <= value <= MOST_NUMBERS:
            raise self.error(line, f"{what} is {text.strip()!r}, not a count", FIX)
        return int(value)

    def columns(self, line: Line, how_many: int, what: str, *, a_row: int) -> list[float | None]:
        """The numbers in the rows below a line, `a_row` to a row; None where a column is blank. Raises ProjectError.

        HEC-RAS leaves blank columns out at the end of a row, and reads nothing right of the last column.
        """
        cells: list[str] = []
        for n, row in enumerate(line.rows):
            found = [row[c : c + WIDTH] for c in range(0, len(row.rstrip()), WIDTH)]
            if len(found) > a_row:
                held = f"row {n + 1} below {line.key!r} holds {len(found)} numbers, not {a_row}"
                raise self.error(line, held, FIX)
            cells += found + [""] * (a_row - len(found))
        if any(cell.strip() for cell in cells[how_many:]):
            there = sum(bool(cell.strip()) for cell in cells)
            counted = f"{there} are there" if there > how_many else f"and a row is not filled to {a_row}"
            raise self.error(line, f"{what} needs {how_many} numbers, {counted}", FIX)
        cells += [""] * (how_many - len(cells))
        return [self.number(line, cell, what) if cell.strip() else None for cell in cells[:how_many]]

    def filled(self, line: Line, how_many: int, what: str, *, a_row: int) -> list[float]:
        """As `columns`, where no column may be blank."""
        found = self.columns(line, how_many, what, a_row=a_row)
        values = [value for value in found if value is not None]
        if len(values) < how_many:
            place = found.index(None)
            blank = f"{what} needs {how_many} numbers, {len(values)} are there"
            raise self.error(
                line, f"{blank} (row {place // a_row + 1}, column {place % a_row + 1} is blank)", FIX
            )
        return values

    def without_rows(self, line: Line) -> None:
        """Raises ProjectError where numbers follow below a line that has none in HEC-RAS's text."""
        if any(row.strip() for row in line.rows):
            raise self.error(line, f"{line.key!r} is followed by an unexpected row", FIX)


def lines(data: bytes) -> Iterator[Line]:
    """Every keyed line outside descriptions, with its rows."""
    head: tuple[int, str] | None = None
    rows: list[str] = []
    every = split(decode(data))
    free = described(every)
    for number, text in enumerate(every, start=1):
        if number - 1 in free or DESCRIPTION.match(text.strip()):
            continue
        # A row of blanks is a row of blank columns; an empty line is nothing.
        if not text or (head is None and not text.strip()):
            continue
        if _KEYED.match(text) and not _is_row(text):
            if head is not None:
                yield _line(head, rows)
            head, rows = (number, text), []
        else:
            rows.append(text)
    if head is not None:
        yield _line(head, rows)


def _is_row(text: str) -> bool:
    """`F F` below `Permanent Ineff=` is a row, not a key."""
    return set(text.split()) <= {"T", "F"}


def _line(head: tuple[int, str], rows: Sequence[str]) -> Line:
    number, text = head
    key, _, value = text.partition("=")
    while rows and not rows[-1].strip():
        rows = rows[:-1]
    return Line(number, key.strip(), value.strip(), tuple(rows))
