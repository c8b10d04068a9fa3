"""Which projects the entries of a spec mean, and the prefix of the addresses of their plans."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath

from rasreconcile.account import expanded
from rasreconcile.errors import Fault, ProjectError, Trouble
from rasreconcile.plain_files import whole
from rasreconcile.project import ProjectText, decode, is_project, parse_project
from rasreconcile.project.references import mapped_word
from rasreconcile.project.text import refuse_utf_16
from rasreconcile.resolve.folder import Folder
from rasreconcile.resolve.near_project import near_project
from rasreconcile.resolve.patterns import each_once, listed, matches
from rasreconcile.resolve.search import Search
from rasreconcile.resolve.shown import shown
from rasreconcile.spec import PlanEntry
from rasreconcile.specfile import LoadedSpec
from rasreconcile.specfile.files import is_windows_path
from rasreconcile.spelling import composed, foreign, is_foreign, legible


@dataclass(frozen=True, slots=True)
class FoundProject:
    """A project that an entry means."""

    entry: PlanEntry
    index: int
    """The entry's place in `plans`."""
    path: Path
    prefix: str
    """`Muncie`, or `realization-1/Model` where the entry is a glob."""
    text: ProjectText
    remark: Trouble | None = None
    """What the search for it left out."""
    fault: Trouble | None = None
    """Why nothing can be computed of it; then `path` and `prefix` are as messages show them."""


def find_projects(loaded: LoadedSpec) -> tuple[tuple[FoundProject, ...], tuple[Fault, ...]]:
    """Every project of every entry, in the order of the spec, and what is wrong with the entries."""
    found: list[FoundProject] = []
    faults: list[Fault] = []
    for index, entry in enumerate(loaded.spec.plans):
        try:
            search = Search(entry.project)
            matches = list(_matches(loaded, entry, search))
            read = [_read(loaded, index, path, composed(prefix)) for path, prefix in matches]
            remark = search.remark()
            projects = [replace(project, remark=remark) for project in read if project is not None]
            found += projects
            if not projects:
                what = f"{entry.project}: matches no HEC-RAS project"
                raise ProjectError(remark or Trouble(what, _looked_for(entry.project)))
        except ProjectError as error:
            faults.append(entry_fault(loaded, index, error.trouble, key="project"))
    return tuple(found), tuple(faults)


def entry_fault(loaded: LoadedSpec, index: int, trouble: Trouble, *, key: str | None = None) -> Fault:
    """A fault at an entry of `plans`."""
    place: tuple[str | int, ...] = ("plans", index) if key is None else ("plans", index, key)
    path = f"plans[{index}]" + (f".{key}" if key else "")
    return Fault(loaded.name, loaded.line_of(place), path, trouble.what, trouble.remedy)


def _matches(loaded: LoadedSpec, entry: PlanEntry, search: Search) -> Iterator[tuple[Path, str]]:
    pattern = expanded(_here(loaded, entry.project))
    root, varying_parts = _as_it_stands(loaded.folder, pattern)
    if not varying_parts:
        yield root, entry.name or root.stem
        return
    listing = partial(listed, seen_from=loaded.folder)
    found = matches(root, str(PurePath(*varying_parts)), listing, search)
    for match in each_once(root, map(PurePath, found)):
        varying = match.with_suffix("").as_posix()
        yield root / match, f"{entry.name}/{varying}" if entry.name else varying


def _here(loaded: LoadedSpec, project: str) -> str:
    """A path of another machine as `path_map` has it on this one; every other as it is."""
    if os.name == "nt" or not is_windows_path(project):
        return project
    return mapped_word(project, {prefix: str(place) for prefix, place in loaded.path_map.items()}) or project


def on_disk(path: Path) -> Path:
    """The path as it is spelled there, where it exists in another case or with its accents stored otherwise only."""
    if os.path.exists(path):  # noqa: PTH110  Path.exists raises for a name that is too long
        return path
    here = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        exact = here / part
        found = None if os.path.exists(exact) or not here.is_dir() else Folder(here).find(part)  # noqa: PTH110
        here = exact if found is None else found
    return here if os.path.exists(here) else path  # noqa: PTH110


def _as_it_stands(folder: Path, pattern: PurePath) -> tuple[Path, tuple[str, ...]]:
    """The path up to its first wildcard, and the parts from there on. A name with brackets that exists has none."""
    here = folder
    for at, part in enumerate(pattern.parts):
        below = on_disk(here / part)
        is_name = not {"*", "?"} & set(part) and os.path.exists(below)  # noqa: PTH110  as above
        if glob.has_magic(part) and not is_name:
            return here, pattern.parts[at:]
        here = below
    return on_disk(folder / pattern), ()


def _read(loaded: LoadedSpec, index: int, path: Path, prefix: str) -> FoundProject | None:
    """None: a glob also met an ESRI projection, which carries the same ending."""
    entry, name = loaded.spec.plans[index], shown(path, loaded.folder)
    try:
        data = whole(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProjectError(f"{legible(name)}: {reason}", near_project(path, legible(name))) from error
    text = decode(data)
    if glob.has_magic(entry.project) and not is_project(text):
        return None
    refuse_utf_16(data, legible(name))
    said = parse_project(text, legible(name))
    if is_foreign(path):
        place = Path(legible(path.absolute()))
        return FoundProject(entry, index, place, legible(prefix), said, fault=foreign(path.name))
    return FoundProject(entry, index, path.absolute(), prefix, said)


def _looked_for(pattern: str) -> str:
    return f"paths are relative to the spec file ({pattern} is looked for there)"
