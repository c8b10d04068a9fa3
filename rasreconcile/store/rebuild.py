"""Rebuilding: a new store, made aside and put in the place of one that is lost or damaged, which is kept."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

from rasreconcile import held_files
from rasreconcile.errors import StoreError, UsageError
from rasreconcile.records import Published
from rasreconcile.store.database import refuse_bad_place
from rasreconcile.store.disk import COMPANIONS, refused
from rasreconcile.store.lock import lock_path, take_lock
from rasreconcile.store.reader import Reader
from rasreconcile.store.store import Store
from rasreconcile.store.survey import survey

Even = Literal["lost or damaged", "sound", "with live runs"]
"""Which store may be given up: one that cannot be read; one that is sound; one that is, and has live runs."""


def rebuild(path: Path, proven: Iterable[Published], *, now: datetime, even: Even) -> Path | None:
    """A store at `path` that knows `proven`; where the old one is kept, if there was one.

    Raises StoreBusy while a controller works, and where that was not said StoreError for live runs that would be
    forgotten, UsageError for a sound store. A death at any moment leaves the old store, or none; the next call
    completes it.
    """
    refuse_bad_place(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(path.parent, error) from error
    held = take_lock(path)
    try:
        if even != "with live runs":
            _refuse_live_runs(path)
        if even == "lost or damaged" and _is_sound(path):
            raise UsageError(
                f"{path}: the store is sound, and rebuilding it loses history, logs and old texts",
                "--yes rebuilds it anyway, and keeps the old one",
            )
        aside = path.with_name(f".{path.name}.rebuilding")
        _remove(aside)
        try:
            with Store.open(aside, now=now) as store, store.at_once():
                for published in proven:
                    why = "recalled from the receipt beside it by `state rebuild`"
                    store.outputs.record(published, "recalled", now=now, why=why)
            kept = _set_aside(path, now)
            held_files.replace(aside, path)
        finally:
            _remove(aside)
        return kept
    finally:
        held.release()


def _is_sound(path: Path) -> bool:
    try:
        return not survey(path).faults
    except StoreError:
        # Lost or damaged: that is what this is for.
        return False


def _refuse_live_runs(path: Path) -> None:
    try:
        with Reader(path) as reader:
            live = reader.runs.live()
    except StoreError:
        # Lost or damaged: that is what this is for.
        return
    if live:
        live_runs = "1 run is" if len(live) == 1 else f"{len(live)} runs are"
        raise StoreError(
            f"{path}: the store is readable and {live_runs} live in it",
            "`apply` collects them first, or --give-up-runs forgets them and computes their plans again",
        )


def _set_aside(path: Path, now: datetime) -> Path | None:
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S}.old")
    # The journal first: an old journal beside a new database would be played back into it.
    for companion in COMPANIONS:
        with suppress(FileNotFoundError):
            held_files.replace(Path(f"{path}{companion}"), Path(f"{kept}{companion}"))
    held_files.replace(path, kept)
    return kept


def _remove(aside: Path) -> None:
    for name in (str(aside), *(f"{aside}{companion}" for companion in COMPANIONS), str(lock_path(aside))):
        held_files.remove(Path(name))
