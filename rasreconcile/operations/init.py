"""`init`: a first spec beside HEC-RAS projects, with its schema and the lines of .gitignore."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

from rasreconcile.account import expanded
from rasreconcile.errors import ProjectError, Trouble, UsageError
from rasreconcile.hecras_versions import parsed
from rasreconcile.operations.found_plans import FoundPlan, Tell, found_plans, versions_of_results
from rasreconcile.plain_files import NotPlain, head, whole
from rasreconcile.project import decode, is_project, parse_project
from rasreconcile.report.text import many
from rasreconcile.resolve.patterns import each_once, matches
from rasreconcile.resolve.projects import on_disk
from rasreconcile.specfile import schema_json
from rasreconcile.specfile.files import of_windows
from rasreconcile.spelling import foreign, is_foreign
from rasreconcile.workers.kinds import KINDS

_SPEC = """\
# yaml-language-server: $schema=spec.schema.json
# Which HEC-RAS results must exist, what they must show, and who computes them. `rasreconcile check` reads this file,
# `diff` shows what `apply` would do. Editors complete it by the schema beside it; docs/spec.md says all about it.
version: 1
engine: {engine}

# results: results             # a folder for results; left out: beside each project, where HEC-RAS writes them
# path_map:                    # where folders of other machines are on this one, for paths in projects and `project:`
#   'C:\\Models': ../models
# max_fails: 10%               # stop when so many plans have failed: a common cause is likely
# stalled_after: 30m           # end a run that writes nothing for so long
# retries: {{attempts: 3, wait: 30s}}

workers:
  desk:                       # this machine
    type: local
    worker_folder: ~/.rasreconcile/runs
    cores_total: {cores}
    cores_per_plan: 1         # cores_total / cores_per_plan runs at once
    queue_priority: 0         # 0 to 9, lower ones first
{install}
plans:                        # `project:` takes patterns too: models/*/*.prj
{entries}"""
_ENTRY = """\
  - project: {project}        # {title}
{more}    expect:                   # what a good result shows; see docs/results.md
      completed: true
      water_surface: {{finite: true}}        # between: [900.0, 990.0]
{volume}"""
_HEC_RAS = '{{type: hec-ras, version: "{version}"}}   # {why}'
_USUAL = "6.6"
_OLDEST = "5.0"
"""Older ones cannot be run by themselves."""
_NEVER_RELEASED = frozenset({"5.1"})
"""Test versions that have saved many plans: HEC's own examples say `Program Version=5.10`. 6.0 came of it."""
_VOLUME = "      volume_error_percent: {at_most: 2}      # `Finished Successfully` says nothing about it\n"

_INSTALL = """\
    # ras_exe_path: /opt/hecras/{version}    # top of HEC's Linux archive, where it is not found
    # preprocess_on_host: false        # the next one does not prepare what they need of HEC-RAS for Windows
  # office:                   # a Windows machine; or `type: local` with ras_exe_path: .../Ras.exe, through Wine
"""

SCHEMA = "spec.schema.json"
IGNORED = (
    "# rasreconcile: its store, and the results that `apply` makes",
    ".rasreconcile/",
    "*.p[0-9][0-9].hdf*",
)
EngineName = Literal["hec-ras", "steady"]


@dataclass(frozen=True, slots=True)
class Written:
    """A first spec, and what is beside it."""

    spec: Path
    schema: Path
    ignore: Path
    ignored: tuple[str, ...]
    """Lines that its .gitignore has now and had not."""
    entries: int
    projects: int
    plans: int
    engine: str
    """Which one, and why, in words."""


