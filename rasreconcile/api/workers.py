"""Workers as a notebook names them, without a spec file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker of a spec: its name, its kind, and the fields that docs/spec.md lists for the kind."""

    name: str
    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    """What of its source is different here, or was left out; empty for one that was made by hand."""

    @property
    def value(self) -> dict[str, Any]:
        """As it stands in a spec."""
        return {"type": self.type, **self.fields}


def worker(type: str, name: str = "", **fields: Any) -> Worker:  # noqa: A002  as the spec calls it
    """A worker of this kind: `worker("local", cores_total=8, cores_per_plan=2)`. `name`: left out, that of the kind.

    Its fields are checked by `study`, which says what is wrong with them.
    """
    return Worker(name or type, type, fields)
