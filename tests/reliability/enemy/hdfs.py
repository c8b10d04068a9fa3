"""Result HDFs that a run may leave: sound files with objects changed, made by h5py itself, and files with bytes changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from rasreconcile.errors import ResultError
from rasreconcile.results.expectations import judge
from rasreconcile.results.reader_pool import Readers
from rasreconcile.spec import Expectations
from tests.reliability.enemy import values
from tests.reliability.enemy.trial import REPOSITORY, SILENCE, Attempt, Kind
from tests.results.conftest import make_unsteady

_LARGEST = 600_000
"""Bytes of a real result that is small enough to be changed ten thousand times."""


def _places(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visit(found.append)
    return found


def _attribute(chance: Random, file: h5py.File, place: str) -> None:
    attrs = file[place].attrs
    name = chance.choice([*attrs, "Solution", "File Version", "Error Percent"])
    with suppress(KeyError):
        del attrs[name]
    attrs[name] = chance.choice(ODD)(chance)


def _dataset(chance: Random, file: h5py.File, place: str) -> None:
    del file[place]
    options: dict[str, Any] = {}
    data = chance.choice(ODD)(chance)
    if isinstance(data, np.ndarray) and data.ndim and chance.random() < 0.5:
        options = chance.choice(
            ({"compression": "gzip"}, {"compression": "lzf"}, {"fletcher32": True}, {"shuffle": True})
        )
    file.create_dataset(place, data=data, **options)


def _hole(chance: Random, file: h5py.File, place: str) -> None:
    """Claims what it does not hold: never written, of any size."""
    del file[place]
    shape = chance.choice(
        [(1 << 40,), (1 << 20, 1 << 20), (1 << 62,), (0,), (3, 0), (10_000_000,), (20_000, 1000)]
    )
    with suppress(ValueError, OSError):
        file.create_dataset(
            place,
            shape=shape,
            dtype=chance.choice(["<f4", "<f8", "S100", "u1"]),
            chunks=chance.choice([None, True]),
        )


def _bomb(chance: Random, file: h5py.File, place: str) -> None:
    """Little on the disk, much in memory."""
    del file[place]
    zeros = np.zeros((chance.choice([10, 100]), 250_000), dtype="<f4")
    file.create_dataset(
        place, data=zeros, compression="gzip", chunks=chance.choice([(1, 250_000), (10, 250_000)])
    )


def _removed(_: Random, file: h5py.File, place: str) -> None:
    del file[place]


def _soft(chance: Random, file: h5py.File, place: str) -> None:
    del file[place]
    file[place] = chance.choice(
        [
            h5py.SoftLink("/"),
            h5py.SoftLink(place),
            h5py.SoftLink("/nowhere"),
            h5py.ExternalLink("secret.hdf", "/secret"),
            h5py.ExternalLink("/nowhere/x", "/"),
        ]
    )


def _circle(_: Random, file: h5py.File, place: str) -> None:
    del file[place]
    file[place] = file["/"]


def _elsewhere(chance: Random, file: h5py.File, place: str) -> None:
    """Its values are those of another file."""
    del file[place]
    if chance.random() < 0.5:
        size = chance.choice([100, 1 << 40])
        file.create_dataset(place, shape=(size,), dtype="u1", external=[("secret", 0, size)])
        return
    layout = h5py.VirtualLayout(shape=(100,), dtype="<f4")
    layout[:] = h5py.VirtualSource("secret.hdf", "secret", shape=(100,))
    file.create_virtual_dataset(place, layout)


def _group(chance: Random, file: h5py.File, place: str) -> None:
    del file[place]
    made = file.create_group(place, track_order=chance.random() < 0.5)
    for _ in range(chance.choice([0, 1, 200])):
        with suppress(ValueError):
            made.create_group(f"{chance.random()}{chance.choice(['', 'é', '字', ' '])}")


def _deep(chance: Random, file: h5py.File, place: str) -> None:
    del file[place]
    file.create_group(place + "/d" * chance.choice([10, 100, 400]))


def _dates(chance: Random, file: h5py.File, _: str) -> None:
    for name in ("Simulation Start Time", "Simulation End Time"):
        if "Plan Data/Plan Information" in file:
            file["Plan Data/Plan Information"].attrs[name] = np.bytes_(
                chance.choice(
                    [
                        b"99XYZ9999 99:99:99",
                        b"02Jan1900 24:00:00",
                        b"",
                        b"31Feb2024 00:00:00",
                        "²²Jan²²²² 00:00:00".encode(),
                    ]
                )
            )


def _text(chance: Random) -> bytes:
    return values.changed(chance, b"Unsteady Finished Successfully\r\nComplete Process\t4\r\n").replace(
        b"\0", b""
    )[: 8 << 20]


ODD: tuple[Callable[[Random], Any], ...] = (
    lambda chance: chance.choice([np.nan, np.inf, -1, 1 << 62, 0.0, True]),
    lambda chance: np.bytes_(_text(chance)[:60_000] or b"x"),
    lambda chance: np.array([_text(chance)[:1000] or b"x"] * chance.choice([0, 1, 3])),
    lambda chance: np.full(
        chance.choice([(), (0,), (3,), (2, 2), (1, 1, 1, 1)]),
        chance.choice([np.nan, np.inf, 1e38, 0]),
        dtype="<f4",
    ),
    lambda chance: np.zeros(
        chance.choice([1, 3]), dtype=[("Name", "S16"), ("Cell Count", chance.choice(["<i4", "<f8", "S4"]))]
    ),
    lambda chance: np.array([[-1, 1 << 30]] * chance.choice([1, 3]), dtype="<i4"),
    lambda _: np.zeros(4, dtype="c8"),
    lambda _: np.array([1, 2], dtype=">i2"),
    lambda _: h5py.Empty("<f4"),
    lambda _: np.arange(10, dtype="<f2"),
)
CHANGES: tuple[Callable[[Random, h5py.File, str], None], ...] = (
    _attribute,
    _attribute,
    _dataset,
    _dataset,
    _hole,
    _bomb,
    _removed,
    _soft,
    _circle,
    _elsewhere,
    _group,
    _deep,
    _dates,
)


def change_objects(chance: Random, path: Path) -> None:
    with h5py.File(path, "r+", locking=False) as file:
        for _ in range(chance.choice([1, 1, 2, 4])):
            places = _places(file)
            # Mostly what a verification asks for.
            asked = [place for place in places if "Geometry" not in place or chance.random() < 0.2] or places
            if not asked:
                return
            try:
                chance.choice(CHANGES)(chance, file, chance.choice(asked))
            except (KeyError, ValueError, TypeError, OSError, RuntimeError):
                # Not every change is possible everywhere: HDF5 itself refuses some.
                continue


def change_bytes(chance: Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    marks = [at for mark in (b"TREE", b"SNOD", b"HEAP", b"OHDR", b"GCOL") if (at := data.find(mark)) >= 0]
    for _ in range(chance.choice([1, 3, 20])):
        near = (
            chance.choice(marks) + chance.randrange(-8, 600)
            if marks and chance.random() < 0.7
            else chance.randrange(len(data))
        )
        data[min(max(near, 0), len(data) - 1)] = chance.choice(
            [0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)]
        )
    if chance.random() < 0.1:
        del data[chance.randrange(len(data)) :]
    path.write_bytes(data)


@contextmanager
def _results(folder: Path, change: Callable[[Random, Path], None]) -> Iterator[Attempt]:
    made = folder / "made.hdf"
    make_unsteady(made)
    data = REPOSITORY.parent / "shared" / "hecras-data"
    real = [path for path in sorted(data.glob("*/*.p0?.hdf")) if path.stat().st_size < _LARGEST]
    with h5py.File(folder / "secret.hdf", "w") as file:
        file["secret"] = np.full(100, 12345.0, dtype="<f4")
    (folder / "secret").write_bytes(b"9" * 200)
    changed = folder / "changed.hdf"
    readers = Readers(shortest_patience=SILENCE)

    def attempt(chance: Random) -> str:
        shutil.copyfile(chance.choice(real) if real and chance.random() < 0.1 else made, changed)
        change(chance, changed)
        try:
            facts = readers.read(
                changed,
                datasets=("/Results/Unsteady/Summary", "Maximum Water Surface"),
                thoroughness="every dataset",
            )
        except ResultError as error:
            assert error.trouble.remedy
            # The reader ended itself: nothing was believed, and the controller lives.
            return "crashed HDF5, in its own process" if "crashed" in str(error) else "refused"
        for one in facts.datasets.values():
            assert one is None or 12345.0 not in {one.minimum, one.maximum}, "read from another file"
        if facts.unreadable:
            return "partly unreadable"
        return "fell short" if judge(Expectations(), facts) else "accepted"

    try:
        yield attempt
    finally:
        readers.close()


def _of(change: Callable[[Random, Path], None]) -> Callable[[Path], Any]:
    return lambda folder: _results(folder, change)


HDFS: dict[str, Kind] = {
    "hdf-objects": Kind("a result HDF with objects changed", _of(change_objects), 12),
    "hdf-bytes": Kind("a result HDF with bytes changed", _of(change_bytes), 40),
}
