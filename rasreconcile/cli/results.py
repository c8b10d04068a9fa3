"""`results`: what came out, one row per plan, or one dataset over all plans."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile import held_files
from rasreconcile.cli.options import (
    FORMAT_VERSION,
    as_json,
    load_spec,
    say,
    warn,
    write_json,
    write_line,
)
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import SpecError, UsageError
from rasreconcile.plain_files import whole
from rasreconcile.report.text import many

if TYPE_CHECKING:
    from rasreconcile.operations.results import Depth
    from rasreconcile.plans import Address
    from rasreconcile.report.results import Row

_ENDINGS = {".csv": "csv", ".json": "json", ".md": "markdown", ".parquet": "parquet", ".txt": "table"}
_SPREADSHEETS = frozenset({".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".gsheet"})
_SUMMARY_KINDS = {
    "max_water_surface": "double",
    "max_depth": "double",
    "volume_error_percent": "double",
    "run_seconds": "double",
    "predicted_seconds": "double",
    "core_hours": "double",
    "cost": "double",
    "rise": "double",
    "fall": "double",
    "profiles": "int64",
    "areas": "int64",
}


@verb(
    "results",
    examples=[
        ("results", "One row per plan."),
        ("results 'Muncie/*' --output muncie.csv", "The same of one project, as CSV."),
        (
            "results --dataset 'Results/Summary/Max WS' --stat max",
            "One dataset of every HDF, a value per plan.",
        ),
    ],
    exits={0: "written"},
)
@takes_plans()
@as_json
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "markdown", "parquet"]),
    default=None,
    help="Output format.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option(
    "--dataset",
    metavar="FIELD",
    help='Collect this field of the HDFs, one row per value: "Water Surface", or a path.',
)
@click.option("--read", is_flag=True, help="Read every HDF, also where its values were noted.")
@click.option("--predicted", is_flag=True, help="Also how long each run was expected to take.")
@click.option("--stat", type=click.Choice(["max", "min", "mean"]), help="With --dataset: one value per plan.")
def command(  # noqa: PLR0913, PLR0917  an option each
    target: Target,
    as_json: bool,
    form: str | None,
    output: Path | None,
    dataset: str | None,
    read: bool,
    predicted: bool,
    stat: str | None,
) -> int:
    """List the existing results: state, water surface, depth, volume error, times, worker, HDF.

    The values are those that were noted when a result was proven; an HDF whose file has changed since is read.
    With --dataset one dataset is collected over all plans in long form: plan, what the value is of, value.
    """
    form = _form(form or ("json" if as_json else None), output, dataset)
    if form == "parquet" and output is None:
        raise UsageError("Parquet is not text", "name a file: --output results.parquet")
    if form == "markdown" and dataset:
        raise UsageError("--dataset is not written as Markdown", "use csv, json or parquet")
    if stat and not dataset:
        raise UsageError("--stat sums up a dataset", 'name one: --dataset "Water Surface"')
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output}: its folder does not exist", "make it, or name another file")
    rows = _rows(target, "state" if dataset else "read" if read else "noted")
    if dataset is None:
        _write_rows(rows, form, output, target.spec, predicted=predicted)
        _told(output, many(len(rows), "plan"), as_json=as_json)
        return 0
    from rasreconcile.operations.dataset import long_form, reduced  # noqa: PLC0415  reads every HDF

    place = dataset.strip("/")
    tables = long_form(rows, place, _left_out) if stat is None else reduced(rows, place, stat, _left_out)
    _write_tables(tables, form, output)
    _told(output, place, as_json=as_json)
    return 0


def _told(output: Path | None, what: str, *, as_json: bool) -> None:
    if output is not None and not as_json:
        say(f"wrote {output}: {what}")


def _left_out(plan: Address, why: str) -> None:
    warn(f"{plan} is left out: {why}")


def _form(asked: str | None, output: Path | None, dataset: str | None) -> str:
    """As asked for, else as the ending of the file says. Raises UsageError where no format has that ending."""
    ending = output.suffix.lower() if output else ""
    text = "csv" if dataset else "table"
    if ending in _SPREADSHEETS:
        raise UsageError(
            f"{output}: results are not written as spreadsheets ({ending})",
            "write .csv, which Excel and LibreOffice open, .json or .parquet",
        )
    form = asked or (_ENDINGS.get(ending, "") if output else text)
    if not form:
        raise UsageError(
            f"{output}: its ending says no format", f"end it in {', '.join(_ENDINGS)}, or say --format"
        )
    return text if form == "table" and asked is None else form


# ---- what is known


def _rows(target: Target, depth: Depth) -> list[Row]:
    from rasreconcile.operations.results import result_rows  # noqa: PLC0415  so that --help is quick
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    return result_rows(state_path(target.spec), target.plans, depth, prices=prices_of(target.spec))


def prices_of(spec: Path) -> Mapping[str, float]:
    """`price_per_core_hour` by worker; the spec is read whole only where it has one."""
    if b"price_per_core_hour" not in whole(spec):
        return {}
    try:
        return load_spec(spec).spec.prices
    except SpecError:
        # Results are shown of a spec with faults too; what they cost cannot be said then.
        return {}


# ---- how it is written


def _write_rows(rows: Sequence[Row], form: str, output: Path | None, spec: Path, *, predicted: bool) -> None:
    from rasreconcile.report import files, results  # noqa: PLC0415

    values, folder = [results.values(row) for row in rows], spec.absolute().parent
    columns = {name: [value[name] for value in values] for name in results.COLUMNS}
    match form:
        case "json" if output is None:
            write_json({"results": values})
        case "markdown":
            from rasreconcile.report import markdown  # noqa: PLC0415

            _write_text(markdown.results(spec.name, rows), output)
        case "table":
            width = shutil.get_terminal_size((120, 24)).columns if output is None else 10_000
            _write_text("\n".join(results.lines(rows, width, folder, predicted=predicted)) + "\n", output)
        case "parquet" if output is not None:
            kinds = {name: _SUMMARY_KINDS.get(name, "string") for name in results.COLUMNS}
            files.write_parquet(output, [columns], kinds)
        case "json" if output is not None:
            import json  # noqa: PLC0415

            _write_text(json.dumps({"version": FORMAT_VERSION, "results": values}, indent=1) + "\n", output)
        case _:
            _write_csv([columns], output)


def _write_tables(tables: Iterator[dict[str, Sequence[Any]]], form: str, output: Path | None) -> None:
    from rasreconcile.report import files  # noqa: PLC0415

    first = next(tables, None)
    if first is None:
        raise UsageError("none of these plans has a result", "`status` says why")
    every = chain([first], tables)
    match form:
        case "parquet" if output is not None:
            kinds = {name: _kind(column) for name, column in first.items()}
            files.write_parquet(output, every, kinds)
        case "json" if output is None:
            write_line({"version": FORMAT_VERSION, "verb": "results"})
            for table in every:
                for cells in zip(*table.values(), strict=True):
                    write_line(dict(zip(table, (_plain(cell) for cell in cells), strict=True)))
        case "json":
            raise UsageError(
                "--dataset writes JSON to stdout, a line for each value", "leave --output out, or use csv"
            )
        case _:
            _write_csv(every, output)


def _kind(column: Sequence[Any]) -> str:
    first = column[0] if column else ""
    return "double" if isinstance(first, float) else "int64" if isinstance(first, int) else "string"


def _plain(cell: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _write_csv(tables: Any, output: Path | None) -> None:
    from rasreconcile.report import files  # noqa: PLC0415

    if output is None:
        files.write_csv(sys.stdout, tables)
        return
    aside = output.with_name(f".{output.name}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="") as out:
            files.write_csv(out, tables)
        held_files.replace(aside, output)
    finally:
        aside.unlink(missing_ok=True)


def _write_text(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8", newline="\n")
