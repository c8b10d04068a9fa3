"""What a user may have meant by the name of a project that cannot be read."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from rasreconcile.specfile.faults import near


def near_project(path: Path, name: str) -> str:
    """What to write instead, as words to the user; `name`: the path as the spec's folder sees it."""
    folder, there = (path, name) if path.is_dir() else (path.parent, posixpath.dirname(name))
    found = [one for one in _projects_in(folder) if one != path.name]
    only = found[0] if len(found) == 1 else None
    meant = only if folder == path else near(path.name, found)
    return f"did you mean {posixpath.join(there, meant)}?" if meant else "name the .prj of a HEC-RAS project"


def _projects_in(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.lower().endswith(".prj"))  # noqa: PTH208  names only
    except OSError:
        return []
