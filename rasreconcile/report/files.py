"""Tables as CSV and Parquet, written row group by row group. The only home of pyarrow, which is an optional extra."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rasreconcile import held_files
from rasreconcile.errors import UsageError

Columns = Mapping[str, Sequence[Any]]
"""Equally long."""


def write_csv(out: TextIO, tables: Iterable[Columns]) -> None:
    """With one line of heads; None is left empty."""
    writer = csv.writer(out, lineterminator="\n")
    heads: list[str] = []
    for columns in tables:
        if not heads:
            heads = list(columns)
            writer.writerow(heads)
        writer.writerows(zip(*(columns[head] for head in heads), strict=True))


def write_parquet(path: Path, tables: Iterable[Columns], kinds: Mapping[str, str]) -> None:
    """Aside, then renamed. `kinds` are the types of columns by name; raises UsageError where pyarrow is absent."""
    try:
        import pyarrow as pa  # noqa: PLC0415  an optional extra
        import pyarrow.parquet as pq  # noqa: PLC0415  as above
    except ImportError as error:
        raise UsageError(
            f"Parquet needs pyarrow ({error})", "pip install 'rasreconcile[parquet]', or use --format csv"
        ) from error
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in kinds.items()])
    aside = path.with_name(f".{path.name}.part")
    try:
        with pq.ParquetWriter(aside, schema) as writer:
            for columns in tables:
                writer.write_table(pa.table({name: columns[name] for name in kinds}, schema=schema))
        held_files.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
