"""The places that may compute: this machine, Windows hosts, SSH hosts, containers, clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from rasreconcile.spec.base import Model, Secret

Cores = Annotated[int, Field(ge=1, le=100_000)]


class WorkerBase(Model):
    """What every kind of worker has."""

    worker_folder: str = "~/.rasreconcile/runs"
    """Where run directories and the cache of inputs live, in the worker's own spelling."""
    ras_exe_path: str | None = None
    """Folder of RasUnsteady, or Ras.exe; the usual places are searched where it is left out."""
    cores_total: Cores = 1
    """Cores that runs may use altogether."""
    cores_per_plan: Cores = 1
    """Cores each run gets, unless its plan asks for more."""
    queue_priority: Annotated[int, Field(ge=0, le=9)] = 0
    """0 to 9; lower is used first."""
    process_priority: Literal["low", "below normal", "normal"] = "normal"
    max_runtime_minutes: Annotated[float, Field(gt=0)] | None = None
    """Longest time a run may take here; a plan's own limit wins where it is shorter."""

    @model_validator(mode="after")
    def _has_a_slot(self) -> WorkerBase:
        if self.cores_per_plan > self.cores_total:
            raise ValueError(
                f"cores_per_plan ({self.cores_per_plan}) is more than cores_total ({self.cores_total});"
                " no run would ever fit, lower it"
            )
        return self

    @property
    def slots(self) -> int:
        """How many runs at once."""
        return self.cores_total // self.cores_per_plan


class LocalWorker(WorkerBase):
    """This machine."""

    type: Literal["local"]


class Credentials(Model):
    """Who to be on a Windows host. Windows authentication of the caller is better: leave it out."""

    username: str
    password: Secret


class PsExecWorker(WorkerBase):
    """A Windows host over a share, in a desktop session."""

    type: Literal["psexec"]
    hostname: str
    share_path: str
    """UNC path of a share on the host: `\\\\host\\RasRemote`."""
    worker_folder: str = ""
    """The folder behind the share, as the host calls it; derived from the share's name where left out."""
    session_id: int
    """Of the desktop session, as `query session /server:HOST` shows it; mostly 2."""
    credentials: Credentials | None = None
    psexec_path: str | None = None
    """PsExec.exe; searched on PATH and in the usual folders where left out."""

    @field_validator("session_id")
    @classmethod
    def _a_desktop(cls, value: int) -> int:
        if value < 1:
            raise ValueError(
                "HEC-RAS hangs without a desktop; give the number that `query session` shows, mostly 2"
            )
        return value

    @field_validator("share_path")
    @classmethod
    def _unc(cls, value: str) -> str:
        if not value.startswith(("\\\\", "//")):
            raise ValueError(
                "mapped drives do not exist in the remote session; give the UNC path, \\\\host\\share"
            )
        return value


class SshWorker(WorkerBase):
    """Any host with SSH, Linux or Windows."""

    type: Literal["ssh"]
    hostname: str
    """Host name, address, or an alias of ~/.ssh/config."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    username: str | None = None
    ssh_key_path: str | None = None
    password: Secret | None = None
    platform: Literal["posix", "windows"] = "posix"


class DockerWorker(WorkerBase):
    """Containers, here or on a remote Docker host."""

    type: Literal["docker"]
    docker_image: str
    docker_host: str | None = None
    """`ssh://user@host`, `tcp://host:2376`, `unix://...`; left out: the local daemon."""
    ssh_key_path: str | None = None
    use_ssh_client: bool = False
    """Use the system's ssh for ssh:// hosts."""
    share_path: str | None = None
    """Stage through this share, as seen from here."""
    remote_staging_path: str | None = None
    """The share's folder as the Docker host calls it."""
    preprocess_on_host: bool = False
    cpu_limit: str | None = None
    memory_limit: Annotated[str, Field(pattern=r"^\d+[bkmg]?$")] | None = None
    """`8g`, `512m`."""

    @model_validator(mode="after")
    def _share_has_both_ends(self) -> DockerWorker:
        if (self.share_path is None) != (self.remote_staging_path is None):
            raise ValueError(
                "share_path and remote_staging_path are two ends of one share; give both or neither"
            )
        return self


class SlurmWorker(WorkerBase):
    """An existing cluster."""

    type: Literal["slurm"]
    through: str | None = None
    """The ssh worker over whose connection jobs are submitted; left out: sbatch on this machine."""
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    memory_per_plan: str | None = None


WorkerSpec = Annotated[
    LocalWorker | PsExecWorker | SshWorker | DockerWorker | SlurmWorker, Field(discriminator="type")
]

Workers = Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")], WorkerSpec]
