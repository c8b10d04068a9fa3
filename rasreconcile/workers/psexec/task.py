"""The Task Scheduler of a host: it starts the agent in the desktop session of the user it names."""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from xml.sax.saxutils import escape

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.psexec.launch import BY_HAND, Run, join_arguments, run

TASK = "rasreconcile-agent"
_REMEDY = f"see what `check` says of the host; or {BY_HAND}, with launcher: none"
_LIBRARY = "install it: `pip install 'rasreconcile[windows-hosts]'`; or set launcher: none"
_USE_SESSION = 0x4
_CREATE_OR_UPDATE = 0x6
_INTERACTIVE_TOKEN = 3
_GROUP = 4
_USERS = "S-1-5-32-545"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the agent is to live."""

    host: str
    folder: str
    """Behind the share, as the host calls it."""
    session: int
    username: str | None = None
    """`DOMAIN\\user` of the session; None: whoever it belongs to."""
    password: Callable[[], str] | None = None


def task_xml(target: Target) -> str:
    """The task. It has no trigger, no time limit and no wish for mains; the user of the session is nobody special."""
    if target.username:
        principal = f"<UserId>{escape(target.username)}</UserId><LogonType>InteractiveToken</LogonType>"
    else:
        principal = f"<GroupId>{_USERS}</GroupId>"
    return (
        '<?xml version="1.0" encoding="UTF-16"?>\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\n'
        f'<Principals><Principal id="Author">{principal}<RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n'
        "<Settings><MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>"
        "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>"
        "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries><AllowHardTerminate>true</AllowHardTerminate>"
        "<AllowStartOnDemand>true</AllowStartOnDemand><Enabled>true</Enabled><Hidden>true</Hidden>"
        "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit><Priority>5</Priority></Settings>\n"
        '<Actions Context="Author"><Exec><Command>cmd.exe</Command>'
        f"<Arguments>{escape(join_arguments(target.folder))}</Arguments></Exec></Actions>\n</Task>\n"
    )


class Scheduler(Protocol):
    """The scheduler of one host. Raises Unreachable and Refused."""

    def register(self, xml: str) -> None:
        """The task, in the place of an earlier one."""

    def begin(self, session: int) -> None:
        """Runs it in the session."""


class TaskLauncher:
    """Implements `Launcher`."""

    starts = True
    remedy = _REMEDY

    def __init__(self, target: Target, scheduler: Scheduler) -> None:
        self._target = target
        self._scheduler = scheduler

    def start(self) -> str:
        self._scheduler.register(task_xml(self._target))
        self._scheduler.begin(self._target.session)
        return f"the task {TASK} was started"


class Schtasks:
    """Implements `Scheduler` by schtasks.exe of a Windows controller, as the user of the controller."""

    def __init__(self, target: Target, run: Run = run) -> None:
        self._target = target
        self._run = run

    def register(self, xml: str) -> None:
        handle, path = tempfile.mkstemp(suffix=".xml")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(xml.encode("utf-16"))
            self._call("/create", "/s", self._target.host, "/tn", TASK, "/xml", path, "/f")
        finally:
            Path(path).unlink(missing_ok=True)

    def begin(self, session: int) -> None:
        self._call("/run", "/s", self._target.host, "/tn", TASK)

    def _call(self, *words: str) -> None:
        code, said = self._run(["schtasks.exe", *words])
        if code != 0:
            raise Refused(
                f"schtasks.exe {words[0]} on {self._target.host} exited with {code}: {said}",
                "be an administrator of the host (`check --fix-script` shows what it needs); or set launcher: none",
            )


class RemoteScheduler:
    """Implements `Scheduler` by impacket, from a machine that is not Windows."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def register(self, xml: str) -> None:
        logon = _INTERACTIVE_TOKEN if self._target.username else _GROUP
        self._ask(
            lambda tsch, dce: tsch.hSchRpcRegisterTask(
                dce, rf"\{TASK}", xml, _CREATE_OR_UPDATE, tsch.NULL, logon
            )
        )

    def begin(self, session: int) -> None:
        self._ask(lambda tsch, dce: tsch.hSchRpcRun(dce, rf"\{TASK}", flags=_USE_SESSION, sessionId=session))

    def _ask(self, call: Callable[[Any, Any], object]) -> None:
        try:
            tsch = import_module("impacket.dcerpc.v5.tsch")
            transport = import_module("impacket.dcerpc.v5.transport")
            rpc = import_module("impacket.dcerpc.v5.rpcrt")
        except ModuleNotFoundError as error:
            raise Refused(f"the library {error.name} is not installed", _LIBRARY) from error
        target = self._target
        domain, _, user = (target.username or getpass.getuser()).rpartition("\\")
        password = target.password() if target.password is not None else ""
        try:
            wire = transport.DCERPCTransportFactory(rf"ncacn_np:{target.host}[\pipe\atsvc]")
            wire.set_credentials(user, password, domain)
            wire.set_kerberos(target.password is None)
            dce = wire.get_dce_rpc()
            if target.password is None:
                dce.set_auth_type(rpc.RPC_C_AUTHN_GSS_NEGOTIATE)
            dce.set_auth_level(rpc.RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
            dce.connect()
            try:
                dce.bind(tsch.MSRPC_UUID_TSCHS)
                call(tsch, dce)
            finally:
                dce.disconnect()
        except OSError as error:
            raise Unreachable(f"{target.host}: {error}", "it will be retried") from error
        except Exception as error:  # the library's errors have no common root but this
            if not type(error).__module__.startswith("impacket."):
                raise
            raise Refused(
                f"{target.host}: its Task Scheduler: {' '.join(str(error).split())[:200]}",
                "log in as an administrator of the host, and be logged on there in the session named in session_id "
                "(`query session` shows it); or set launcher: none",
            ) from error
