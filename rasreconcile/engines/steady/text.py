"""HEC-RAS's text: keyed lines, and columns of eight characters below them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rasreconcile.errors import ProjectError
from rasreconcile.project import DESCRIPTION, decode

_KEYED = re.compile(r"^\s*[#A-Za-z]")
MOST_NUMBERS = 1_000_000


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
        return ProjectError(f"{self.name}:{number}: {what}; {remedy}")

    def number(self, line: Line, text: str, what: str) -> float:
        """A finite number. Raises ProjectError."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or abs(value) > 1e12:
            raise self.error(line, f"{what} is {text.strip()!r}, not a number", "mend it in HEC-RAS")
        return value

    def count(self, line: Line, text: str, what: str) -> int:
        """A whole number from 0 on. Raises ProjectError."""
        value = self.number(line, text, what)
        if value != int(value) or not 0 <= value <= MOST_NUMBERS:
            raise self.error(line, f"{what} is {text.strip()!r}, not a count", "mend it in HEC-RAS")
        return int(value)

    def columns(self, line: Line, how_many: int, what: str, *, width: int = 8) -> list[float | None]:
        """`how_many` numbers from the rows below a line; None where a column is blank. Raises ProjectError."""
        cells = [row[n : n + width] for row in line.rows for n in range(0, len(row.rstrip()), width)]
        if len(cells) < how_many:
            raise self.error(
                line, f"{what} needs {how_many} numbers, {len(cells)} are there", "mend it in HEC-RAS"
            )
        return [self.number(line, cell, what) if cell.strip() else None for cell in cells[:how_many]]

    def filled(self, line: Line, how_many: int, what: str, *, width: int = 8) -> list[float]:
        """As `columns`, with 0 for blanks."""
        return [value or 0.0 for value in self.columns(line, how_many, what, width=width)]


def lines(data: bytes) -> Iterator[Line]:
    """Every keyed line outside descriptions, with its rows."""
    inside = False
    head: tuple[int, str] | None = None
    rows: list[str] = []
    for number, text in enumerate(re.split(r"\r\n|\r|\n", decode(data)), start=1):
        marker = DESCRIPTION.match(text.strip())
        if marker:
            inside = marker[1].upper() == "BEGIN"
            continue
        if inside or not text.strip():
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
    return Line(number, key.strip(), value.strip(), tuple(rows))
