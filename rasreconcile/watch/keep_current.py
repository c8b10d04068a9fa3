"""Keeping a study current: it is applied, and again whenever something that matters changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Exit, Outcome
from rasreconcile.errors import RasReconcileError, SpecError, StoreBusy
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.diff import diff, plans_of
from rasreconcile.operations.reread import published_of, reread
from rasreconcile.records import Published
from rasreconcile.report.changeset import has_work
from rasreconcile.specfile import LoadedSpec
from rasreconcile.watch.due import NOWHERE, Due, Found, Source
from rasreconcile.watch.file_events import Watched, of_spec, watched


@dataclass(slots=True, kw_only=True)
class Watch:
    """Of one spec. `run` ends when `stop` is set, or an apply is interrupted."""

    spec: Path
    load: Callable[[Path], LoadedSpec]
    named: NamedPlans
    apply: Callable[[LoadedSpec], Outcome]
    applied: Callable[[LoadedSpec, Outcome, int], None]
    """Told what came of each apply, and how many files are watched from now on."""
    say: Callable[[str], None]
    """What keeps it from applying, or from seeing a change."""
    changed: Callable[[str], None]
    """Told, in words, which files are the reason for another apply."""
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered while it waits."""
    reads: bool = False
    """While idle, read published results again."""
    stop: threading.Event = field(default_factory=threading.Event)
    source: Source = NOWHERE
    """Where the files come from, where that is not a person."""
    _to_read: list[Published] = field(default_factory=list)

    def run(self) -> None:
        """Raises StoreBusy where another controller is at work."""
        due = Due(stop=self.stop, look=self._look, say=self.say, source=self.source)
        if self.reads:
            due.idle = self.read_one
        seen, store = of_spec(self.spec), None
        while not self.stop.is_set():
            loaded = None
            try:
                self.source.take()
                loaded = self.load(self.spec)
                store = loaded.state_path
                outcome = self.apply(loaded)
                if outcome.exit is Exit.INTERRUPTED:
                    return
                seen = watched(loaded, diff(loaded, Clock(), self.named).plans)
                self.applied(loaded, outcome, len(seen.files))
            except (StoreBusy, BrokenPipeError):
                raise
            except SpecError as error:
                self.say(f"{error}\nwaiting until the spec is fixed")
            except (RasReconcileError, OSError) as error:
                # A disk or a share that is away for an hour must not end a watch of weeks.
                self.say(f"{error}\nwaiting for a change")
                if loaded is not None and seen == of_spec(self.spec):
                    seen = _without_store(loaded) or seen
            with self.waiting():
                changed = due.wait(seen, store)
            if changed:
                self.changed("changed: " + ", ".join(sorted(path.name for path in changed)))

    def read_one(self) -> None:
        """Reads one published result again; when each had its turn, all of them again."""
        try:
            self._to_read = self._to_read or list(published_of(self.load(self.spec)))
        except (RasReconcileError, OSError):
            # It is said where it matters: when it is applied.
            return
        for one in reread(self._to_read[:1]):
            if one.trouble is not None:
                self.say(f"{one.published.address}: {one.trouble}")
        del self._to_read[:1]

    def _look(self) -> Found:
        """Whether there is something to do that no change of a file has told of."""
        try:
            found = diff(self.load(self.spec), Clock(), self.named)
            return "work" if has_work(found.decision) else "nothing to do"
        except (RasReconcileError, OSError):
            # What is wrong with it has been said; a change of the file is waited for.
            return "cannot tell"


def _without_store(loaded: LoadedSpec) -> Watched | None:
    """What would be watched, where the store cannot say what is remembered; None where that cannot be told either."""
    try:
        return watched(loaded, plans_of(loaded))
    except (RasReconcileError, OSError):
        return None
