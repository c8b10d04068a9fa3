"""Containers, in a spec and to the rest of the program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from rasreconcile.account import expanded
from rasreconcile.errors import Wrong
from rasreconcile.spec.base import CPUS, MEMORY, Words, bytes_of
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind

_LEAST_MEMORY = 6 << 20
"""A number without a unit means bytes: `8` is hardly meant so."""


class DockerWorker(WorkerBase):
    """Containers, here or on a remote Docker host."""

    type: Literal["docker"]
    """`docker`."""
    docker_image: Words
    """Image with the engine in it: `hecras:6.6`."""
    docker_host: Words | None = None
    """`ssh://user@host`, `tcp://host:2376`, `unix://...`; left out: DOCKER_HOST, or Docker's context."""
    docker_cert_path: Words | None = None
    """Folder of ca.pem, cert.pem and key.pem for a tcp:// daemon; left out: the environment's DOCKER_CERT_PATH."""
    ssh_key_path: Words | None = None
    """Private key for an ssh:// host; left out: the agent and the usual keys are tried."""
    use_ssh_client: bool = False
    """Use the system's ssh for ssh:// hosts."""
    share_path: Words | None = None
    """Stage through this share, as seen from here."""
    remote_staging_path: Words | None = None
    """The share's folder as the Docker host calls it."""
    cpu_limit: Annotated[str, Field(pattern=CPUS)] | None = None
    """Processors a container may use, `"4"` or `"0.5"`; left out: the cores of its run."""
    memory_limit: Annotated[str, Field(pattern=MEMORY)] | None = None
    """`8g`, `512m`; left out: no limit."""

    @field_validator("memory_limit")
    @classmethod
    def _enough_to_begin(cls, value: str | None) -> str | None:
        if value is not None and (bytes_of(value) or 0) < _LEAST_MEMORY:
            raise Wrong("is less than the 6m that Docker needs", "write an amount with its unit, such as 8g")
        return value

    @field_validator("docker_host")
    @classmethod
    def _names_a_daemon(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition("://")
        if scheme not in {"ssh", "tcp", "http", "https", "unix", "npipe"} or not rest:
            raise Wrong("is not the address of a Docker daemon", "write ssh://user@host or tcp://host:2376")
        if ":" in urlsplit(f"//{rest}").netloc.rpartition("@")[0]:
            raise Wrong("holds a password, which is never written", "use a key or a certificate")
        return value

    @model_validator(mode="after")
    def _share_has_both_ends(self) -> DockerWorker:
        if (self.share_path is None) != (self.remote_staging_path is None):
            raise Wrong(
                "share_path and remote_staging_path are two ends of one share", "give both or neither"
            )
        return self


def _runs_at(name: str, spec: DockerWorker, folder: Path) -> str:
    """A daemon elsewhere keeps them in a volume of its own; so does one here that does not see this folder."""
    host = spec.docker_host or os.environ.get("DOCKER_HOST") or "unix://"
    if spec.share_path is None and urlsplit(host).scheme not in {"unix", "npipe"}:
        return f"Docker volume rasreconcile-{name}, runs"
    return str(Path(folder, expanded(spec.share_path or spec.worker_folder)).absolute())


DOCKER = Kind(
    spec=DockerWorker,
    executes=("ras_exe_path", "docker_image"),
    opener="rasreconcile.workers.docker.worker:docker_worker",
    images=True,
    runs_at=_runs_at,
    local_paths=("ssh_key_path", "docker_cert_path"),
)
