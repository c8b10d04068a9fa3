"""The psexec worker: a Windows host behind a share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.psexec.doctor import Wanted
from rasreconcile.workers.psexec.folder import FolderShare
from rasreconcile.workers.psexec.host import ShareHost
from rasreconcile.workers.psexec.kind import PsExecWorker
from rasreconcile.workers.psexec.launch import ByHand, Launcher
from rasreconcile.workers.psexec.share import Share
from rasreconcile.workers.psexec.smb import Login, SmbShare
from rasreconcile.workers.psexec.sysinternals import PsExecLauncher
from rasreconcile.workers.psexec.task import RemoteScheduler, Schtasks, Target, TaskLauncher
from rasreconcile.workers.secret import reveal


def psexec_worker(name: str, spec: PsExecWorker, folder: Path) -> Worker:
    """Opens no connection yet, and reads no password. Paths on this machine are relative to `folder`, the spec's."""
    server, _ = unc_parts(spec.share_path)
    wanted = Wanted(server=server, port=spec.port, folder=spec.folder_on_host, session=spec.session_id)
    host = ShareHost(name, _share(name, spec, folder), _launcher(spec, folder), wanted)
    return DetachedWorker(name, host)


def unc_parts(share_path: str) -> tuple[str, str]:
    r"""`\\host\share\folder` as `host` and `share\folder`."""
    server, *rest = [part for part in re.split(r"[\\/]", share_path) if part]
    return server, "\\".join(rest)


def _share(name: str, spec: PsExecWorker, folder: Path) -> Share:
    server, path = unc_parts(spec.share_path)
    if os.name == "nt":
        return FolderShare(name, Path(rf"\\{server}\{path}"))
    username = spec.credentials.username if spec.credentials else None
    return SmbShare(
        name, Login(server=server, port=spec.port, username=username, password=_password(spec, folder)), path
    )


def _launcher(spec: PsExecWorker, folder: Path) -> Launcher:
    if spec.launcher == "none" or spec.session_id is None:
        return ByHand()
    target = Target(
        host=spec.hostname,
        folder=spec.folder_on_host,
        session=spec.session_id,
        username=spec.credentials.username if spec.credentials else None,
        password=_password(spec, folder),
    )
    if spec.launcher == "psexec":
        return PsExecLauncher(target, folder / expanded(spec.psexec_path) if spec.psexec_path else None)
    return TaskLauncher(target, Schtasks(target) if os.name == "nt" else RemoteScheduler(target))


def _password(spec: PsExecWorker, folder: Path) -> Callable[[], str] | None:
    if spec.credentials is None:
        return None
    secret = spec.credentials.password
    return lambda: reveal(secret, folder)
