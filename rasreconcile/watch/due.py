"""When a watch has something to do: a file changed, or a look finds work that no file tells of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from rasreconcile.errors import Trouble
from rasreconcile.watch import file_events
from rasreconcile.watch.file_events import CannotWatch, Watched
from rasreconcile.watch.stamps import Stamps, stamps_of

Found = Literal["work", "nothing to do", "cannot tell"]
LOOK_WHOLLY = 600.0
"""Seconds after which all is looked at although no stat tells of a change: a plan's wait is over, a pattern of the
spec matches more."""


class Source(Protocol):
    """Where the files of a study come from."""

    @property
    def every(self) -> float:
        """Seconds after which it wants to be asked again at the latest."""

    def moved(self) -> bool:
        """Whether it has other files than were taken."""

    def take(self) -> None:
        """The files become what they are there. Raises RasReconcileError where they cannot."""


class _Nowhere:
    """A person writes them."""

    every = file_events.LOOK_ANYWAY

    def moved(self) -> bool:
        return False

    def take(self) -> None:
        """They are there."""


NOWHERE: Source = _Nowhere()


@dataclass(slots=True, kw_only=True)
class Due:
    """For one watch, from one wait to the next."""

    stop: threading.Event
    look: Callable[[], Found]
    """A whole look at everything: seconds, for thousands of plans."""
    say: Callable[[str], None]
    source: Source = NOWHERE
    idle: Callable[[], None] = lambda: None
    """A small part of what may be done while there is nothing to do."""
    _said: set[Trouble] = field(default_factory=set)

    def wait(self, seen: Watched, store: Path | None) -> frozenset[Path]:
        """The files that changed; none where the source moved, a look has found work, or `stop` is set."""
        known: Stamps | None = None
        looked = 0.0
        while not self.stop.is_set():
            changed = self._first_change(seen)
            if changed or self.stop.is_set() or self.source.moved():
                return changed
            now = stamps_of(seen, store)
            if now == known and time.monotonic() - looked < LOOK_WHOLLY:
                self.idle()
                continue
            match self.look():
                case "work":
                    break
                case "nothing to do":
                    known, looked = now, time.monotonic()
                case "cannot tell":
                    known = None
        return frozenset()

    def _first_change(self, seen: Watched) -> frozenset[Path]:
        """Where changes cannot be told all is looked at now and then; said once for each reason."""
        try:
            return file_events.first_change(seen, self.stop, self._longest)
        except CannotWatch as error:
            if error.trouble not in self._said:
                self._said.add(error.trouble)
                self.say(f"{error}; until then looking every {file_events.LOOK_ANYWAY:.0f} s")
            self.stop.wait(self._longest)
            return frozenset()

    @property
    def _longest(self) -> float:
        return min(file_events.LOOK_ANYWAY, self.source.every)
