"""The .pNN: which geometry, flow and further files a plan needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rasreconcile.errors import ProjectError
from rasreconcile.project.file_keys import PLAN
from rasreconcile.project.text import entries

_ENDINGS = {key: row.ending for key, row in PLAN.items() if row.ending}


@dataclass(frozen=True, slots=True)
class PlanText:
    """What a .pNN says about the other files it needs."""

    title: str
    short_id: str
    geometry: str | None
    """An extension: `g01`."""
    flow: str | None
    """`f01` steady, `u01` unsteady, `q01` quasi-unsteady."""
    others: tuple[str, ...]
    """Further extensions named: sediment, water quality."""
    output_dss: str | None = None
    """A path, or `dss` for the project's own: where the plan writes its series."""


def parse_plan(text: str, name: str) -> PlanText:
    """Raises ProjectError where a reference is no extension of a HEC-RAS file."""
    first: dict[str, str] = {}
    for entry in entries(text):
        if entry.value is None or entry.key in first:
            continue
        first[entry.key] = entry.value
        wanted = _ENDINGS.get(entry.key)
        if wanted and entry.value and not re.fullmatch(wanted, entry.value, re.IGNORECASE):
            raise ProjectError(
                f"{name}:{entry.line}: {entry.key}={entry.value[:80]}: not the ending of a HEC-RAS file",
                "open and save the plan in HEC-RAS",
            )

    def reference(*keys: str) -> str | None:
        return next((first[key].lower() for key in keys if first.get(key)), None)

    others = (reference("Sediment File"), reference("Water Quality File"))
    return PlanText(
        title=first.get("Plan Title", ""),
        short_id=first.get("Short Identifier", ""),
        geometry=reference("Geom File"),
        # One script-made plan in a hundred says `Unsteady File=` where HEC-RAS itself writes `Flow File=`.
        flow=reference("Flow File", "Unsteady File"),
        others=tuple(other for other in others if other),
        output_dss=first.get("DSS File") or None,
    )
