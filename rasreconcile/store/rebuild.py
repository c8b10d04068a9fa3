"""Rebuilding: a new store, made aside and put in the place of one that is lost or damaged, which is kept."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rasreconcile.errors import StoreError
from rasreconcile.records import Published
from rasreconcile.store.database import refuse_bad_place
from rasreconcile.store.holding import take_lock
from rasreconcile.store.lock import lock_path
from rasreconcile.store.reader import Reader
from rasreconcile.store.store import Store

COMPANIONS = ("-journal", "-wal", "-shm")
"""Files that belong to a database and to no other: they move with it."""


def rebuild(path: Path, proven: Iterable[Published], *, now: datetime, give_up: bool) -> Path | None:
    """A store at `path` that knows `proven`; where the old one is kept, if there was one.

    Raises StoreBusy while a controller works, and StoreError where runs are live that would be forgotten, unless
    they are to be given up. A death at any moment leaves the old store, or none, which the next call puts right.
    """
    refuse_bad_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = take_lock(path)
    try:
        if not give_up:
            _refuse_live_runs(path)
        aside = path.with_name(f".{path.name}.rebuilding")
        _remove(aside)
        try:
            with Store.open(aside, now=now) as store, store.at_once():
                for published in proven:
                    why = "recalled from the receipt beside it by `state rebuild`"
                    store.record_output(published, now=now, why=why)
            kept = _set_aside(path, now)
            aside.replace(path)
        finally:
            _remove(aside)
        return kept
    finally:
        held.release()


def _refuse_live_runs(path: Path) -> None:
    try:
        with Reader(path) as reader:
            live = reader.live_runs()
    except StoreError:
        # Lost or damaged: that is what this is for.
        return
    if live:
        raise StoreError(
            f"{path}: the store is readable and {len(live)} runs are live in it; `apply` collects them first,"
            " or --give-up-runs forgets them and computes their plans again"
        )


def _set_aside(path: Path, now: datetime) -> Path | None:
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S}.old")
    # The journal first: an old journal beside a new database would be played back into it.
    for companion in COMPANIONS:
        with suppress(FileNotFoundError):
            Path(f"{path}{companion}").replace(f"{kept}{companion}")
    path.replace(kept)
    return kept


def _remove(aside: Path) -> None:
    for name in (str(aside), *(f"{aside}{companion}" for companion in COMPANIONS), str(lock_path(aside))):
        Path(name).unlink(missing_ok=True)
