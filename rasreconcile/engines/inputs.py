"""What of a plan's inputs goes into the run directory."""

from __future__ import annotations

from rasreconcile.jobs import Staged
from rasreconcile.plans import MISSING, Plan


def staged(plan: Plan) -> tuple[Staged, ...]:
    """Every input that is there. HEC-RAS's own files become copies, which a run may rewrite; data may be linked."""
    return tuple(
        Staged(
            source=file.source,
            name=file.name,
            digest=file.raw,
            size=file.size,
            writable="read only" if file.kind == "extra" else "own copy",
        )
        for file in plan.inputs
        if file.raw != MISSING
    )
