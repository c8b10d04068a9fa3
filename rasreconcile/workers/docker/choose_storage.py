"""Finding out where run directories can lie: a folder both sides see, proven by a container, or a volume."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rasreconcile.errors import Refused
from rasreconcile.workers.docker.bound import BindMountStorage, give
from rasreconcile.workers.docker.container import Image, Mounted
from rasreconcile.workers.docker.daemon import Daemon, NoFolder
from rasreconcile.workers.docker.helper import Helper, HelperKind, remove_unborn
from rasreconcile.workers.docker.paths import below, views
from rasreconcile.workers.docker.run_storage import FIXED_ID, INSIDE, RunStorage
from rasreconcile.workers.docker.scripts import script
from rasreconcile.workers.docker.volume import VolumeStorage

ABANDONED = 600.0
"""Seconds after which whoever made a probe, or a helper that was never started, has been killed."""


NOT_ASKED = Image("")


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerSettings:
    """What the spec says of a docker worker's image and folders."""

    worker: str
    image: str
    found: Image = NOT_ASKED
    """What its name means; known once the daemon was asked."""
    folder: Path
    """`worker_folder` on this machine: used where the daemon sees it too."""
    share: Path | None = None
    """As seen from here; then `staging` is the same folder as the daemon calls it."""
    staging: str | None = None
    engine: str | None = None
    """Where the spec says the engine is, inside the image."""


def choose_storage(daemon: Daemon, settings: DockerSettings) -> RunStorage:
    """Raises Refused where the image is missing, or a share that was given is not the same on both sides."""
    found = daemon.image(settings.image)
    if found is None:
        raise Refused(
            f"{daemon.address}: the image {settings.image} is not there",
            "`docker pull` or `docker load` it there",
        )
    settings = replace(settings, found=found)
    remove_unborn(daemon, settings.worker, time.time() - ABANDONED)
    if settings.share is not None and settings.staging is not None:
        storage = _bound(daemon, settings, settings.share, settings.staging)
        if storage is None:
            raise Refused(
                f"{daemon.address}: {settings.staging} is not the folder that is {settings.share} here, "
                "or takes no files and hard links of a container",
                "correct share_path and remote_staging_path",
            )
        return storage
    if daemon.address.is_local and (
        storage := _bound(daemon, settings, settings.folder, str(settings.folder))
    ):
        return storage
    return _volume(daemon, settings)


def _bound(daemon: Daemon, settings: DockerSettings, folder: Path, seen_as: str) -> BindMountStorage | None:
    """The folder, where a container that is told `seen_as` finds in it what was just put there, and can write."""
    _remove_probes(folder, time.time() - ABANDONED)
    token = secrets.token_hex(16)
    probe = folder / f".probe.{token[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.mkdir()
    except OSError as error:
        raise Refused(
            f"{folder}: {error.strerror or error}",
            "set worker_folder or share_path to one that can be written",
        ) from error
    try:
        (probe / "token").write_text(token)
        probe.chmod(0o755)
        user = _own_id()
        give(probe, user)
        for view in views(seen_as):
            mount = Mounted("bind", below(view, probe.name), INSIDE)
            owner = _proven(daemon, settings, mount, user, token)
            if owner is not None:
                whole = Mounted("bind", view, INSIDE)
                return BindMountStorage(folder, view, _helper(daemon, settings, whole, owner))
        return None
    finally:
        shutil.rmtree(probe, ignore_errors=True)


def _remove_probes(folder: Path, before: float) -> None:
    """Those that were made before this moment, seconds since the epoch."""
    for probe in folder.glob(".probe.*"):
        with suppress(FileNotFoundError):
            if probe.stat().st_mtime < before:
                shutil.rmtree(probe, ignore_errors=True)


def _proven(daemon: Daemon, settings: DockerSettings, mount: Mounted, user: int, token: str) -> int | None:
    """The user who sees the token in a container and can write beside it; None: nobody does."""
    for _ in range(2):
        helper = _helper(daemon, settings, mount, user)
        try:
            said = helper.do(script("probe.sh"), INSIDE).splitlines()
        except NoFolder:
            return None
        finally:
            helper.close()
        if f"token {token}" in said and "links" in said:
            return user
        owner = _owner(said)
        if owner is None or owner in {0, user}:
            return None
        user = owner
    return None


def _helper(daemon: Daemon, settings: DockerSettings, mount: Mounted, user: int) -> Helper:
    return Helper(
        daemon,
        HelperKind(
            worker=settings.worker,
            image=settings.image,
            found=settings.found,
            user=f"{user}:{user}",
            mount=mount,
        ),
    )


def _owner(said: list[str]) -> int | None:
    """Whose folder it is, as the container sees it: on a share that may be somebody else than here."""
    for line in said:
        if line.startswith("user "):
            with suppress(ValueError):
                return int(line.removeprefix("user ").partition(":")[0])
    return None


def _own_id() -> int:
    """The caller's, so that what the containers leave is his; never root's."""
    if sys.platform == "win32":
        return FIXED_ID
    return os.geteuid() or FIXED_ID


def _volume(daemon: Daemon, settings: DockerSettings) -> VolumeStorage:
    name = f"rasreconcile-{settings.worker}"
    behind = daemon.volume(name, {"rasreconcile.worker": settings.worker})
    mount = Mounted("volume", name, INSIDE)
    storage = VolumeStorage(behind, _helper(daemon, settings, mount, FIXED_ID))
    storage.make()
    return storage
