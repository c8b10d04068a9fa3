"""The slurm worker: a job for each run on an existing cluster."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.errors import UsageError
from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.kind import HostOf
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.slurm.host import SlurmHost
from rasreconcile.workers.slurm.image import Image
from rasreconcile.workers.slurm.kind import SlurmWorker, folder_of
from rasreconcile.workers.slurm.site import LocalSite, RemoteSite, Site
from rasreconcile.workers.slurm.submission import Asked, Size


def slurm_worker(name: str, spec: SlurmWorker, folder: Path, host_of: HostOf) -> Worker:
    """What this part of a spec describes; paths on this machine are relative to `folder`, the spec file's."""
    site = _site(name, spec, folder, host_of)
    asked = Asked(
        partition=spec.partition,
        account=spec.account,
        qos=spec.qos,
        memory=spec.memory_per_plan,
        options=spec.options,
    )
    image = None if spec.image is None else Image(site, _image_at(spec, folder))
    usual = Size(spec.cores_per_plan, timedelta(minutes=1))
    host = SlurmHost(site, asked, (usual, spec.slots), image)
    return DetachedWorker(name, host, host.image)


def _site(name: str, spec: SlurmWorker, folder: Path, host_of: HostOf) -> Site:
    where = folder_of(spec, folder)
    if spec.through is None:
        return LocalSite(LocalHost(Path(where)), Path(where))
    host = host_of(spec.through, where)
    if host.platform != "posix":
        raise UsageError(
            f"workers.{name}.through: {spec.through} is a Windows host, where sbatch does not run",
            "name the cluster's login node",
        )
    return RemoteSite(host, where)


def _image_at(spec: SlurmWorker, folder: Path) -> str:
    assert spec.image is not None
    return spec.image if spec.through is not None else str(Path(folder, expanded(spec.image)).absolute())
