"""Whether a result could be put in its place: told before a run that would compute it, and not after."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rasreconcile.errors import PublishHeld, Trouble
from rasreconcile.results import publish

_REMEDY = "make it writable, or set `results` to another folder"


def unwritable(output: Path) -> Trouble | None:
    """What keeps a result from being put at `output`, as far as a look tells; None: nothing. Writes nothing."""
    try:
        real = publish.place(output)
        if real.is_dir():
            return Trouble(f"{output}: a folder exists in the place of the result", "move it away")
        folders = dict.fromkeys((real.parent, output.parent))
        return next((trouble for folder in folders if (trouble := _folder(folder))), None)
    except PublishHeld as error:
        return error.trouble
    except OSError as error:
        return Trouble(f"results cannot be written to {output.parent}: {error.strerror or error}", _REMEDY)


def _folder(folder: Path) -> Trouble | None:
    """Of a folder that is there, or would be made."""
    there = folder
    while not os.path.lexists(there) and there.parent != there:
        there = there.parent
    if not there.exists():
        return Trouble(
            f"results cannot be written to {folder}: {there} is a link to nowhere", "correct or remove it"
        )
    if not there.is_dir():
        return Trouble(
            f"results cannot be written to {folder}: {there} is not a folder", "move that file away"
        )
    effective = os.access in os.supports_effective_ids
    if os.access(there, os.W_OK | os.X_OK, effective_ids=effective):
        return None
    return Trouble(f"results cannot be written to {folder}: {_why(there)}", _REMEDY)


def _why(folder: Path) -> str:
    if sys.platform != "win32" and os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    return f"no right to write to {folder}"
