"""Where HEC-RAS 5.0 to 7.0 keep what in a plan HDF. All that depends on the version stands here."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rasreconcile.facts import DatasetFacts, FlowKind, HdfFacts
from rasreconcile.results.times import moment, window

if TYPE_CHECKING:
    from rasreconcile.results.hdf import Tree

_KINDS: tuple[tuple[str, FlowKind], ...] = (
    ("Results/Unsteady", "unsteady"),
    ("Results/Steady", "steady"),
    ("Results/Sediment", "sediment"),
)
_INFORMATION = "Plan Data/Plan Information"
_BASE = "Results/Unsteady/Output/Output Blocks/Base Output"
_SUMMARY = f"{_BASE}/Summary Output"
_SERIES = f"{_BASE}/Unsteady Time Series"
_PROFILES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
_AREAS = "2D Flow Areas"
_OF_CELLS = re.compile(rf"/{_AREAS}/([^/]+)/[^/]*Water Surface$")

# The first of each that a file has counts: the names changed between 5.0.0 and 6.x.
_PLAN = ("Plan Filename", "Plan File")
_SHORT_ID = ("Plan ShortID", "Plan Short ID")
_GEOMETRY = ("Geometry Filename", "Geometry Name")
_STAMPS = (f"{_SERIES}/Time Date Stamp", f"{_SERIES}/Time Date Stamp (ms)")
_SECTIONS = ("Geometry/Cross Sections/Attributes", "Geometry/Cross Sections/River Stations")


def facts(tree: Tree, datasets: Collection[str]) -> HdfFacts:
    """All that verification asks for; `unreadable` is left to the caller."""
    kind = next((kind for place, kind in _KINDS if tree.is_group(place)), None)
    summary = f"Results/{str(kind).capitalize()}/Summary"
    return HdfFacts(
        kind=kind,
        file_version=tree.text_attribute("", "File Version"),
        units_system=_units(tree),
        plan_filename=_information(tree, *_PLAN),
        short_id=_information(tree, *_SHORT_ID),
        geometry_filename=_information(tree, *_GEOMETRY),
        flow_filename=_information(tree, "Flow Filename"),
        geometry_time=moment(tree.text_attribute("Geometry", "Geometry Time")),
        solution=tree.text_attribute(summary, "Solution"),
        unstable_at=_unstable(tree, summary),
        messages=_messages(tree),
        processes=tree.texts("Results/Summary/Compute Processes", of="Process"),
        run_window=window(tree.text_attribute(summary, "Run Time Window")),
        simulation_end=moment(_information(tree, "Simulation End Time")),
        last_output=_last_output(tree) if kind == "unsteady" else None,
        volume_error_percent=_volume_error(tree),
        profiles=(tree.texts(f"{_PROFILES}/Profile Names") or ()) if kind == "steady" else (),
        water_surface=_water_surface(tree, kind),
        datasets={name: _dataset(tree, name) for name in datasets},
    )


def _information(tree: Tree, *names: str) -> str | None:
    found = (tree.text_attribute(_INFORMATION, name) for name in names)
    return next((text for text in found if text), None)


def _units(tree: Tree) -> str | None:
    said = tree.text_attribute("", "Units System")
    if said:
        return said
    si = (tree.text_attribute("Geometry", "SI Units") or "").lower()
    return {"true": "SI Units", "false": "US Customary"}.get(si)


def _unstable(tree: Tree, summary: str) -> str | None:
    text = tree.text_attribute(summary, "Time Stamp Solution Went Unstable")
    return text if text and text.lower() != "not applicable" else None


def _messages(tree: Tree) -> str | None:
    lines = tree.texts("Results/Summary/Compute Messages (text)")
    return None if lines is None else "\n".join(lines)


def _last_output(tree: Tree) -> datetime | None:
    return next((at for place in _STAMPS if (at := moment(tree.last_text(place)))), None)


def _volume_error(tree: Tree) -> float | None:
    summary = "Results/Unsteady/Summary"
    found = tree.number_attribute(f"{summary}/Volume Accounting", "Error Percent")
    if found is None:
        # 5.x keeps it flat.
        found = tree.number_attribute(summary, "Vol Accounting Error Percentage")
    return found if found is not None and math.isfinite(found) else None


# ---- water surfaces


def _water_surface(tree: Tree, kind: FlowKind | None) -> DatasetFacts | None:
    if kind == "steady":
        return _dataset(tree, f"{_PROFILES}/Cross Sections/Water Surface")
    found = [facts for place in _maxima(tree) if (facts := _dataset(tree, place)) is not None]
    return _together(found)


def _maxima(tree: Tree) -> Iterator[str]:
    """Maxima come from here, never from the series: they are over computation steps, not over output steps."""
    areas = tree.names(f"{_SUMMARY}/{_AREAS}")
    for area in areas:
        yield f"{_SUMMARY}/{_AREAS}/{area}/Maximum Water Surface"
    sections = f"{_SUMMARY}/Cross Sections/Maximum Water Surface"
    # 5.0.7 writes two sections that do not exist for models that are 2D alone.
    if not areas or _count(tree, *_SECTIONS) == (tree.shape(sections) or (0,))[-1]:
        yield sections


def _count(tree: Tree, *places: str) -> int | None:
    shapes = (tree.shape(place) for place in places)
    return next((shape[0] for shape in shapes if shape), None)


def _dataset(tree: Tree, place: str) -> DatasetFacts | None:
    shape = tree.shape(place)
    return None if shape is None else tree.sums(place, _what_counts(tree, place, shape))


def _what_counts(tree: Tree, place: str, shape: Sequence[int]) -> tuple[slice, ...]:
    """Of summary output row 0 (row 1 is a time); of the cells of a 2D area no ghost cells."""
    if len(shape) != 2:
        return ()
    row = slice(0, 1) if "/Summary Output/" in place and shape[0] == 2 else slice(None)
    area = _OF_CELLS.search(place)
    cells = _cells(tree, area[1]) if area else None
    if cells is not None and not 0 < cells <= shape[1]:
        tree.note(place, f"has {shape[1]} columns, the geometry says {cells} cells")
        cells = None
    return row, slice(0, cells)


def _cells(tree: Tree, area: str) -> int | None:
    """How many cells of a 2D area are no ghost cells."""
    names = tree.texts(f"Geometry/{_AREAS}/Attributes", of="Name") or tree.texts(f"Geometry/{_AREAS}/Names")
    if not names or area not in names:
        return None
    row = names.index(area)
    table = tree.table(f"Geometry/{_AREAS}/Attributes")
    if table is not None and "Cell Count" in (table.dtype.names or ()):
        return int(table["Cell Count"][row])
    # Older tables lack the column; here a row is the first cell and the number of cells.
    spans = tree.table(f"Geometry/{_AREAS}/Cell Info")
    return int(spans[row][1]) if spans is not None and spans.ndim == 2 and row < len(spans) else None


def _together(found: Sequence[DatasetFacts]) -> DatasetFacts | None:
    if len(found) <= 1:
        return found[0] if found else None
    low = [facts.minimum for facts in found if facts.minimum is not None]
    high = [facts.maximum for facts in found if facts.maximum is not None]
    size = sum(facts.size for facts in found)
    return DatasetFacts(
        shape=(size,),
        dtype=found[0].dtype,
        finite=sum(facts.finite for facts in found),
        size=size,
        minimum=min(low, default=None),
        maximum=max(high, default=None),
    )
