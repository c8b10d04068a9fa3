"""An existing cluster, in a spec and to the rest of the program."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasreconcile.spec.base import SLURM_MEMORY, Words
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind


class SlurmWorker(WorkerBase):
    """An existing cluster."""

    type: Literal["slurm"]
    """`slurm`."""
    through: Words | None = None
    """The ssh worker over whose connection jobs are submitted; left out: sbatch on this machine."""
    partition: Words | None = None
    """Left out: the cluster's default."""
    account: Words | None = None
    """Who is charged; left out: the user's default."""
    qos: Words | None = None
    """Quality of service; left out: the account's default."""
    memory_per_plan: Annotated[str, Field(pattern=SLURM_MEMORY)] | None = None
    """`16G`; left out: the partition's default."""


SLURM = Kind(spec=SlurmWorker, opener=None, refers={"through": "ssh"})
