"""A watch from a notebook or a script."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from rasreconcile.api.apply import Applied, Applying, OnEvent, applied
from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Outcome
from rasreconcile.named_plans import NamedPlans
from rasreconcile.records import Event
from rasreconcile.specfile import LoadedSpec, load
from rasreconcile.watch.keep_current import Watch


def watching(
    loaded: LoadedSpec,
    named: NamedPlans,
    on_event: OnEvent | None,
    on_applied: Callable[[Applied], None] | None,
    stop: threading.Event,
    *,
    reads: bool,
) -> Watch:
    """Not begun. A study that was made without a spec file keeps the spec that it has."""
    clock, written = Clock(), loaded.path.exists()

    def tell(message: str) -> None:
        if on_event is not None:
            on_event(Event(at=clock.now(), kind="watch", address=None, run=None, message=message))

    def ended(loaded: LoadedSpec, outcome: Outcome, _: int) -> None:
        if on_applied is not None:
            on_applied(applied(loaded.name, outcome))

    def latest(spec: Path) -> LoadedSpec:
        return load(spec) if written else loaded

    def apply(loaded: LoadedSpec) -> Outcome:
        return Applying(loaded, "converge", on_event, named, stop).outcome()

    return Watch(
        spec=loaded.path,
        load=latest,
        named=named,
        apply=apply,
        applied=ended,
        say=tell,
        changed=tell,
        reads=reads,
        stop=stop,
    )
