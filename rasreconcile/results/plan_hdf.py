"""What the result HDF of a plan says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rasreconcile.errors import ResultError
from rasreconcile.facts import Baseline, Difference, HdfFacts
from rasreconcile.results import layout, tables
from rasreconcile.results.baseline import difference
from rasreconcile.results.embedded import other_geometry
from rasreconcile.results.tree import Tree, opened

Thoroughness = Literal["summary", "every dataset"]


def read(
    path: Path,
    *,
    datasets: Collection[str] = (),
    thoroughness: Thoroughness = "summary",
    baseline: Baseline | None = None,
    geometry: Path | None = None,
) -> HdfFacts:
    """What the file says, and how it differs from `baseline`, and from the text `geometry`, where one is given.

    Raises ResultError where the file is not there, cannot be read, or is no HDF5 file.

    `datasets` are summed up by full path, else by the name of a field. With "every dataset" each object is read
    whole, so that damage anywhere inside is found. What cannot be read of a file that opens is listed in `unreadable`.
    """
    with opened(path) as tree:
        facts = layout.facts(tree, datasets)
        by_name = {name: tables.sums(tree, path, name) for name, one in facts.datasets.items() if one is None}
        facts = replace(facts, datasets={**facts.datasets, **by_name})
        if thoroughness == "every dataset":
            tree.read_everything()
        found = None
        if baseline is not None:
            try:
                with opened(baseline.path) as base:
                    base_kind = layout.kind_of(base)
                    found = difference(tree, base, facts.kind, base_kind, baseline.within)
            except ResultError as error:
                found = Difference(mismatched=(f"the baseline: {error}",))
        other = _other_geometry(tree, geometry) if geometry is not None else None
        return replace(facts, difference=found, other_geometry=other, unreadable=tuple(tree.unreadable))


def _other_geometry(tree: Tree, geometry: Path) -> str | None:
    try:
        return other_geometry(tree, geometry)
    except OSError as error:
        raise ResultError(f"{geometry}: {error.strerror or error}", "make it readable") from error
