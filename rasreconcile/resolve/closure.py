"""The files a plan reads, found on disk and hashed."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rasreconcile.errors import ProjectError
from rasreconcile.plans import MISSING, InputFile
from rasreconcile.project import PlanText, decode, parse_plan
from rasreconcile.resolve.digests import LARGEST_TEXT, TEXT_KINDS, Digests
from rasreconcile.resolve.folder import Folder

_TEXT_ENDINGS = frozenset(
    {".txt", ".csv", ".dat", ".json", ".xml", ".yaml", ".yml", ".toml", ".py", ".sh", ".rasmap"}
)

_OTHER_KINDS = {"s": "sediment", "w": "water-quality"}


@dataclass(slots=True)
class Closure:
    """What a plan reads, what stands in its way, and what is odd about it."""

    inputs: list[InputFile] = field(default_factory=list)
    blocked_by: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def texts(self) -> dict[str, InputFile]:
        """The text inputs by kind."""
        return {i.kind: i for i in self.inputs if i.kind in TEXT_KINDS and i.raw != MISSING}


def closure_of(project: Path, number: str, extra: Sequence[str], folder: Folder, digests: Digests) -> Closure:
    """Everything plan `number` of `project` reads. What cannot be found or read blocks it, with the reason."""
    closure = Closure()
    stem = project.stem
    _add(closure, folder, f"{stem}.prj", "project", digests, named_by="the spec")
    plan = _add(closure, folder, f"{stem}.p{number}", "plan", digests, named_by=f"{stem}.prj")
    if plan is not None:
        try:
            _add_named(
                closure, folder, stem, parse_plan(decode(plan.source.read_bytes()), plan.source.name), digests
            )
        except (ProjectError, OSError) as error:
            closure.blocked_by.append(str(error))
    for pattern in extra:
        _add_extra(closure, folder, pattern, digests)
    return closure


def _add_named(closure: Closure, folder: Folder, stem: str, plan: PlanText, digests: Digests) -> None:
    named_by = next(i.name for i in closure.inputs if i.kind == "plan")
    for kind, ending in (("geometry", plan.geometry), ("flow", plan.flow)):
        if ending is None:
            key = "Geom File" if kind == "geometry" else "Flow File"
            closure.blocked_by.append(f"{named_by}: names no {key}; open and save the plan in HEC-RAS")
        else:
            _add(closure, folder, f"{stem}.{ending}", kind, digests, named_by=named_by)
    for ending in plan.others:
        _add(closure, folder, f"{stem}.{ending}", _OTHER_KINDS[ending[0]], digests, named_by=named_by)


def _add(
    closure: Closure, folder: Folder, name: str, kind: str, digests: Digests, *, named_by: str
) -> InputFile | None:
    """Adds the input; None where it is not there or cannot be read, which blocks the plan."""
    try:
        found = folder.find(name)
        if found is not None:
            closure.inputs.append(hashed_input(found, name, kind, digests))
            return closure.inputs[-1]
        closure.blocked_by.append(f"{name}, named by {named_by}, is not in {folder.path}; put it there")
    except (OSError, ProjectError) as error:
        closure.blocked_by.append(f"{name} cannot be read: {error}")
    closure.inputs.append(_missing(folder.path / name, name, kind))
    return None


def _add_extra(closure: Closure, folder: Folder, pattern: str, digests: Digests) -> None:
    known = {i.name for i in closure.inputs}
    if glob.has_magic(pattern):
        names = sorted(glob.glob(pattern, root_dir=folder.path, recursive=True))
        if not names:
            closure.warnings.append(f"inputs: {pattern} matches nothing in {folder.path}")
    else:
        names = [pattern]
    for name in (PurePosixPath(Path(n).as_posix()).as_posix() for n in names):
        source = folder.path / name
        if name in known or source.is_dir():
            continue
        try:
            closure.inputs.append(hashed_input(source, name, "extra", digests))
        except OSError as error:
            closure.inputs.append(_missing(source, name, "extra"))
            closure.blocked_by.append(f"{name}, named by `inputs`, cannot be read: {error.strerror or error}")


def hashed_input(source: Path, name: str, kind: str, digests: Digests) -> InputFile:
    """The input with its digests. Raises OSError where it cannot be read."""
    hashed = digests.of(source, kind)
    text = kind in TEXT_KINDS or (source.suffix.lower() in _TEXT_ENDINGS and hashed.stat.size <= LARGEST_TEXT)
    return InputFile(
        name=name,
        source=source,
        raw=hashed.raw,
        semantic=hashed.semantic,
        size=hashed.stat.size,
        kind=kind,
        is_text=text,
    )


def _missing(source: Path, name: str, kind: str) -> InputFile:
    return InputFile(
        name=name, source=source, raw=MISSING, semantic=MISSING, size=0, kind=kind, is_text=False
    )
