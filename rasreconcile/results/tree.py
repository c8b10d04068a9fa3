"""An HDF file that may be damaged, as a tree to be asked. The home of h5py where files are read.

Files are read without locks (a reader's lock would make HEC-RAS's own open fail), never through links or storage
that lead out of the file, and never whole: large datasets are summed up in pieces.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from rasreconcile.errors import ResultError
from rasreconcile.facts import DatasetFacts
from rasreconcile.results.chunks import Sums, pieces

_LONGEST_TEXT = 64 << 20
_LONGEST_ATTRIBUTE = 1 << 20
_LARGEST_CHUNK = 512 << 20
_MOST_COMPRESSION = 1100
"""deflate shrinks by at most 1032: what claims to be larger than this allows is a damaged header."""
_MOST_OBJECTS = 4_000_000
_MOST_UNREADABLE = 100

# What h5py, numpy and HDF5 raise on damaged files.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)


@contextmanager
def opened(path: Path, *, remedy: str = "compute it again") -> Iterator[Tree]:
    """The file, to be asked. Raises ResultError where it is not there, cannot be read, or is no HDF5 file."""
    size = _size(path)
    try:
        # The rdcc cache is off: pieces are cut along chunks, each is read once.
        with h5py.File(path, "r", locking=False, rdcc_nbytes=0) as file:
            yield Tree(file, size, path.name)
    except PermissionError as error:
        raise ResultError(f"{path}: {error.strerror or 'not permitted'}", "make it readable") from error
    except _DAMAGE as error:
        raise ResultError(f"{path}: not a sound HDF5 file: {_one_line(error)}", remedy) from error


def _size(path: Path) -> int:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ResultError(f"{path}: no such file", "compute it again") from error
    except (OSError, ValueError) as error:
        raise ResultError(f"{path}: cannot be examined: {_one_line(error)}", "make it readable") from error
    if not stat.S_ISREG(found.st_mode):
        raise ResultError(f"{path}: is not a regular file", "move it and compute the plan again")
    return found.st_size


@dataclass(slots=True)
class Tree:
    """One open file. What is absent is None; what cannot be read is None and noted in `unreadable`."""

    file: h5py.File
    size: int
    name: str = ""
    """The file's, for messages."""
    unreadable: dict[str, None] = field(default_factory=dict)
    moved: Callable[[], None] = field(default_factory=lambda: _moved)
    """Called at each object and each piece that is read."""

    def is_group(self, place: str) -> bool:
        return isinstance(self._object(place), h5py.Group)

    def address(self, place: str) -> int | None:
        """Where the object is in the file, by whatever name; None where it cannot be told."""
        found = self._object(place)
        with _Noting(self, place):
            return None if found is None else int(h5py.h5o.get_info(found.id).addr)
        return None

    def names(self, place: str) -> tuple[str, ...]:
        """Of what is in a group; empty where there is no such group."""
        group = self._object(place)
        with _Noting(self, place):
            return tuple(group) if isinstance(group, h5py.Group) else ()
        return ()

    def attribute(self, place: str, name: str) -> Any:
        """The value as h5py gives it."""
        owner = self._object(place)
        with _Noting(self, f"{place}@{name}"):
            if owner is None or not h5py.h5a.exists(owner.id, name.encode()):
                return None
            attribute = owner.attrs.get_id(name)
            _refuse_overlap(attribute.dtype)
            if attribute.get_storage_size() > _LONGEST_ATTRIBUTE:
                raise ValueError(f"is longer than {_LONGEST_ATTRIBUTE >> 20} MiB")
            return owner.attrs[name]
        return None

    def attribute_names(self, place: str) -> tuple[str, ...]:
        """Of a group or dataset; empty where there is none."""
        owner = self._object(place)
        with _Noting(self, place):
            return tuple(owner.attrs) if isinstance(owner, h5py.HLObject) else ()
        return ()

    def text_attribute(self, place: str, name: str) -> str | None:
        return as_text(self.attribute(place, name))

    def number_attribute(self, place: str, name: str) -> float | None:
        value = self.attribute(place, name)
        with _Noting(self, f"{place}@{name}"):
            return None if value is None else float(np.ravel(value)[0])
        return None

    def shape(self, place: str) -> tuple[int, ...] | None:
        """Of a dataset; None for what has none."""
        dataset = self._dataset(place)
        return None if dataset is None or dataset.shape is None else tuple(int(n) for n in dataset.shape)

    def table(self, place: str) -> np.ndarray[Any, Any] | None:
        """A small dataset as it is."""
        return self._small(place, lambda dataset: dataset[()])

    def texts(self, place: str, *, of: str | None = None) -> tuple[str, ...] | None:
        """A dataset of texts, or the column `of` of a table."""
        values = self._small(place, lambda dataset: _column(dataset, of))
        return None if values is None else tuple(as_text(value) or "" for value in values.ravel())

    def last_text(self, place: str) -> str | None:
        values = self._small(place, lambda dataset: dataset[-1:] if dataset.shape else dataset[()])
        return as_text(values)

    def sums(self, place: str, within: Sequence[slice] = ()) -> DatasetFacts | None:
        """A dataset of numbers, summed up over the part `within`; None for what holds no numbers."""
        dataset = self._dataset(place)
        if dataset is None:
            return None
        with _Noting(self, place):
            if dataset.dtype.kind not in "iuf" or dataset.shape is None:
                return None
            found = Sums()
            for piece in self._pieces(dataset, within):
                found.add(piece)
            return DatasetFacts(
                shape=tuple(int(n) for n in dataset.shape),
                dtype=str(dataset.dtype),
                finite=found.finite,
                size=found.size,
                minimum=found.minimum,
                maximum=found.maximum,
            )
        return None

    def part(self, place: str, within: tuple[slice, ...]) -> np.ndarray[Any, Any] | None:
        """The part `within` of a dataset of numbers."""
        dataset = self._dataset(place)
        with _Noting(self, place):
            if dataset is not None and dataset.dtype.kind in "iuf" and dataset.shape is not None:
                return np.asarray(dataset[_from_the_start(within, dataset.shape)])
        return None

    def cut(
        self, place: str, within: Sequence[slice]
    ) -> Iterator[tuple[tuple[slice, ...], np.ndarray[Any, Any]]]:
        """The part `within` of a dataset of numbers in pieces, each with where it lies."""
        dataset = self._dataset(place)
        if dataset is None or dataset.shape is None or dataset.dtype.kind not in "iuf":
            return
        cuts = pieces(dataset.shape, dataset.dtype.itemsize, chunks=dataset.chunks, within=within)
        for where in cuts:
            piece = self.part(place, where)
            if piece is not None:
                yield where, piece

    def note(self, place: str, why: str) -> None:
        if len(self.unreadable) < _MOST_UNREADABLE:
            self.unreadable[f"{place or '/'}: {why}"] = None

    def read_everything(self) -> None:
        """Reads each object whole, once, however many links lead to it."""
        # Iterators, and not all names of all groups: a group may hold a million.
        waiting: list[Iterator[str]] = [iter(("",))]
        seen = set()
        while waiting:
            place = next(waiting[-1], None)
            if place is None:
                waiting.pop()
                continue
            found = self._object(place)
            with _Noting(self, place):
                address = None if found is None else int(h5py.h5o.get_info(found.id).addr)
                if address is None or address in seen:
                    continue
                seen.add(address)
                if len(seen) > _MOST_OBJECTS:
                    raise ValueError(f"more than {_MOST_OBJECTS} objects in the file")
                self._read_whole(place, found)
                if isinstance(found, h5py.Group):
                    waiting.append(map(f"{place}/{{}}".format, self.names(place)))

    # ---- one object

    def _object(self, place: str) -> Any:
        """By hard links only: a soft or external link may lead out of the file."""
        found: Any = self.file
        self.moved()
        with _Noting(self, place):
            for part in filter(None, place.split("/")):
                name = part.encode("utf-8", "surrogateescape")
                if not isinstance(found, h5py.Group) or not found.id.links.exists(name):
                    return None
                if found.id.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                    return None
                found = found[part]
            return found
        return None

    def _dataset(self, place: str) -> h5py.Dataset | None:
        found = self._object(place)
        with _Noting(self, place):
            if isinstance(found, h5py.Dataset):
                self._refuse_absurd(found)
                return found
        return None

    def _refuse_absurd(self, dataset: h5py.Dataset) -> None:
        """A damaged header may claim any size, and HDF5 would try to serve it."""
        _refuse_overlap(dataset.dtype)
        if dataset.external or dataset.is_virtual:
            raise ValueError("its values are kept in another file")
        if (
            dataset.chunks
            and int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize > _LARGEST_CHUNK
        ):
            raise ValueError("its chunks are larger than any that HEC-RAS writes")
        claimed = int(np.prod(dataset.shape or (), dtype=object)) * dataset.dtype.itemsize
        if claimed > self.size * _MOST_COMPRESSION:
            raise ValueError(f"claims {claimed} bytes in a file of {self.size}")

    def _small(self, place: str, values: Callable[[h5py.Dataset], Any]) -> np.ndarray[Any, Any] | None:
        dataset = self._dataset(place)
        with _Noting(self, place):
            if dataset is None or dataset.shape is None:
                return None
            if dataset.size * dataset.dtype.itemsize > _LONGEST_TEXT:
                raise ValueError(f"is longer than {_LONGEST_TEXT >> 20} MiB")
            found = values(dataset)
            return None if found is None else np.asarray(found)
        return None

    def _pieces(self, dataset: h5py.Dataset, within: Sequence[slice] = ()) -> Any:
        for piece in pieces(dataset.shape, dataset.dtype.itemsize, chunks=dataset.chunks, within=within):
            yield np.asarray(dataset[piece])
            self.moved()

    def _read_whole(self, place: str, found: Any) -> None:
        for name in tuple(found.attrs) if isinstance(found, h5py.HLObject) else ():
            self.attribute(place, name)
        dataset = self._dataset(place)
        if dataset is not None and dataset.shape is not None:
            for _ in self._pieces(dataset):
                pass


