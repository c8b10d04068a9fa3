"""What a result HDF says, as plain values. The only home of h5py beside the built-in engine.

Files are read without locks (a reader's lock would make HEC-RAS's own open fail), never through links that lead out
of the file, and never whole: large datasets are summed up in pieces.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from rasreconcile.errors import ResultError
from rasreconcile.facts import DatasetFacts, FlowKind, HdfFacts

Thoroughness = Literal["summary", "every dataset"]

_PIECE = 8 << 20
"""Bytes of a dataset that are in memory at once."""
_LONGEST_TEXT = 4 << 20
_MOST_OBJECTS = 200_000

_KINDS: tuple[tuple[str, FlowKind], ...] = (
    ("Results/Unsteady", "unsteady"),
    ("Results/Steady", "steady"),
    ("Results/Sediment", "sediment"),
)
_BASE = "Results/Unsteady/Output/Output Blocks/Base Output"
_STEADY = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
_AREAS = "2D Flow Areas"

# What h5py and HDF5 raise on damaged files, as far as years of broken files have shown.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError, AttributeError)


def read(path: Path, *, datasets: Collection[str] = (), thoroughness: Thoroughness = "summary") -> HdfFacts:
    """Raises ResultError where the file is not there, or is no HDF5 file.

    `datasets` are summed up by full path. With "every dataset" each is read whole, so that damage anywhere inside is
    found; what could not be read is listed in `unreadable`.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except FileNotFoundError as error:
        raise ResultError(f"{path}: no such file") from error
    except _DAMAGE as error:
        raise ResultError(
            f"{path}: cannot be opened as HDF5: {_first_line(error)}; compute it again"
        ) from error
    try:
        with file:
            return _Reading(file).facts(datasets, thoroughness)
    except _DAMAGE as error:
        raise ResultError(f"{path}: damaged inside: {_first_line(error)}; compute it again") from error


