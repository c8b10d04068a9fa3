"""Tables: records of one kind, as a sequence, as text, as HTML and as a pandas frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rasreconcile.errors import UsageError
from rasreconcile.report.text import COLOURS, length, many, stamp, table

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")

_HEADS = {"address": "plan"}
SHOWN = 60
"""Rows that are shown; a frame has all of them."""


class Shown(ABC):
    """What has columns and can be looked at."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Every column under its name, all of one length."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """One line that sums it up; may be empty."""

    def to_pandas(self) -> pandas.DataFrame:
        """A frame with the same columns. Raises UsageError where pandas is not installed."""
        try:
            import pandas  # noqa: PLC0415  a second of import, and nothing else needs it
        except ImportError as error:
            raise UsageError(
                "pandas is not installed", "run `pip install pandas`, or use to_dicts()"
            ) from error
        return pandas.DataFrame({name: list(column) for name, column in self.columns.items()})

    def to_dicts(self) -> list[dict[str, Any]]:
        """One mapping a row."""
        columns = self.columns
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]

    def _rows(self) -> tuple[list[str], list[list[str]], int]:
        columns = {name: column for name, column in self.columns.items() if any(map(_known, column))}
        count = max(map(len, self.columns.values()), default=0)
        rows = [[_cell(column[n]) for column in columns.values()] for n in range(min(count, SHOWN))]
        return list(columns), rows, max(count - SHOWN, 0)

    def __repr__(self) -> str:
        heads, rows, more = self._rows()
        lines = table([heads, *([cell or "-" for cell in row] for row in rows)]) if rows else []
        lines += [f"... and {many(more, 'more row')}"] if more else []
        return "\n".join([*lines, *([self.caption] if self.caption else [])]) or "no rows"

    def _repr_html_(self) -> str:
        heads, rows, more = self._rows()
        parts = ["<table>"]
        if self.caption:
            lines = "<br>".join(map(_html, self.caption.splitlines()))
            parts.append(f"<caption style='text-align:left'>{lines}</caption>")
        if rows:
            parts.append(f"<thead><tr>{''.join(f'<th>{_html(head)}</th>' for head in heads)}</tr></thead>")
        parts.append("<tbody>")
        parts += [f"<tr>{''.join(_td(cell) for cell in row)}</tr>" for row in rows]
        parts.append("</tbody></table>")
        return "".join(parts) + (f"<p>and {many(more, 'more row')}</p>" if more else "")


@dataclass(frozen=True, repr=False)
class Table(Shown, Sequence[T], Generic[T]):
    """Records of one kind; each row is one, with its fields as attributes."""

    record: type[T]
    """Of which kind they are."""
    rows: tuple[T, ...]
    caption: str = ""

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """The fields of the records."""
        record: Any = self.record
        names = [one.name for one in fields(record)]
        return {_HEADS.get(name, name): [getattr(row, name) for row in self.rows] for name in names}

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Table[T]: ...
    def __getitem__(self, index: int | slice) -> T | Table[T]:
        return Table(self.record, self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return Shown.__repr__(self)


@dataclass(frozen=True, repr=False)
class Values(Shown):
    """One dataset over several plans, in long form: plan, what each value is of, value."""

    data: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    caption: str = ""

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        return self.data

    def __len__(self) -> int:
        return len(next(iter(self.data.values()), ()))

    def __repr__(self) -> str:
        return Shown.__repr__(self)


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, str | tuple) and not value)


def _cell(value: Any) -> str:
    """As the command line shows it; on one line."""
    match value:
        case None:
            return ""
        case datetime():
            return stamp(value) if value.tzinfo else f"{value:%Y-%m-%d %H:%M:%S}"
        case timedelta():
            return length(value)
        case float():
            return f"{value:.6g}"
        case tuple() | list():
            return "; ".join(map(_cell, value))
        case _:
            return " ".join(str(value).split())


def _td(cell: str) -> str:
    colour = COLOURS.get(cell)
    style = f" style='color:{colour}'" if colour else ""
    return f"<td{style}>{_html(cell)}</td>"


def _html(text: str) -> str:
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
