"""Tables: every cell is shown as text, whatever is in it, and a frame has all the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasreconcile.api.tables import SHOWN, Table, Values


@dataclass(frozen=True)
class Row:
    plan: str
    value: float | None = None
    note: str = ""
    took: timedelta | None = None
    at: datetime | None = None
    reasons: tuple[str, ...] = ()


class Cells(HTMLParser):
    """The texts of cells, and every tag there is."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in {"td", "th", "caption", "p"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


def cells(html: str) -> Cells:
    found = Cells()
    found.feed(html)
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(), min_size=1, max_size=3), st.text())
def test_no_text_of_a_cell_or_caption_becomes_html(texts: list[str], caption: str) -> None:
    shown = cells(Table(Row, tuple(Row(text, note="x") for text in texts), caption)._repr_html_())
    assert shown.tags <= {"table", "caption", "thead", "tbody", "tr", "td", "th", "br"}
    columns = 1 + any(" ".join(text.split()) for text in texts)
    assert len(shown.cells) in {n + bool(caption) for n in ((len(texts) + 1) * columns, (len(texts) + 1) * 2)}


def test_a_cell_says_what_it_is_in_the_words_of_the_command_line() -> None:
    row = Row(
        "a", 1.25, "two\nlines", timedelta(seconds=75), datetime(2026, 4, 1, 12, tzinfo=UTC), ("b", "c")
    )
    text = repr(Table(Row, (row, Row("z")), "two rows"))
    head, first, second, caption = text.splitlines()
    assert head.split() == ["plan", "value", "note", "took", "at", "reasons"]
    assert "two lines" in first
    assert "1 min 15 s" in first
    assert "b; c" in first
    assert second.split() == ["z", "-", "-", "-", "-", "-"]
    assert caption == "two rows"


def test_columns_without_a_value_are_not_shown_and_are_in_the_frame() -> None:
    table = Table(Row, (Row("a", 1.0),))
    assert repr(table).splitlines()[0].split() == ["plan", "value"]
    assert list(table.to_pandas()) == ["plan", "value", "note", "took", "at", "reasons"]


def test_an_empty_table_has_its_columns() -> None:
    table = Table(Row, ())
    assert repr(table) == "no rows"
    assert list(table.to_pandas()) == ["plan", "value", "note", "took", "at", "reasons"]
    assert table.to_dicts() == []
    assert repr(Values()) == "no rows"
    assert len(Values()) == 0


def test_of_many_rows_the_first_are_shown_and_the_frame_has_all() -> None:
    table = Table(Row, tuple(Row(f"p{n}") for n in range(SHOWN + 2)))
    assert repr(table).splitlines()[-1] == "... and 2 more rows"
    assert cells(table._repr_html_()).cells[-1] == "and 2 more rows"
    assert len(table.to_pandas()) == SHOWN + 2
    assert [row.plan for row in table[:2]] == ["p0", "p1"]
    assert isinstance(table[:2], Table)
