"""The places that may compute: this machine, Windows hosts, SSH hosts, containers, clusters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from rasreconcile.spec.base import CPUS, MEMORY, NAME, SLURM_MEMORY, Minutes, Model, Secret, Words

Cores = Annotated[int, Field(ge=1, le=100_000)]


class WorkerBase(Model):
    """What every kind of worker has."""

    worker_folder: Words = "~/.rasreconcile/runs"
    """Where run directories and the cache of inputs live, in the worker's own spelling."""
    ras_exe_path: Words | None = None
    """Folder of RasUnsteady, or Ras.exe (on Linux through Wine); the usual places are searched where it is left out."""
    cores_total: Cores = 1
    """Cores that runs may use altogether."""
    cores_per_plan: Cores = 1
    """Cores each run gets, unless its plan asks for more."""
    max_parallel_plans: Annotated[int, Field(ge=1)] | None = None
    """Fewer runs at once than cores_total / cores_per_plan would allow: for want of memory or licences."""
    queue_priority: Annotated[int, Field(ge=0, le=9)] = 0
    """0 to 9; lower is used first."""
    process_priority: Literal["low", "below normal", "normal"] = "normal"
    """How the runs stand back behind whoever works at the machine."""
    max_runtime_minutes: Minutes | None = None
    """Longest time a run may take here; a plan's own limit wins where it is shorter."""

    preprocess_on_host: bool = False
    """Let a worker with Ras.exe prepare, in an earlier step, what the Linux solvers need of HEC-RAS for Windows."""

    @field_validator("cores_per_plan")
    @classmethod
    def _fits(cls, value: int, others: ValidationInfo) -> int:
        total = others.data.get("cores_total", value)
        if value > total:
            raise ValueError(f"{value} is more than cores_total ({total}), no run would ever fit; lower it")
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


class LocalWorker(WorkerBase):
    """This machine."""

    type: Literal["local"]
    """`local`."""


class Credentials(Model):
    """Who to be on a Windows host. Windows authentication of the caller is better: leave it out."""

    username: Words
    """As in `DOMAIN\\user`; the one who is logged on in the desktop session."""
    password: Secret
    """Where the password is found; it is never written in a spec."""


class PsExecWorker(WorkerBase):
    """A Windows host over a share, in a desktop session."""

    type: Literal["psexec"]
    """`psexec`."""
    hostname: Words
    """Name or address of the host."""
    share_path: str
    """UNC path of a share on the host: `\\\\host\\RasRemote`."""
    worker_folder: str = ""
    """The folder behind the share, as the host calls it; left out: `C:\\` and the share's name."""
    session_id: Annotated[int, Field(json_schema_extra={"minimum": 1})]
    """Of the desktop session, as `query session /server:HOST` shows it, mostly 2. HEC-RAS hangs in session 0."""
    credentials: Credentials | None = None
    """Left out: Windows authentication of the caller, which is better."""
    psexec_path: Words | None = None
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
        if re.fullmatch(r"[\\/]{2}[^\\/]+[\\/][^\\/]+.*", value) is None:
            raise ValueError(
                "is no UNC path, and mapped drives do not exist in the remote session; write \\\\host\\share"
            )
        return value

    @property
    def runs_ras_exe(self) -> bool:
        return True

    @property
    def folder_on_host(self) -> str:
        """The folder behind the share in the host's spelling: `C:\\RasRemote`."""
        share, *below = [part for part in re.split(r"[\\/]", self.share_path) if part][1:]
        return self.worker_folder or "\\".join(["C:", share, *below])


class SshWorker(WorkerBase):
    """Any host with SSH, Linux or Windows."""

    type: Literal["ssh"]
    """`ssh`."""
    hostname: Words
    """Host name, address, or an alias of ~/.ssh/config."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """22 where neither this nor ~/.ssh/config says otherwise."""
    username: Words | None = None
    """Left out: as ~/.ssh/config says, else the name of the caller."""
    ssh_key_path: Words | None = None
    """Private key on this machine; left out: the agent and the usual keys are tried."""
    password: Secret | None = None
    """Where the key's passphrase is found, or the password where no key is named. A key and an agent are better."""
    platform: Literal["posix", "windows"] = "posix"
    """What the host runs. Windows needs OpenSSH with cmd.exe as its shell, as it comes."""
    session: Literal["desktop", "none"] = "desktop"
    """On Windows: runs belong to the desktop of `username`, who must be logged on there (HEC-RAS hangs without one);
    `none`: to nobody's desktop, for programs without windows."""

    @property
    def runs_ras_exe(self) -> bool:
        return self.platform == "windows" or super().runs_ras_exe


class DockerWorker(WorkerBase):
    """Containers, here or on a remote Docker host."""

    type: Literal["docker"]
    """`docker`."""
    docker_image: Words
    """Image with the engine in it: `hecras:6.6`."""
    docker_host: Words | None = None
    """`ssh://user@host`, `tcp://host:2376`, `unix://...`; left out: the local daemon."""
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

    @field_validator("docker_host")
    @classmethod
    def _names_a_daemon(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition("://")
        if scheme not in {"ssh", "tcp", "http", "https", "unix", "npipe"} or not rest:
            raise ValueError("is no address of a Docker daemon; write ssh://user@host or tcp://host:2376")
        if ":" in urlsplit(f"//{rest}").netloc.rpartition("@")[0]:
            raise ValueError("holds a password, which is never written; use a key or a certificate")
        return value

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


WorkerSpec = Annotated[
    LocalWorker | PsExecWorker | SshWorker | DockerWorker | SlurmWorker, Field(discriminator="type")
]

Workers = Annotated[
    Mapping[Annotated[str, Field(pattern=NAME)], WorkerSpec],
    Field(json_schema_extra={"additionalProperties": False}),
]