@dataclass(slots=True)
class _Reading:
    """One open file and what could not be read of it."""

    file: h5py.File
    unreadable: list[str] = field(default_factory=list)

    def facts(self, datasets: Collection[str], thoroughness: Thoroughness) -> HdfFacts:
        kind = next((kind for place, kind in _KINDS if self._group(place) is not None), None)
        summary = f"Results/{str(kind).capitalize()}/Summary"
        values = HdfFacts(
            kind=kind,
            file_version=self._text_attr("/", "File Version"),
            units_system=self._text_attr("/", "Units System"),
            plan_filename=self._information("Plan Filename", "Plan File"),
            short_id=self._information("Plan ShortID", "Plan Short ID"),
            geometry_filename=self._information("Geometry Filename", "Geometry Name"),
            flow_filename=self._information("Flow Filename"),
            solution=self._text_attr(summary, "Solution"),
            unstable_at=self._unstable(summary),
            messages=self._text("Results/Summary/Compute Messages (text)"),
            processes=self._processes(),
            run_window=_window(self._text_attr(summary, "Run Time Window")),
            simulation_end=_moment(self._information("Simulation End Time")),
            last_output=self._last_output() if kind == "unsteady" else None,
            volume_error_percent=self._volume_error(),
            profiles=self._profiles() if kind == "steady" else (),
            water_surface=self._water_surface(kind),
            datasets={name: self._dataset_facts(name) for name in datasets},
            unreadable=(),
        )
        if thoroughness == "every dataset":
            self._read_all()
        return HdfFacts(**{**_fields(values), "unreadable": tuple(dict.fromkeys(self.unreadable))})

    # ---- getting at objects

    def _get(self, place: str) -> Any:
        """The object, without leaving the file; None where it is not there."""
        found: Any = self.file
        for part in place.strip("/").split("/") if place.strip("/") else []:
            if not isinstance(found, h5py.Group):
                return None
            try:
                link = found.get(part, getlink=True)
                if link is None or not isinstance(link, h5py.HardLink):
                    return None
                found = found[part]
            except KeyError:
                return None
            except _DAMAGE as error:
                self._damaged(place, error)
                return None
        return found

    def _group(self, place: str) -> h5py.Group | None:
        found = self._get(place)
        return found if isinstance(found, h5py.Group) else None

    def _dataset(self, place: str) -> h5py.Dataset | None:
        found = self._get(place)
        return found if isinstance(found, h5py.Dataset) else None

    def _damaged(self, place: str, error: Exception) -> None:
        self.unreadable.append(f"{place}: {_first_line(error)}")

    def _attr(self, place: str, name: str) -> Any:
        owner = self._get(place)
        if owner is None:
            return None
        try:
            return owner.attrs[name] if name in owner.attrs else None
        except _DAMAGE as error:
            self._damaged(f"{place}@{name}", error)
            return None

    def _text_attr(self, place: str, name: str) -> str | None:
        return _as_text(self._attr(place, name))

    def _information(self, *names: str) -> str | None:
        found = (self._text_attr("Plan Data/Plan Information", name) for name in names)
        return next((text for text in found if text), None)

    # ---- single facts

    def _unstable(self, summary: str) -> str | None:
        text = self._text_attr(summary, "Time Stamp Solution Went Unstable")
        return None if text in {None, "", "Not Applicable"} else text

    def _text(self, place: str) -> str | None:
        dataset = self._dataset(place)
        if dataset is None or dataset.size is None or dataset.size * dataset.dtype.itemsize > _LONGEST_TEXT:
            return None
        try:
            return _as_text(np.ravel(dataset[()])[:1])
        except _DAMAGE as error:
            self._damaged(place, error)
            return None

    def _processes(self) -> tuple[str, ...] | None:
        place = "Results/Summary/Compute Processes"
        dataset = self._dataset(place)
        if dataset is None or "Process" not in (dataset.dtype.names or ()):
            return None
        try:
            return tuple(_as_text(name) or "" for name in np.ravel(dataset["Process"])[:1000])
        except _DAMAGE as error:
            self._damaged(place, error)
            return None

    def _last_output(self) -> datetime | None:
        place = f"{_BASE}/Unsteady Time Series/Time Date Stamp"
        dataset = self._dataset(place)
        if dataset is None or not dataset.shape or dataset.shape[0] == 0:
            return None
        try:
            return _moment(_as_text(dataset[-1]))
        except _DAMAGE as error:
            self._damaged(place, error)
            return None

    def _volume_error(self) -> float | None:
        nested = self._attr("Results/Unsteady/Summary/Volume Accounting", "Error Percent")
        flat = self._attr("Results/Unsteady/Summary", "Vol Accounting Error Percentage")
        value = nested if nested is not None else flat
        try:
            number = None if value is None else float(np.ravel(value)[0])
        except _DAMAGE as error:
            self._damaged("Volume Accounting", error)
            return None
        return number if number is None or math.isfinite(number) else None

    def _profiles(self) -> tuple[str, ...]:
        place = f"{_STEADY}/Profile Names"
        dataset = self._dataset(place)
        if dataset is None:
            return ()
        try:
            return tuple(_as_text(name) or "" for name in np.ravel(dataset[()])[:100_000])
        except _DAMAGE as error:
            self._damaged(place, error)
            return ()

    def _water_surface(self, kind: FlowKind | None) -> DatasetFacts | None:
        if kind == "steady":
            return self._dataset_facts(f"{_STEADY}/Cross Sections/Water Surface")
        found = [facts for place in self._maxima() if (facts := self._dataset_facts(place)) is not None]
        return _together(found)

    def _maxima(self) -> Iterator[str]:
        summary = f"{_BASE}/Summary Output"
        areas = self._group(f"{summary}/{_AREAS}")
        for name in list(areas or ()):
            yield f"{summary}/{_AREAS}/{name}/Maximum Water Surface"
        yield f"{summary}/Cross Sections/Maximum Water Surface"

    # ---- numbers

    def _dataset_facts(self, place: str) -> DatasetFacts | None:
        dataset = self._dataset(place)
        if dataset is None or dataset.dtype.kind not in "iuf" or dataset.shape is None:
            return None
        try:
            sums = _Sums()
            for piece in _pieces(dataset, self._columns(place, dataset)):
                sums.add(piece)
            return sums.facts(dataset)
        except _DAMAGE as error:
            self._damaged(place, error)
            return None

    def _columns(self, place: str, dataset: h5py.Dataset) -> tuple[slice, ...]:
        """What of a dataset counts: of summary maxima row 0 (row 1 is a time), of 2D areas no ghost cells."""
        row = slice(0, 1) if "/Summary Output/" in place and len(dataset.shape) == 2 else slice(None)
        area = re.search(rf"/{_AREAS}/([^/]+)/[^/]*Water Surface$", place)
        if area is None or len(dataset.shape) != 2:
            return (row,)
        count = self._cell_count(area[1])
        return row, slice(0, count)

    def _cell_count(self, area: str) -> int | None:
        table = self._dataset(f"Geometry/{_AREAS}/Attributes")
        names = (table.dtype.names or ()) if table is not None else ()
        if table is None or "Cell Count" not in names or "Name" not in names:
            return None
        try:
            for row in table[()]:
                if _as_text(row["Name"]) == area:
                    return int(row["Cell Count"])
        except _DAMAGE as error:
            self._damaged(f"Geometry/{_AREAS}/Attributes", error)
        return None

    def _read_all(self) -> None:
        """Reads every dataset whole; what cannot be read is noted."""
        queue: list[tuple[str, h5py.Group]] = [("", self.file)]
        seen = 0
        while queue:
            place, group = queue.pop()
            try:
                names = list(group)
            except _DAMAGE as error:
                self._damaged(place or "/", error)
                continue
            for name in names:
                seen += 1
                if seen > _MOST_OBJECTS:
                    self.unreadable.append(f"more than {_MOST_OBJECTS} objects")
                    return
                inner = f"{place}/{name}"
                found = self._get(inner)
                if isinstance(found, h5py.Group):
                    queue.append((inner, found))
                elif isinstance(found, h5py.Dataset):
                    self._read_whole(inner, found)

    def _read_whole(self, place: str, dataset: h5py.Dataset) -> None:
        try:
            for _ in _pieces(dataset, ()):
                pass
        except _DAMAGE as error:
            self._damaged(place, error)


