"""The kind of worker that submits jobs: a real Slurm of three nodes on this machine, one for each process of the harness."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

from rasreconcile.workers.kind import Kinds
from rasreconcile.workers.slurm.launches import Launches
from tests.reliability.kinds import SPEC, Local
from tests.reliability.points import Points

# As the tests of pytest find it.
sys.path.insert(0, str(Path(__file__).parents[1] / "services"))
import slurmcluster


class Slurm(Local):
    """Jobs on nodes that see the same folder."""

    @staticmethod
    def missing() -> str | None:
        return slurmcluster.why_not()

    def set_up(self) -> None:
        self.cluster = slurmcluster.SlurmCluster()
        self.cluster.start()

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        return SPEC.format(type="slurm", folder=folder, cores=cores, more=more)

    def install(self, points: Points) -> Kinds | None:
        os.environ["SLURM_CONF"] = str(self.cluster.conf)
        kinds = super().install(points)
        # Around the question that submits; the process that asks it is a point of its own.
        points.around(Launches, "submit")
        return kinds

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        return super().left_over(kept, kills) + [f"job {job}" for job in self.cluster.jobs()]

    def end(self) -> None:
        self.cluster.end_jobs()
        super().end()

    def tear_down(self) -> None:
        self.cluster.stop()