def init(words: Sequence[str], spec: Path, engine: EngineName | None, tell: Tell) -> Written:
    """Writes a spec for these projects, folders and patterns; never over a file.

    `engine`: None: chosen from the projects and the results beside them. Raises ProjectError, UsageError.
    """
    if spec.exists():
        raise UsageError(f"{spec} already exists", "name another file, or edit it")
    found = [entry for word in words for entry in _entries(word, tell)]
    plans = [plan for entry in found for plan in entry.plans]
    made_by = [version for entry in found for version in entry.made_by]
    if engine is None:
        # A steady project with results of HEC-RAS is to be adopted, not computed by another program.
        steady = all(plan.flow.startswith("f") for plan in plans) and not made_by
        refused = (
            next((plan.steady_refuses for plan in plans if plan.steady_refuses), None) if steady else None
        )
        if refused is not None:
            tell(
                f"{refused.what}: HEC-RAS is taken; `--engine steady` chooses the steady engine all the same"
            )
        engine = "steady" if steady and refused is None else "hec-ras"
    version, why = _version(made_by, plans)
    text = _SPEC.format(
        engine="{type: steady}" if engine == "steady" else _HEC_RAS.format(version=version, why=why),
        install="" if engine == "steady" else _INSTALL.format(version=version) + _hints(),
        cores=os.cpu_count() or 1,
        entries="".join(_text(entry, spec.parent) for entry in _told_apart(found, spec.parent)),
    )
    schema, ignore = spec.with_name(SCHEMA), spec.with_name(".gitignore")
    spec.parent.mkdir(parents=True, exist_ok=True)
    spec.write_text(text, encoding="utf-8", newline="\n")
    schema.write_text(schema_json(), encoding="utf-8", newline="\n")
    return Written(
        spec=spec,
        schema=schema,
        ignore=ignore,
        ignored=_ignored(ignore),
        entries=len(found),
        projects=sum(entry.projects for entry in found),
        plans=len(plans),
        engine="the built-in steady engine" if engine == "steady" else f"HEC-RAS {version} ({why})",
    )


def _ignored(ignore: Path) -> tuple[str, ...]:
    before = whole(ignore).decode("utf-8") if ignore.exists() else ""
    new = tuple(line for line in IGNORED if line not in before.splitlines())
    if new:
        gap = "\n" if before and not before.endswith("\n") else ""
        ignore.write_text(before + gap + "\n".join(new) + "\n", encoding="utf-8")
    return new