@dataclass(slots=True)
class _Sums:
    """Extremes and counts over pieces."""

    size: int = 0
    finite: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, piece: np.ndarray[Any, Any]) -> None:
        good = piece[np.isfinite(piece)]
        self.size += int(piece.size)
        self.finite += int(good.size)
        if good.size:
            self.minimum = min(self.minimum, float(good.min()))
            self.maximum = max(self.maximum, float(good.max()))

    def facts(self, dataset: h5py.Dataset) -> DatasetFacts:
        return DatasetFacts(
            shape=tuple(int(n) for n in dataset.shape),
            dtype=str(dataset.dtype),
            finite=self.finite,
            size=self.size,
            minimum=self.minimum if self.finite else None,
            maximum=self.maximum if self.finite else None,
        )


def _pieces(dataset: h5py.Dataset, where: tuple[slice, ...]) -> Iterator[np.ndarray[Any, Any]]:
    """The dataset in pieces along its first axis."""
    if dataset.shape is None:
        return
    if dataset.shape == ():
        yield np.asarray(dataset[()])
        return
    first = where[0] if where else slice(None)
    start, stop, _ = first.indices(dataset.shape[0])
    width = max(int(np.prod(dataset.shape[1:], dtype=np.float64)) * dataset.dtype.itemsize, 1)
    if width > 64 * _PIECE and dataset.chunks is None and not _has_room(dataset):
        raise ValueError(f"claims rows of {width} bytes")
    step = max(_PIECE // width, 1)
    for n in range(start, stop, step):
        yield np.asarray(dataset[(slice(n, min(n + step, stop)), *where[1:])])


def _has_room(dataset: h5py.Dataset) -> bool:
    """Whether the file is large enough for what the dataset claims: a damaged header may claim anything."""
    return bool(dataset.id.get_storage_size() <= dataset.file.id.get_filesize())


def _together(found: list[DatasetFacts]) -> DatasetFacts | None:
    if not found:
        return None
    low = [facts.minimum for facts in found if facts.minimum is not None]
    high = [facts.maximum for facts in found if facts.maximum is not None]
    return DatasetFacts(
        shape=found[0].shape if len(found) == 1 else (sum(facts.size for facts in found),),
        dtype=found[0].dtype,
        finite=sum(facts.finite for facts in found),
        size=sum(facts.size for facts in found),
        minimum=min(low, default=None),
        maximum=max(high, default=None),
    )


def _as_text(value: Any) -> str | None:
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else None
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").rstrip("\x00").strip()
    if isinstance(value, str):
        return value.rstrip("\x00").strip()
    return None


def _moment(text: str | None) -> datetime | None:
    """`03Jan1900 24:00:00`, `01JAN2020 08:00`; 24:00 is the next day's midnight."""
    found = re.fullmatch(
        r"(\d{2}[A-Za-z]{3}\d{4})[ ,]+(\d{2}):?(\d{2})(?::?(\d{2})(?:[.:]\d+)?)?", text or ""
    )
    if found is None:
        return None
    try:
        day = datetime.strptime(found[1].title(), "%d%b%Y")  # noqa: DTZ007  HEC-RAS's times have no zone
        return day + timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    except (ValueError, OverflowError):
        return None


def _window(text: str | None) -> tuple[datetime, datetime] | None:
    first, _, last = (text or "").partition(" to ")
    start, end = _moment(first.strip()), _moment(last.strip())
    return (start, end) if start and end else None


def _fields(facts: HdfFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in HdfFacts.__dataclass_fields__}


def _first_line(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:200]
