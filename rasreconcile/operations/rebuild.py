"""Which results can be proven without the store: those whose receipt matches the file beside it."""

from __future__ import annotations

from dataclasses import dataclass

from rasreconcile.clock import Clock
from rasreconcile.errors import ResultError
from rasreconcile.hashed_copy import digest_of_file
from rasreconcile.plans import Address, Plan
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store.reader import empty_store
from rasreconcile.studies.owners import Owners
from rasreconcile.studies.study import Study


@dataclass(frozen=True, slots=True)
class Proofs:
    """What the receipts beside the outputs of a spec prove, and what they do not, with the reason."""

    proven: tuple[Published, ...]
    unproven: dict[Address, str]
    """Plans with a result that no receipt vouches for; plans without a result are not named."""


def proofs(loaded: LoadedSpec, clock: Clock) -> Proofs:
    """Reads every output that has a receipt. Raises SpecError."""
    proven: list[Published] = []
    unproven: dict[Address, str] = {}
    owners = Owners()
    with empty_store(loaded.state_path) as view:
        plans = Study.open(loaded, view, clock).listed()
    for plan in plans:
        found = _proof(plan, owners)
        if isinstance(found, Published):
            proven.append(found)
        elif found is not None:
            unproven[plan.address] = found
    return Proofs(tuple(proven), unproven)


def _proof(plan: Plan, owners: Owners) -> Published | str | None:
    if not plan.output.exists():
        return None
    try:
        receipt = publish.read_receipt(plan.output)
        if receipt is None:
            return f"{plan.output.name} has no receipt"
        if receipt.address != plan.address:
            return f"its receipt is for {receipt.address}"
        if other := owners.other(plan.address, plan.output, plan.spec):
            return str(other.trouble)
        if digest_of_file(plan.output) != receipt.digest:
            return f"{plan.output.name} is not the file its receipt is for"
    except (ResultError, OSError) as error:
        return str(error)
    return receipt
