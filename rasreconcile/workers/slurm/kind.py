"""An existing cluster, in a spec and to the rest of the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from rasreconcile.account import expanded
from rasreconcile.errors import Wrong
from rasreconcile.spec.base import SLURM_MEMORY, Tuple, Words
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind

_OPTION = re.compile(r"--([a-z][a-z0-9-]*)(=.*)?", re.ASCII)
_FIELDS = {
    "account": "account",
    "cpus-per-task": "cores_per_plan",
    "mem": "memory_per_plan",
    "partition": "partition",
    "qos": "qos",
    "time": "max_runtime_minutes",
}
"""Options of sbatch that a field of the spec stands for."""
_OURS = frozenset(
    {
        *_FIELDS,
        "array",
        "batch",
        "chdir",
        "clusters",
        "error",
        "export",
        "export-file",
        "get-user-env",
        "help",
        "hold",
        "input",
        "job-name",
        "nodes",
        "no-requeue",
        "ntasks",
        "open-mode",
        "output",
        "parsable",
        "requeue",
        "test-only",
        "uid",
        "usage",
        "version",
        "wait",
        "wrap",
    }
)


class SlurmWorker(WorkerBase):
    """An existing cluster. `cores_total` is the most to have in its queue, running or not."""

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
    options: Tuple = ()
    """Further options of sbatch, `--constraint=avx2`, each in one word; not those that a field stands for."""
    image: Words | None = None
    """An Apptainer image (.sif) that all nodes see, with the engine in it: `ras_exe_path` is then a path inside it."""

    @field_validator("options")
    @classmethod
    def _takes_options(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for option in value:
            found = _OPTION.fullmatch(option)
            if found is None:
                raise Wrong(f"{option!r} is not an option of sbatch", "write --NAME or --NAME=VALUE")
            name = found[1]
            # sbatch takes the beginning of a name for the whole.
            if mine := sorted(own for own in _OURS if own.startswith(name)):
                named = _FIELDS.get(mine[0])
                remedy = f"set {named} instead" if named else "leave it out"
                raise Wrong(f"{option!r} is set by rasreconcile", remedy)
        return value

    @field_validator("image")
    @classmethod
    def _is_a_file(cls, value: str | None) -> str | None:
        if value is not None and "://" in value:
            raise Wrong(
                "must be a file: each job would fetch an image by its address again",
                f"`apptainer pull hecras.sif {value}` makes one",
            )
        return value


def _here(path: str, folder: Path) -> str:
    return str(Path(folder, expanded(path)).absolute())


def folder_of(spec: SlurmWorker, folder: Path) -> str:
    """Where run directories are, in the spelling of the machine where jobs are submitted."""
    return spec.worker_folder if spec.through is not None else _here(spec.worker_folder, folder)


SLURM = Kind(
    spec=SlurmWorker,
    executes=("ras_exe_path", "image", "options"),
    opener="rasreconcile.workers.slurm.worker:slurm_worker",
    images=True,
    in_image=lambda spec: spec.image is not None,
    folder=folder_of,
    refers={"through": "ssh"},
    hint="""\
type: slurm
partition: normal
worker_folder: /scratch/me/rasruns
""",
)
