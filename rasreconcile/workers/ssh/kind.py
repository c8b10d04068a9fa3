"""Any host with SSH, in a spec and to the rest of the program."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasreconcile.spec.base import Hostname, Secret, Words
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind


class SshWorker(WorkerBase):
    """Any host with SSH, Linux or Windows."""

    type: Literal["ssh"]
    """`ssh`."""
    hostname: Hostname
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
    """What the host runs. Windows needs OpenSSH with cmd.exe as its shell (the default)."""
    session: Literal["desktop", "none"] = "desktop"
    """On Windows: runs belong to the desktop of `username`, who must be logged on there (HEC-RAS hangs without one);
    `none`: to nobody's desktop, for programs without windows."""

    @property
    def runs_ras_exe(self) -> bool:
        return self.platform == "windows" or super().runs_ras_exe


SSH = Kind(
    spec=SshWorker,
    opener="rasreconcile.workers.ssh.worker:ssh_worker",
    host="rasreconcile.workers.ssh.worker:ssh_host",
    platform=lambda spec: spec.platform,
    local_paths=("ssh_key_path",),
    hint="""\
type: ssh
hostname: office-pc
platform: windows
""",
)
