"""A study: a spec, what its plans read and what stands where their results go, looked at again and again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rasreconcile.clock import Clock
from rasreconcile.engines.registry import engine_for
from rasreconcile.plans import Plan
from rasreconcile.reconcile.observed import Assessed
from rasreconcile.records import Hashed, Mentions
from rasreconcile.resolve import Contents, Digests, Memory, resolve
from rasreconcile.results.associations import associations
from rasreconcile.specfile import LoadedSpec
from rasreconcile.studies.outputs import Outputs
from rasreconcile.studies.preparations import with_preparations
from rasreconcile.studies.store_view import StoreView

Proven = Literal["need no consent", "are judged too"]
"""Of plans with a result: whether an engine, or a worker, that would not compute them today blocks them."""


class Keeper(Protocol):
    """Who keeps what was read, so that the next look need not read it again: the store."""

    def remember_hashes(self, hashes: Iterable[Hashed]) -> None: ...
    def remember_mentions(self, mentions: Iterable[Mentions]) -> None: ...
    def remember_assessed(self, found: Iterable[Assessed]) -> None: ...


@dataclass(slots=True, kw_only=True)
class Study:
    """The one place that reads a spec's files. Open it once; `look` as often as files may have changed."""

    loaded: LoadedSpec
    view: StoreView
    digests: Digests
    contents: Contents
    outputs: Outputs
    """What stands where the results go; looked at by its own `look`."""
    plans: tuple[Plan, ...] = ()
    """As of the last look, preparations before the plans that they are made for."""
    _proven: frozenset[str] = frozenset()
    _memory: Memory = field(default_factory=Memory)

    @classmethod
    def open(cls, loaded: LoadedSpec, view: StoreView, clock: Clock) -> Study:
        """Reads nothing of the study yet. Raises StoreError."""
        digests, mentions = Digests(view.caches.hashes(), clock.wall_ns), view.caches.mentions()
        return cls(
            loaded=loaded,
            view=view,
            digests=digests,
            contents=Contents(mentions, clock.wall_ns, associations),
            outputs=Outputs(view, digests),
            _memory=Memory.of(mentions.values()),
            _proven=view.outputs.fingerprints(),
        )

    def look(self, proven: Proven = "need no consent") -> tuple[Plan, ...]:
        """The plans as they are now, with what is to be prepared for them. Raises SpecError."""
        known = self._proven if proven == "need no consent" else frozenset()
        found = resolve(
            self.loaded,
            self.digests,
            engine_for,
            contents=self.contents,
            proven=known,
            memory=self._memory,
        )
        self.plans = with_preparations(self.loaded, self.digests, found, proven=known).plans
        return self.plans

    def listed(self) -> tuple[Plan, ...]:
        """The plans that the spec lists, without preparations. Raises SpecError."""
        return tuple(plan for plan in self.look("are judged too") if not plan.prepares)

    def remember(self, keeper: Keeper) -> None:
        """Hands over what was read since the last call."""
        keeper.remember_hashes(self.digests.take_fresh())
        keeper.remember_mentions((*self.contents.take_fresh(), *self._memory.take_fresh()))
        keeper.remember_assessed(self.outputs.take_assessed())
