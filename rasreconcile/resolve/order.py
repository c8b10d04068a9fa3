"""The plans of a spec, each after those it needs."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from rasreconcile.errors import Fault, Trouble
from rasreconcile.plans import Address
from rasreconcile.resolve.draft import Draft
from rasreconcile.resolve.misnamed import not_a_plan
from rasreconcile.resolve.projects import entry_fault
from rasreconcile.specfile import LoadedSpec


def in_order(
    loaded: LoadedSpec, drafts: Mapping[Address, Draft]
) -> tuple[tuple[Address, ...], tuple[Fault, ...]]:
    """Every plan after those it needs."""
    faults: list[Fault] = []
    graph: dict[Address, list[Address]] = {}
    for address, draft in drafts.items():
        for need in (need for need in draft.needs if need not in drafts):
            faults.append(
                entry_fault(
                    loaded,
                    draft.found.index,
                    not_a_plan(need, drafts),
                    key="needs",
                )
            )
        graph[address] = [need for need in draft.needs if need in drafts]
    try:
        return tuple(TopologicalSorter(graph).static_order()), tuple(dict.fromkeys(faults))
    except CycleError as error:
        circle = [Address(a) for a in error.args[1]]
        index = drafts[circle[0]].found.index
        read = [name for a in circle for _, name in drafts[a].closure.made if name]
        kind = "restart file" if all(name.endswith(".rst") for name in read) else "file"
        stop = f", or stop using one {kind} of {', '.join(dict.fromkeys(read))}" if read else ""
        trouble = Trouble(f"{' needs '.join(reversed(circle))}: a cycle", f"remove one `needs`{stop}")
        return (), (*dict.fromkeys(faults), entry_fault(loaded, index, trouble, key="needs"))
