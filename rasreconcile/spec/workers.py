"""What every kind of worker has in a spec. Each kind adds fields of its own: see `workers/kinds.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from rasreconcile.errors import Wrong
from rasreconcile.spec.base import NAME, Minutes, SpecModel, Words

Cores = Annotated[int, Field(ge=1, le=100_000)]


class WorkerBase(SpecModel):
    """What every kind of worker has."""

    type: str
    """Which kind it is."""
    worker_folder: Words = "~/.rasreconcile/runs"
    """Where run directories and the cache of inputs live, in the worker's own spelling."""
    ras_exe_path: Words | None = None
    """Folder of RasUnsteady, or Ras.exe (on Linux through Wine); the usual places are searched where it is left out."""
    cores_total: Cores = 1
    """Cores that runs may use altogether."""
    cores_per_plan: Cores = 1
    """Cores each run gets, unless its plan asks for more."""
    max_parallel_plans: Annotated[int, Field(ge=1)] | None = None
    """Fewer runs at once than cores_total / cores_per_plan would allow: for lack of memory or licences."""
    queue_priority: Annotated[int, Field(ge=0, le=9)] = 0
    """0 to 9; lower is used first."""
    process_priority: Literal["low", "below normal", "normal"] = "normal"
    """Priority of the runs in the operating system."""
    max_runtime_minutes: Minutes | None = None
    """Longest time a run may take here; a plan's own limit wins where it is shorter."""

    price_per_core_hour: Annotated[float, Field(ge=0, le=1_000_000, strict=False)] | None = None
    """What a core costs for an hour, in any money; left out: nothing is said of costs."""
    preprocess_on_host: bool = True
    """A worker with Ras.exe prepares, in an earlier step, what the Linux solvers need here; `false`: none does."""

    @field_validator("cores_per_plan")
    @classmethod
    def _fits(cls, value: int, others: ValidationInfo) -> int:
        total = others.data.get("cores_total", value)
        if value > total:
            raise Wrong(f"{value} is more than cores_total ({total}), so no run would fit", "lower it")
        return value

    @property
    def slots(self) -> int:
        """How many runs at once."""
        slots = self.cores_total // self.cores_per_plan
        return min(slots, self.max_parallel_plans or slots)

    @property
    def runs_ras_exe(self) -> bool:
        """Whether it runs Ras.exe, on Windows or through Wine, and not the Linux solvers."""
        return (self.ras_exe_path or "").lower().endswith(".exe")


WorkerName = Annotated[str, Field(pattern=NAME)]

Workers = Mapping[WorkerName, SerializeAsAny[WorkerBase]]
"""Of which kinds they are is known to `specfile.model`."""
