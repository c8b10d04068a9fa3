"""The scripts that go along with each run of HEC-RAS, or are sent to a worker to look at its install."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from rasreconcile.engines.inputs import name_in
from rasreconcile.jobs import Staged


def script(name: str) -> str:
    """A script of this package as text."""
    return _place(name).read_text(encoding="utf-8")


def staged_script(name: str, folder: str) -> Staged:
    """Given along with the project, so that it is at hand wherever the worker is."""
    size, digest = _bytes_of(_place(name))
    return Staged(source=_place(name), name=name_in(folder, f"rasreconcile-{name}"), digest=digest, size=size)


def _place(name: str) -> Path:
    return Path(__file__).with_name(name)


@cache
def _bytes_of(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), hashlib.sha256(data).hexdigest()