def _moved() -> None:
    """Replaced by `tell_progress`."""


def tell_progress(moved: Callable[[], None]) -> None:
    """In this process `moved` is called at each object and each piece that is read, of whichever file."""
    global _moved  # noqa: PLW0603  one process reads one file at a time, through many functions
    _moved = moved


def _from_the_start(within: tuple[slice, ...], shape: Sequence[int]) -> tuple[slice, ...]:
    """h5py takes no slices that count from the end of an axis."""
    return tuple(slice(*part.indices(n)[:2]) for part, n in zip(within, shape, strict=True))


class _Noting:
    """What cannot be read inside the block is noted, and the block left."""

    def __init__(self, tree: Tree, place: str) -> None:
        self._tree, self._place = tree, place

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, _DAMAGE):
            return False
        self._tree.note(self._place, _one_line(error))
        return True


def _refuse_overlap(dtype: np.dtype[Any]) -> None:
    """A table whose damaged columns lie over each other makes HDF5 write past the end of its memory."""
    columns = sorted((dtype.fields or {}).values(), key=lambda column: column[1])
    end = 0
    for column, offset, *_ in columns:
        if offset < end or offset + column.itemsize > dtype.itemsize:
            raise ValueError("columns of its table overlap")
        end = offset + column.itemsize
        _refuse_overlap(column.base)


def _column(dataset: h5py.Dataset, name: str | None) -> Any:
    if name is None:
        return dataset[()]
    return dataset[name] if name in (dataset.dtype.names or ()) else None


def as_text(value: Any) -> str | None:
    """Of what h5py gives for a text, which is bytes in one file and str in another, alone or in an array."""
    if isinstance(value, np.ndarray):
        return "\n".join(as_text(one) or "" for one in value.ravel()) if value.size else None
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("cp1252", errors="replace")
    return value.rstrip("\x00").strip() if isinstance(value, str) else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
