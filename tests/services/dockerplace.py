"""What a test may do to a docker worker and its containers: to be mixed into a place whose run directories are here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dockerd import IMAGE, INSTALLED, Dockerd, take_away

from rasreconcile.jobs import RunId, Worker
from rasreconcile.workers.docker.kind import DockerWorker
from rasreconcile.workers.docker.worker import docker_worker


class DockerPlace:
    """Run directories are in `folder`, be it the worker's own or the one behind its volume."""

    daemon: Dockerd
    sources: Path
    folder: Path
    worker: Worker

    def furnish(self, daemon: Dockerd, name: str, **fields: Any) -> None:
        self.daemon = daemon
        self.name = name
        self.fields = {"type": "docker", "docker_image": IMAGE, "docker_host": daemon.host, **fields}
        self.opened: list[Worker] = []
        self.worker = self.again()

    def again(self, **changed: Any) -> Worker:
        spec = DockerWorker.model_validate({**self.fields, **changed})
        self.opened.append(docker_worker(self.name, spec, self.sources))
        return self.opened[-1]

    def kill(self, run: RunId) -> None:
        with self.daemon.client() as client:
            client.kill(run)

    def make_path(self, name: str) -> str:
        """The image has it."""
        return f"{INSTALLED}/{name}"

    def inspect(self, run: RunId) -> dict[str, Any]:
        with self.daemon.client() as client:
            return client.inspect_container(run)

    def tidy(self, runs: Iterable[str]) -> None:
        for worker in self.opened:
            worker.close()
        with self.daemon.client() as client:
            there = self.daemon.names()
            for run in runs:
                if run in there:
                    take_away(client, run)
