"""`results` as a table: as wide as the terminal, with the path of every HDF."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rasreconcile.plans import Address
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import ResultSummary
from rasreconcile.report.results import Row, lines, values

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


def row(address: str, output: str) -> Row:
    verdict = LastVerdict(
        address=Address(address), sync="current", phase="idle", reasons=(), next_at=None, output=Path(output), at=NOW
    )  # fmt: skip
    return Row(verdict=verdict, state="current", shown=ResultSummary(max_water_surface=956.123, unit="ft"))


ROWS = [row("M/p01", "/study/models/M/M.p01.hdf"), row("M/p02", "/elsewhere/M.p02.hdf")]


def test_the_path_is_a_column_where_there_is_room_and_relative_to_the_spec() -> None:
    assert lines(ROWS, 80, Path("/study")) == [
        "plan   state    max WS  unit  hdf",
        "M/p01  current  956.12  ft    models/M/M.p01.hdf",
        "M/p02  current  956.12  ft    ../elsewhere/M.p02.hdf",
    ]
    assert [values(one)["hdf"] for one in ROWS] == ["/study/models/M/M.p01.hdf", "/elsewhere/M.p02.hdf"]


def test_where_there_is_no_room_it_stands_below_its_row_whole() -> None:
    assert lines(ROWS, 24, Path("/study")) == [
        "plan   state    max WS",
        "M/p01  current  956.12",
        "    models/M/M.p01.hdf",
        "M/p02  current  956.12",
        "    ../elsewhere/M.p02.hdf",
        "(left out: unit; `--format csv` has them)",
    ]