# ---- the projects


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of `plans`."""

    project: str
    """A path from here, or a pattern."""
    title: str
    numbers: tuple[str, ...]
    """Empty: every plan that is listed."""
    plans: tuple[FoundPlan, ...]
    made_by: tuple[str, ...]
    """Versions of HEC-RAS that made its results."""
    projects: int = 1
    name: str = ""


def _entries(word: str, tell: Tell) -> list[_Entry]:
    """What a word of the command line means: a project, a folder of projects, or a pattern."""
    there = on_disk(expanded(word))
    if there.is_dir():
        found = [there / one for one in each_once(there, map(PurePath, matches(there, "**/*.prj")))]
        projects = [path for path in found if _is_project(path)]
        if not projects:
            raise ProjectError(f"{there}: no HEC-RAS project here or below", "name a .prj, or another folder")
        return _with_plans(projects, tell)
    if there.exists() or not glob.has_magic(word):
        try:
            return [_entry(there, tell)]
        except OSError as error:
            wrong = of_windows(word) or Trouble(
                f"{there}: {error.strerror}", "name the .prj of a HEC-RAS project"
            )
            raise ProjectError(wrong) from error
    root = Path(Path(word).anchor or ".")
    inside = str(PurePath(word).relative_to(root)) if Path(word).anchor else word
    paths = [root / one for one in each_once(root, map(PurePath, matches(root, inside)))]
    some = [_entry(path, tell) for path in paths if path.is_file() and _is_project(path)]
    if not some:
        raise ProjectError(f"{word}: matches no HEC-RAS project", "name a .prj, a folder, or another pattern")
    plans = tuple(plan for one in some for plan in one.plans)
    made_by = tuple(version for one in some for version in one.made_by)
    return [_Entry(word, f"{many(len(some), 'project')} today", (), plans, made_by, projects=len(some))]


def _with_plans(projects: Sequence[Path], tell: Tell) -> list[_Entry]:
    """Of the projects of a folder those that can be computed. Raises ProjectError where none can."""
    found, left_out = list[_Entry](), list[ProjectError]()
    for path in projects:
        try:
            found.append(_entry(path, tell))
        except ProjectError as error:
            left_out.append(error)
    if not found:
        raise left_out[0]
    for why in left_out:
        tell(f"{why.trouble.what}: left out")
    return found


def _is_project(path: Path) -> bool:
    try:
        return is_project(decode(head(path, 4096)))
    except NotPlain:
        return False


def _entry(project: Path, tell: Tell) -> _Entry:
    if is_foreign(project):
        raise ProjectError(foreign(project.name))
    found = parse_project(decode(whole(project)), str(project))
    plans = found_plans(project, found.plans)
    left_out = [f"p{number}" for number in found.plans if number not in plans]
    if left_out:
        does = "does" if len(left_out) == 1 else "do"
        tell(f"{project.name} lists {', '.join(left_out)}, which {does} not exist: left out")
    versions = tuple(versions_of_results(project, plans, tell))
    return _Entry(str(project), found.title, tuple(plans), tuple(plans.values()), versions)


def _told_apart(entries: Sequence[_Entry], folder: Path) -> list[_Entry]:
    """With a name for each of the projects that are called alike: addresses begin with it."""
    stems = Counter(Path(entry.project).stem.casefold() for entry in entries)
    return [
        entry
        if stems[Path(entry.project).stem.casefold()] == 1 or not entry.numbers
        else replace(entry, name=_named(Path(os.path.relpath(entry.project, folder))))
        for entry in entries
    ]


def _named(path: Path) -> str:
    return "/".join(part for part in path.with_suffix("").parts if part not in {"..", path.anchor})


def _text(entry: _Entry, folder: Path) -> str:
    more = f"    name: {_quoted(entry.name)}\n" if entry.name else ""
    if entry.numbers:
        numbers = ", ".join(f'"{number}"' for number in entry.numbers)
        more += f"    numbers: [{numbers}]\n"
    return _ENTRY.format(
        project=_quoted(Path(os.path.relpath(entry.project, folder)).as_posix()),
        title=entry.title,
        more=more,
        volume=_VOLUME if all(plan.flow.startswith("u") for plan in entry.plans) else "",
    )


def _hints() -> str:
    """Other workers that a study of HEC-RAS may have, for its writer to fill in."""
    built = [kind for kind in KINDS.values() if kind.hint and kind.opener is not None]
    return "".join(f"  #   {line}\n" for kind in built for line in kind.hint.splitlines())


def _quoted(path: str) -> str:
    plain = all(c.isalnum() or c in "./_-" for c in path)
    return path if plain else "'" + path.replace("'", "''") + "'"


def _version(made_by: Sequence[str], plans: Sequence[FoundPlan]) -> tuple[str, str]:
    """The version that the spec asks for, and why."""
    if made_by:
        others = sorted({*made_by} - {_most_common(made_by)}, key=parsed)
        among = f"; other results are of {', '.join(others)}" if others else ""
        return _most_common(made_by), f"the version of its results{among}"
    saved = [plan.saved_by for plan in plans if plan.saved_by]
    if not saved:
        return _USUAL, "no plan names a version; set the one that must compute them"
    newest = _most_common(saved)
    if parsed(newest) < parsed(_OLDEST):
        return _USUAL, f"its plans were last saved by {newest}, which is too old to be run"
    if newest in _NEVER_RELEASED:
        return _USUAL, f"its plans were last saved by {newest}, a test version that was never released"
    return newest, "the version that last saved its plans"


def _most_common(versions: Sequence[str]) -> str:
    """The newest of those that occur most."""
    counts = Counter(versions)
    return max(counts, key=lambda version: (counts[version], parsed(version)))
