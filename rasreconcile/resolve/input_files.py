"""One file that a plan reads: found and hashed, or missing, or in a state that cannot be read."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.plain_files import LARGEST_TEXT
from rasreconcile.plans import MISSING, InputFile
from rasreconcile.resolve.asked import Asked
from rasreconcile.resolve.digests import TEXT_KINDS
from rasreconcile.spelling import foreign, is_foreign, legible

_TEXT_ENDINGS = frozenset(
    {".txt", ".csv", ".dat", ".json", ".xml", ".yaml", ".yml", ".toml", ".py", ".sh", ".vrt"}
)


def hashed_input(source: Path, name: str, kind: str, asked: Asked) -> InputFile:
    """The input with its digests. Raises OSError where it cannot be read, ProjectError where its name is not UTF-8."""
    if is_foreign(source):
        raise ProjectError(foreign(source.name))
    found = asked.hashed(source, kind)
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
