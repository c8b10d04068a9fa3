"""Requests of people: written into the store by any process, carried out by the controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rasreconcile.errors import RasReconcileError, StoreBusy
from rasreconcile.jobs import Absent, Ended, Vanished
from rasreconcile.plans import Address, Plan
from rasreconcile.records import Published, RequestKind
from rasreconcile.results import aside, publish
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store import Store, file_request
from rasreconcile.store.reader import Reader


def file_requests(
    state: Path, kind: RequestKind, addresses: Sequence[Address], *, by: str, now: datetime
) -> bool:
    """Writes them down; whether a controller is at work that takes them up."""
    if not state.exists():
        Store.open(state, now=now).close()
    for address in addresses:
        file_request(state, kind, address, by=by, now=now)
    with Reader(state) as reader:
        return reader.controller() is not None


def set_aside_adopted(
    plans: Iterable[Plan], published: Mapping[Address, Published], *, now: datetime
) -> Mapping[Address, Path]:
    """Where the adopted results of these plans are kept from now on, whatever is computed in their place.

    Each stays in its place too, until a better one is proven. Raises PublishHeld where one cannot be kept: then no
    request may be filed.
    """
    kept: dict[Address, Path] = {}
    for plan in plans:
        known = published.get(plan.address)
        if known is None or known.provenance != "adopted":
            continue
        if not publish.receipt_path(plan.output).exists() and plan.output.exists():
            publish.write_receipt(replace(known, path=plan.output, spec=plan.spec))
        place = aside.set_aside(plan.output, now.date())
        if place is not None:
            kept[plan.address] = place
    return kept


def cancel_here(loaded: LoadedSpec, addresses: Sequence[Address], now: datetime) -> dict[Address, str]:
    """Ends the live runs of these plans from this process, where no controller does it. What came of each.

    The runs stay live in the store until the next apply has seen their end.
    """
    said: dict[Address, str] = {}
    try:
        with Store.open(loaded.state_path, now=now) as store:
            for run in (run for run in store.runs.live() if run.address in addresses):
                if run.worker not in loaded.spec.workers:
                    said[run.address] = f"runs on {run.worker}, which is not in the spec; put it back first"
                    continue
                worker = loaded.open_worker(run.worker)
                try:
                    worker.cancel(run.id)
                    over = isinstance(worker.poll([run.id])[run.id], Ended | Absent | Vanished)
                    said[run.address] = f"run {run.id} {'has ended' if over else 'is ending'}"
                except RasReconcileError as error:
                    said[run.address] = f"{error}; the next `apply` tries again"
                finally:
                    worker.close()
    except StoreBusy:
        # A controller began meanwhile: it takes the requests up.
        return said
    return said
