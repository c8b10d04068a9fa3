"""Which files and folders matter to a spec, and waiting until one of them changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, watch

from rasreconcile.errors import RasReconcileError
from rasreconcile.plans import Plan
from rasreconcile.specfile import LoadedSpec

_RAISE = "if a limit is reached, raise fs.inotify.max_user_instances or max_user_watches with `sysctl`"


class CannotWatch(RasReconcileError):
    """The system does not tell of changes here now."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The folders to look at, and the files in them whose change means something."""

    folders: frozenset[Path]
    files: frozenset[Path]
    outputs: frozenset[Path]

    def matters(self, change: Change, path: str) -> bool:
        """Inputs and the spec always; outputs where they go away or were not made by us."""
        return Path(path) in self.files or Path(path) in self.outputs


def of_spec(path: Path) -> Watched:
    """The spec alone: all that is known where it has not been understood yet."""
    return Watched(frozenset({path.absolute().parent}), frozenset({path.absolute()}), frozenset())


def watched(loaded: LoadedSpec, plans: tuple[Plan, ...]) -> Watched:
    """Everything whose change can make a plan stale, that is there or could appear."""
    files = {loaded.path, *(i.source for plan in plans for i in plan.inputs)}
    files |= {plan.project for plan in plans}
    head = _git_head(loaded.folder)
    if head is not None:
        files.add(head)
    outputs = {plan.output for plan in plans}
    folders = {path.parent for path in files | outputs if path.parent.is_dir()}
    return Watched(frozenset(folders), frozenset(files), frozenset(outputs))


LOOK_ANYWAY = 60.0
"""Seconds after which everything is looked at even if nothing was told: network folders tell nothing, and a change
may fall between a look and the watch."""


def changes(
    seen: Watched, stop: threading.Event, *, longest: float = LOOK_ANYWAY, quiet_ms: int = 1000
) -> Iterator[frozenset[Path]]:
    """Each batch of changed files, once nothing has changed for `quiet_ms`; ends when `stop` is set.

    An empty batch when nothing was told for `longest` seconds. Raises KeyboardInterrupt where a signal's handler
    raises.
    """
    since = time.monotonic()
    for batch in watch(
        *seen.folders,
        # What does not matter is left out below: it must not keep this from looking anyway.
        watch_filter=None,
        debounce=quiet_ms * 10,
        step=quiet_ms,
        stop_event=stop,
        recursive=False,
        # A signal comes to this wait first, and what its handler raised would be lost.
        raise_interrupt=True,
        rust_timeout=int(longest * 1000),
        yield_on_timeout=True,
    ):
        told = frozenset(Path(path) for change, path in batch if seen.matters(change, path))
        if told or not batch or time.monotonic() - since >= longest:
            since = time.monotonic()
            yield told


def first_change(seen: Watched, stop: threading.Event, longest: float = LOOK_ANYWAY) -> frozenset[Path]:
    """The first batch of changes; empty where nothing was told for `longest` seconds, or `stop` was set.

    Raises CannotWatch where a folder went away, or this user watches as much as the kernel lets him.
    """
    try:
        return next(changes(seen, stop, longest=longest), frozenset())
    except FileNotFoundError as error:
        raise CannotWatch(f"cannot be watched: {error}", "put it back or correct the spec") from error
    except (OSError, RuntimeError) as error:
        # Watches are used up: an OSError of watchfiles; instances: a RuntimeError of its own.
        raise CannotWatch(f"cannot be watched: {error}", _RAISE) from error


def _git_head(folder: Path) -> Path | None:
    """`HEAD`'s log moves with every commit and checkout."""
    for place in (folder, *folder.parents):
        if (place / ".git" / "logs" / "HEAD").is_file():
            return place / ".git" / "logs" / "HEAD"
    return None
