"""One file that a plan reads: found and hashed, or missing, or in a state that cannot be read."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.plain_files import LARGEST_TEXT, head
from rasreconcile.plans import MISSING, InputFile
from rasreconcile.resolve.asked import Asked
from rasreconcile.resolve.digests import TEXT_KINDS
from rasreconcile.spelling import foreign, is_foreign, legible

_TEXT_ENDINGS = frozenset(
    {".txt", ".csv", ".dat", ".json", ".xml", ".yaml", ".yml", ".toml", ".py", ".sh", ".vrt"}
)
_LARGEST_POINTER = 1024
"""Bytes; that of Git LFS has some 130."""


def hashed_input(source: Path, name: str, kind: str, asked: Asked) -> InputFile:
    """The input with its digests. Raises OSError where it cannot be read.

    Raises ProjectError where its name is not UTF-8, and where only a pointer to it was checked out.
    """
    if is_foreign(source):
        raise ProjectError(foreign(source.name))
    found = asked.hashed(source, kind)
    if found.stat.size <= _LARGEST_POINTER and (pointer := _pointer(head(source, _LARGEST_POINTER))):
        raise ProjectError(pointer)
    text = kind in TEXT_KINDS or (
        kind in {"extra", "terrain"}
        and source.suffix.lower() in _TEXT_ENDINGS
        and found.stat.size <= LARGEST_TEXT
    )
    return InputFile(
        name=name,
        source=source,
        raw=found.raw,
        semantic=found.semantic,
        size=found.stat.size,
        kind=kind,
        is_text=text,
    )


def _pointer(content: bytes) -> Trouble | None:
    """What stands in a checkout for a large file that was not fetched; None: it is the file."""
    if content.startswith(b"version https://git-lfs.github.com/spec/"):
        return Trouble("the checkout has a pointer of Git LFS in its place", "fetch it: git lfs pull")
    if content.startswith(b"/annex/objects/"):
        return Trouble("the checkout has a pointer of git-annex in its place", "fetch it: git annex get")
    return None


def missing_input(source: Path, name: str, kind: str) -> InputFile:
    """It is looked for at `source`, and is not there."""
    return InputFile(
        name=legible(name),
        source=Path(legible(source)),
        raw=MISSING,
        semantic=MISSING,
        size=0,
        kind=kind,
        is_text=False,
    )


def unreadable(name: str, error: OSError | ProjectError) -> Trouble:
    """What is wrong with the file of this name."""
    remedy = f"make {name} a readable file" if isinstance(error, OSError) else ""
    return why(error).led_by(f"{name} cannot be read: ").or_else(remedy)


def why(error: OSError | ProjectError) -> Trouble:
    """What is wrong with a file, without its name."""
    return Trouble(error.strerror or str(error)) if isinstance(error, OSError) else error.trouble
