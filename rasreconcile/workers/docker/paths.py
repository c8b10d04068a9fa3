"""How a Docker daemon calls a folder that Windows calls otherwise. PURE."""

from __future__ import annotations

import re

_DRIVE = re.compile(r"([A-Za-z]):[\\/]+(.*)", re.DOTALL)


def views(path: str) -> tuple[str, ...]:
    r"""The names a daemon of Linux containers may know the folder by, likeliest first.

    `C:\Models` is `/mnt/c/Models` in WSL, `/run/desktop/mnt/host/c/Models` inside Docker Desktop, `/c/Models` in
    Docker Toolbox, and Docker Desktop's own endpoint takes it as it is. Which it is only a probe can tell.
    Other paths have one name.
    """
    found = _DRIVE.fullmatch(path)
    if found is None:
        return (path,)
    below = "/".join([found[1].lower(), *(part for part in re.split(r"[\\/]+", found[2]) if part)])
    return (f"/mnt/{below}", f"/run/desktop/mnt/host/{below}", f"/{below}", path)


def below(folder: str, name: str) -> str:
    """A name below a folder in the folder's own spelling."""
    separator = "\\" if _DRIVE.fullmatch(folder) else "/"
    return f"{folder.rstrip('/' + chr(92))}{separator}{name}"
