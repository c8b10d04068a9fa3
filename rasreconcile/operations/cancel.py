"""`cancel`: ending the running runs of plans, by the controller that follows them, else from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rasreconcile.clock import Clock
from rasreconcile.errors import RasReconcileError, StoreBusy, UsageError
from rasreconcile.jobs import Absent, Ended, Vanished
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.requests import file_requests
from rasreconcile.plans import Address
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store import Store
from rasreconcile.store.reader import Reader


def cancel(loaded: LoadedSpec, named: NamedPlans, *, by: str) -> Mapping[Address, str]:
    """What became of each plan with a live run; nothing, where none of them runs.

    The plans stay held until `retry`, or until an input changes. Raises UsageError where plans are named that do not
    run, StoreError.
    """
    with Reader(loaded.state_path) as reader:
        live = [run.address for run in reader.runs.live()]
    if named.words and not live:
        raise UsageError(f"{named.words[0]}: nothing is running")
    wanted = tuple(dict.fromkeys(named.pick(live) if live else ()))
    now = Clock().now()
    said: Mapping[Address, str] = {}
    if wanted and not file_requests(loaded.state_path, "cancel", wanted, by=by, now=now):
        said = _cancel_here(loaded, wanted, now)
    return {address: said.get(address, "the running controller ends it") for address in wanted}


def _cancel_here(loaded: LoadedSpec, addresses: Sequence[Address], now: datetime) -> dict[Address, str]:
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
