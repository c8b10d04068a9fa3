"""Where HEC-RAS 5.0 to 7.0 keep what in a plan HDF. All that depends on the version stands here."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import datetime

from rasreconcile.facts import DatasetFacts, FlowKind, HdfFacts, unit_of
from rasreconcile.results.outputs import outputs, pipe_networks, structures
from rasreconcile.results.surfaces import (
    AREAS,
    PROFILES,
    SERIES,
    columns,
    maximum_depth,
    of_areas,
    of_reaches,
    surfaces,
)
from rasreconcile.results.times import interval, moment, window
from rasreconcile.results.tree import Tree

_KINDS: tuple[tuple[str, FlowKind], ...] = (
    ("Results/Unsteady", "unsteady"),
    ("Results/Steady", "steady"),
    ("Results/Sediment", "sediment"),
)
_GROUPS = ("Geometry", "Plan Data", "Event Conditions", "Results")
_INFORMATION = "Plan Data/Plan Information"
_OF_CELLS = re.compile(rf"/{AREAS}/([^/]+)/[^/]*Water Surface$")

# The first of each that a file has counts: the names changed between 5.0.0 and 6.x.
_PLAN = ("Plan Filename", "Plan File")
_SHORT_ID = ("Plan ShortID", "Plan Short ID")
_GEOMETRY = ("Geometry Filename", "Geometry Name")
_STAMPS = (f"{SERIES}/Time Date Stamp", f"{SERIES}/Time Date Stamp (ms)")


def facts(tree: Tree, datasets: Collection[str]) -> HdfFacts:
    """All that verification asks for; `unreadable` is left to the caller."""
    kind = kind_of(tree)
    here = tuple(surfaces(tree, kind))
    maxima = {surface.place: tree.sums(surface.place, (surface.rows, surface.columns)) for surface in here}
    summary = f"Results/{str(kind).capitalize()}/Summary"
    return HdfFacts(
        groups=tuple(name for name in _GROUPS if tree.is_group(name)),
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
        simulation_start=moment(_information(tree, "Simulation Start Time")),
        simulation_end=moment(_information(tree, "Simulation End Time")),
        last_output=_last_output(tree) if kind == "unsteady" else None,
        output_interval=interval(_information(tree, "Base Output Interval")),
        output_times=_output_times(tree) if kind == "unsteady" else None,
        volume_error_percent=_volume_error(tree),
        outputs=outputs(tree),
        structures=structures(tree) if kind == "unsteady" else {},
        pipe_networks=pipe_networks(tree) if kind == "unsteady" else {},
        profiles=(tree.texts(f"{PROFILES}/Profile Names") or ()) if kind == "steady" else (),
        water_surface=together([found for found in maxima.values() if found is not None]),
        areas=of_areas(tree, maxima) if kind == "unsteady" else {},
        reaches=of_reaches(tree, kind) if kind in {"unsteady", "steady"} else {},
        maximum_depth=maximum_depth(tree, here),
        datasets={name: _dataset(tree, name) for name in datasets},
    )


def kind_of(tree: Tree) -> FlowKind | None:
    """Which results the file holds."""
    return next((kind for place, kind in _KINDS if tree.is_group(place)), None)


def _information(tree: Tree, *names: str) -> str | None:
    found = (tree.text_attribute(_INFORMATION, name) for name in names)
    return next((text for text in found if text), None)


def _units(tree: Tree) -> str | None:
    said = tree.text_attribute("", "Units System")
    if said:
        return said
    si = (tree.text_attribute("Geometry", "SI Units") or "").lower()
    return {"true": "SI Units", "false": "US Customary"}.get(si)


def length_unit(tree: Tree) -> str | None:
    """`ft` or `m`; None where the file does not say."""
    return unit_of(_units(tree))


def _unstable(tree: Tree, summary: str) -> str | None:
    text = tree.text_attribute(summary, "Time Stamp Solution Went Unstable")
    return text if text and text.lower() != "not applicable" else None


def _messages(tree: Tree) -> str | None:
    lines = tree.texts("Results/Summary/Compute Messages (text)")
    return None if lines is None else "\n".join(lines)


def _last_output(tree: Tree) -> datetime | None:
    return next((at for place in _STAMPS if (at := moment(tree.last_text(place)))), None)


def _output_times(tree: Tree) -> int | None:
    return next((shape[0] for place in _STAMPS if (shape := tree.shape(place))), None)


def _volume_error(tree: Tree) -> float | None:
    summary = "Results/Unsteady/Summary"
    found = tree.number_attribute(f"{summary}/Volume Accounting", "Error Percent")
    if found is None:
        # 5.x keeps it flat.
        found = tree.number_attribute(summary, "Vol Accounting Error Percentage")
    return found if found is not None and math.isfinite(found) else None


# ---- datasets


def _dataset(tree: Tree, place: str) -> DatasetFacts | None:
    shape = tree.shape(place)
    return None if shape is None else tree.sums(place, what_counts(tree, place, shape))


def what_counts(tree: Tree, place: str, shape: Sequence[int]) -> tuple[slice, ...]:
    """Of summary output row 0 (row 1 is a time); of the cells of a 2D area no ghost cells."""
    if len(shape) != 2:
        return ()
    row = slice(0, 1) if "/Summary Output/" in place and shape[0] == 2 else slice(None)
    area = _OF_CELLS.search(place)
    return row, columns(tree, area[1], place, shape[1]) if area else slice(None)


def is_numbers(tree: Tree, place: str) -> bool:
    """Whether a dataset of numbers is there."""
    shape = tree.shape(place)
    return bool(shape) and tree.sums(place, tuple(slice(0, 0) for _ in shape or ())) is not None


def together(found: Sequence[DatasetFacts]) -> DatasetFacts | None:
    """Several datasets summed up as one; None of none."""
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
