"""Plans that a spec names twice, or that it needs and does not have."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address
from rasreconcile.resolve.draft import Draft
from rasreconcile.resolve.projects import FoundProject
from rasreconcile.resolve.shown import shown
from rasreconcile.specfile import LoadedSpec
from rasreconcile.specfile.faults import near

_NAMED = 3


def named_twice(loaded: LoadedSpec, first: Sequence[Draft], again: FoundProject) -> Trouble:
    """Of an entry some of whose plans are those of earlier entries: `first`, at least one."""
    plans = _several([draft.address for draft in first])
    entries = ", ".join(dict.fromkeys(f"plans[{draft.found.index}]" for draft in first))
    if all(draft.found.path == again.path for draft in first):
        if len(first) == 1:
            return Trouble(f"{plans} is in {entries} already", "name it once")
        return Trouble(f"{plans} are in {entries} already", "name each once")
    project, remedy = shown(first[0].found.path, loaded.folder), "give one of the entries a `name` of its own"
    if len(first) == 1:
        return Trouble(f"{plans} means {project} in {entries} already", remedy)
    return Trouble(f"{plans} mean {project} in {entries} already", remedy)


def not_a_plan(need: Address, plans: Collection[Address]) -> Trouble:
    """What `needs` names and the spec does not have."""
    meant = near(need, sorted(plans))
    remedy = f"did you mean {meant}?" if meant else f"it has {_several(sorted(plans))}"
    return Trouble(f"{need} is not a plan of this spec", remedy)


def _several(plans: Sequence[Address]) -> str:
    more = f" and {len(plans) - _NAMED} more" if len(plans) > _NAMED else ""
    return ", ".join(plans[:_NAMED]) + more
