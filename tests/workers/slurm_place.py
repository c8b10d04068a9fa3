"""The place of the contract of workers on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slurmcluster import SlurmCluster

from rasreconcile.jobs import RunId, Worker
from rasreconcile.workers.host import Host
from rasreconcile.workers.slurm.kind import SlurmWorker
from rasreconcile.workers.slurm.worker import slurm_worker
from tests.workers.places import LocalPlace


class SlurmPlace(LocalPlace):
    """Jobs on a cluster whose nodes are all this machine."""

    def __init__(self, cluster: SlurmCluster, folder: Path, sources: Path) -> None:
        super().__init__(folder, sources)
        self.cluster = cluster
        self.worker = self.again()

    def again(self, **changed: Any) -> Worker:
        spec = SlurmWorker(type="slurm", worker_folder=str(self.folder), **changed)
        return slurm_worker("hpc", spec, self.sources, no_other)

    def tear_down(self) -> None:
        self.cluster.end_jobs()
        for folder in self.folder.glob("*") if self.folder.is_dir() else ():
            self.kill(RunId(folder.name))


def no_other(name: str, there: str) -> Host:
    """It goes through nobody."""
    raise AssertionError(name)
