"""The docker worker: containers on a daemon, here or elsewhere."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.docker.choose_storage import DockerSettings
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.host import DockerHost, Limits
from rasreconcile.workers.docker.kind import DockerWorker
from rasreconcile.workers.docker.transport import DaemonAddress


def docker_worker(name: str, spec: DockerWorker, folder: Path) -> Worker:
    """What this part of a spec describes; paths in it are relative to `folder`, the spec file's. Asks nobody yet."""
    address = DaemonAddress(
        host=spec.docker_host,
        cert_folder=_here(spec.docker_cert_path, folder),
        ssh_key=_here(spec.ssh_key_path, folder),
        use_ssh_client=spec.use_ssh_client,
    )
    settings = DockerSettings(
        worker=name,
        image=spec.docker_image,
        folder=Path(folder, expanded(spec.worker_folder)).absolute(),
        share=_here(spec.share_path, folder),
        staging=spec.remote_staging_path,
        engine=spec.ras_exe_path,
    )
    limits = Limits(cpus=float(spec.cpu_limit) if spec.cpu_limit else None, memory=spec.memory_limit)
    labels = {"rasreconcile.worker": name, "rasreconcile.spec": str(folder)}
    host = DockerHost(Daemon(address), settings, limits, labels)
    return DetachedWorker(name, host, host.image)


def _here(path: str | None, folder: Path) -> Path | None:
    return None if path is None else Path(folder, expanded(path)).absolute()
