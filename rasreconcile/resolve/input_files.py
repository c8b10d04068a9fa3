"""One input of a plan: a file with its digests, or the place where it is missing."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.errors import ProjectError
from rasreconcile.plain_files import LARGEST_TEXT
from rasreconcile.plans import MISSING, InputFile
from rasreconcile.resolve.digests import TEXT_KINDS, Digests
from rasreconcile.spelling import foreign, is_foreign, legible

_TEXT_ENDINGS = frozenset(
    {".txt", ".csv", ".dat", ".json", ".xml", ".yaml", ".yml", ".toml", ".py", ".sh", ".vrt"}
)


def hashed_input(source: Path, name: str, kind: str, digests: Digests) -> InputFile:
    """The input with its digests. Raises OSError where it cannot be read, ProjectError where its name is not UTF-8."""
    if is_foreign(source):
        raise ProjectError(foreign(source.name))
    hashed = digests.of(source, kind)
    text = kind in TEXT_KINDS or (
        kind in {"extra", "terrain"}
        and source.suffix.lower() in _TEXT_ENDINGS
        and hashed.stat.size <= LARGEST_TEXT
    )
    return InputFile(
        name=name,
        source=source,
        raw=hashed.raw,
        semantic=hashed.semantic,
        size=hashed.stat.size,
        kind=kind,
        is_text=text,
    )


def missing_input(source: Path, name: str, kind: str) -> InputFile:
    """The input that is not there."""
    return InputFile(
        name=legible(name),
        source=Path(legible(source)),
        raw=MISSING,
        semantic=MISSING,
        size=0,
        kind=kind,
        is_text=False,
    )
