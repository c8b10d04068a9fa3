"""Further outputs: in their places before the result is, and nothing of an older result stays beside the new one."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path, PurePosixPath

from rasreconcile import held_files
from rasreconcile.errors import PublishHeld, ResultError
from rasreconcile.hashed_copy import digest_of_file
from rasreconcile.output_names import is_pattern, matches
from rasreconcile.records import FurtherOutput, Published
from rasreconcile.results import publish
from rasreconcile.results.aside import keep_as
from rasreconcile.results.receipts import SUFFIX


@dataclass(frozen=True, slots=True)
class Beside:
    """A further output that is proven. `temporary`: beside its place; None: it is in its place."""

    temporary: Path | None
    output: FurtherOutput


def put_beside(published: Published, found: Sequence[Beside], patterns: Iterable[str]) -> tuple[Path, ...]:
    """Puts what was found in its places, and takes away what the result there now has and the new one has not.

    Whatever rasreconcile did not publish there, or somebody changed since, is kept under another name: where. May be
    repeated. The result itself stays as it is. Raises PublishHeld where somebody holds a file.
    """
    folder = published.path.parent
    ours = _ours(published)
    kept: list[Path] = []
    for one in found:
        place = folder / one.output.name
        if one.temporary is None:
            continue
        if _is_another(place, {ours.get(one.output.name), one.output.digest}):
            kept.append(_keep(place, published))
        publish.replace(one.temporary, place)
    new = {one.output.name for one in found}
    for name in _old(folder, ours, patterns):
        place = folder / name
        if name in new or not place.is_file():
            continue
        if _is_another(place, {ours.get(name)}):
            kept.append(_keep(place, published))
        try:
            held_files.remove(place)
        except OSError as error:
            raise publish.held(place, error) from error
    return tuple(kept)


def changed(published: Published) -> str | None:
    """The first further output that is there, and is not what was published; None: there is none. Raises OSError."""
    for output in published.beside or ():
        place = published.path.parent / output.name
        if place.exists() and (place.is_symlink() or digest_of_file(place) != output.digest):
            return output.name
    return None


def remove_beside(published: Published, spared: Collection[str]) -> None:
    """What was published with a result that is to be removed. `spared`: real paths of what another plan publishes now.

    May be repeated. Raises PublishHeld where that is not possible now.
    """
    for output in published.beside or ():
        place = published.path.parent / output.name
        if os.path.normcase(os.path.realpath(place)) in spared:
            continue
        try:
            held_files.remove(place)
        except OSError as error:
            raise publish.held(place, error) from error
        for folder in place.parents:
            if folder == published.path.parent:
                break
            # One that is not empty is not only ours.
            with suppress(OSError):
                folder.rmdir()


def matching(folder: Path, pattern: str) -> Iterator[str]:
    """Names below `folder` of the files that a pattern of `outputs` means now, sorted. Raises PublishHeld."""
    parts = PurePosixPath(pattern).parts
    try:
        yield from sorted(_below(folder, "", parts))
    except OSError as error:
        raise PublishHeld(
            f"{folder} cannot be listed: {error.strerror or error}", "make it readable"
        ) from error


def _below(folder: Path, name: str, parts: tuple[str, ...]) -> Iterator[str]:
    first, *rest = parts
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith(".") or not matches(path.name.casefold(), first.casefold()):
            continue
        if rest:
            yield from _below(path, f"{name}{path.name}/", tuple(rest))
        elif path.is_file():
            yield f"{name}{path.name}"


def _old(folder: Path, ours: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """What an older result may have left: what is known to be ours, and whatever the patterns mean now."""
    there = (name for pattern in patterns if is_pattern(pattern) for name in matching(folder, pattern))
    # A result, and what is kept of older ones, is nothing that was left.
    found = (n for n in there if not _is_kept(n) and not publish.receipt_path(folder / n).exists())
    return list(dict.fromkeys((*ours, *(n for n in found if not n.endswith(SUFFIX)))))


def _ours(published: Published) -> dict[str, str]:
    """What was published with the result that is there now; of an adopted one nothing: nobody can compute it again."""
    try:
        receipt = publish.read_receipt(published.path)
    except ResultError:
        # What it says nobody can tell: then nothing that is there is known to be ours.
        return {}
    if receipt is None or receipt.address != published.address or receipt.provenance == "adopted":
        return {}
    return {output.name: output.digest for output in receipt.beside or ()}


def _is_another(place: Path, known: set[str | None]) -> bool:
    """Whether a file is there that is none of those with a known digest."""
    return place.is_file() and digest_of_file(place) not in known


_KEPT = ".kept-"


def _is_kept(name: str) -> bool:
    return _KEPT in name.rpartition("/")[2]


def _keep(place: Path, published: Published) -> Path:
    real = publish.place(place)
    for kept in _names(real, published.at.date()):
        if not kept.exists() or kept.samefile(real) or digest_of_file(kept) == digest_of_file(real):
            keep_as(real, kept, published.run)
            return kept
    raise AssertionError("too many files of this name exist")


def _names(real: Path, on: date) -> Iterator[Path]:
    """Those of earlier days first: the same file may have been kept then."""
    first = f"{real.name}{_KEPT}"
    yield from sorted(
        path
        for path in real.parent.iterdir()
        if path.name.startswith(first) and path.is_file() and path.samefile(real)
    )
    yield real.with_name(f"{first}{on.isoformat()}")
    yield from (real.with_name(f"{first}{on.isoformat()}-{number}") for number in count(2))
