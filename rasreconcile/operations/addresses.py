"""The addresses of the plans of a spec, quickly: for who types or names one."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.plans import Address, is_preparation


def known_plans(spec: Path) -> list[tuple[Address, str]]:
    """Each with its sync where an apply has seen it. Raises SpecError, StoreError.

    From the store, which is quick; where there is none yet, from the projects themselves.
    """
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415  only while a shell asks
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    state = state_path(spec)
    if state.exists():
        with Reader(state) as reader:
            found = [(v.address, v.sync) for v in reader.verdicts.latest() if not is_preparation(v.address)]
        if found:
            return found
    from rasreconcile.resolve.resolution import addresses_of  # noqa: PLC0415  pydantic is slow to import
    from rasreconcile.specfile import load  # noqa: PLC0415

    return [(address, "") for address in addresses_of(load(spec))]
