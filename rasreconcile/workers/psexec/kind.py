"""A Windows host over a share, in a spec and to the rest of the program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from rasreconcile.errors import Wrong
from rasreconcile.spec.base import Hostname, Secret, SpecModel, Words
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind
from rasreconcile.workers.windows.fix_script import fix_script


class Credentials(SpecModel):
    """Who to be on a Windows host. Windows authentication of the caller is better: leave it out."""

    username: Words
    """As in `DOMAIN\\user`; the one who is logged on in the desktop session."""
    password: Secret
    """Where the password is found; it is never written in a spec."""


def _session_where_somebody_is_sent(schema: dict[str, Any]) -> None:
    """Of an agent that a person starts the session is that person's."""
    schema["required"] = [name for name in schema["required"] if name != "session_id"]


class PsExecWorker(WorkerBase):
    """A Windows host over a share, in a desktop session."""

    model_config = ConfigDict(json_schema_extra=_session_where_somebody_is_sent)

    type: Literal["psexec"]
    """`psexec`."""
    hostname: Hostname
    """Name or address of the host."""
    share_path: str
    """UNC path of a share on the host: `\\\\host\\RasRemote`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 445
    """Of the share, where it is forwarded; controllers on Windows know 445 only."""
    worker_folder: str = ""
    """The folder behind the share, as the host calls it; left out: `C:\\` and the share's name."""
    launcher: Literal["task", "psexec", "none"] = "task"
    """What starts the agent of the host, once: its Task Scheduler; PsExec.exe, from a controller on Windows; or
    nothing, because a person opens `join.cmd` in the share."""
    session_id: Annotated[int, Field(json_schema_extra={"minimum": 1})] | None
    """Of the desktop session, as `query session /server:HOST` shows it, mostly 2. HEC-RAS hangs in session 0. Required,
    but with `launcher: none`."""
    credentials: Credentials | None = None
    """Left out: Windows authentication of the caller, which is better."""
    psexec_path: Words | None = None
    """PsExec.exe, for `launcher: psexec`; searched on PATH and in the usual folders where left out."""

    @model_validator(mode="before")
    @classmethod
    def _whoever_joins(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("launcher") == "none":
            return {"session_id": None, **value}
        return value

    @field_validator("session_id")
    @classmethod
    def _a_desktop(cls, value: int | None, others: ValidationInfo) -> int | None:
        if value is None and others.data.get("launcher") != "none":
            raise Wrong("is empty", "add the number that `query session` shows, mostly 2")
        if value is not None and value < 1:
            raise Wrong(
                "HEC-RAS hangs without a desktop", "give the number that `query session` shows, mostly 2"
            )
        return value

    @field_validator("credentials")
    @classmethod
    def _no_password_on_a_command_line(
        cls, value: Credentials | None, others: ValidationInfo
    ) -> Credentials | None:
        if value is not None and others.data.get("launcher") == "psexec":
            raise Wrong(
                "PsExec would take the password on a command line that others can read",
                "leave them out and run `cmdkey /add:HOST /user:USER /pass` once; or use launcher: task",
            )
        return value

    @field_validator("share_path")
    @classmethod
    def _unc(cls, value: str) -> str:
        if re.fullmatch(r"[\\/]{2}[^\\/]+[\\/][^\\/]+.*", value) is None:
            raise Wrong(
                "is not a UNC path, and mapped drives do not exist in the remote session",
                "write \\\\host\\share",
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


def _fix_script(spec: PsExecWorker) -> str:
    share = [part for part in re.split(r"[\\/]", spec.share_path) if part][1]
    return fix_script(
        user=spec.credentials.username if spec.credentials else None,
        folder=spec.folder_on_host,
        share=share,
        starts=spec.launcher != "none",
    )


PSEXEC = Kind(
    spec=PsExecWorker,
    executes=("ras_exe_path", "psexec_path"),
    opener="rasreconcile.workers.psexec.worker:psexec_worker",
    platform=lambda _: "windows",
    folder=lambda spec, _: spec.folder_on_host,
    local_paths=("psexec_path",),
    remedies={"session_id": "add the number that `query session /server:HOST` shows, mostly 2"},
    fix_script=_fix_script,
    hint="""\
type: psexec
hostname: office-pc
share_path: '\\\\office-pc\\RasRemote'
session_id: 2           # as `query session /server:office-pc` shows it
""",
)
