"""`init`: a first spec beside a HEC-RAS project."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import click

from rasreconcile.cli.options import close, say
from rasreconcile.cli.targets import NAMES
from rasreconcile.cli.verb import verb
from rasreconcile.errors import ProjectError, ResultError, Trouble, UsageError
from rasreconcile.hecras_versions import parsed, saved_by, version_in
from rasreconcile.report.text import many
from rasreconcile.spelling import foreign, is_foreign

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


@verb(
    "init",
    examples=[
        ("init models/Muncie/Muncie.prj", "Write rasreconcile.yaml here, for one project."),
        ("init models", "For every project in a folder and below it."),
        ("init 'models/*/Dam.prj' dams.yaml", "For all that a pattern matches, also those that come later."),
    ],
    exits={0: "written"},
)
@click.argument("words", nargs=-1, required=True, metavar="PROJECT... [SPEC]")
@click.option(
    "--engine",
    type=click.Choice(["hec-ras", "steady"]),
    help="Engine of the plans; left out: chosen from the project and the results beside it.",
)
def command(words: tuple[str, ...], engine: str | None) -> int:
    """Write a first spec (rasreconcile.yaml) for PROJECT: a .prj of HEC-RAS, a folder, or a pattern.

    Beside it the JSON Schema of specs is written, for editors, and .gitignore gets the lines for what is made.
    """
    specs = [Path(word) for word in words if word.lower().endswith((".yaml", ".yml"))]
    named = [word for word in words if Path(word) not in specs]
    spec = specs[0] if specs else Path(NAMES[0])
    if len(specs) > 1 or not named:
        raise UsageError("name one or more projects, and at most one spec", "rasreconcile init PROJECT.prj")
    if spec.exists():
        raise UsageError(f"{spec} already exists", "name another file, or edit it")
    entries = [entry for word in named for entry in _entries(word)]
    plans = [plan for entry in entries for plan in entry.plans]
    made_by = [version for entry in entries for version in entry.made_by]
    if engine is None:
        # A steady project with results of HEC-RAS is to be adopted, not computed by another program.
        steady = all(plan.flow.startswith("f") for plan in plans) and not made_by
        engine = "steady" if steady else "hec-ras"
    version, why = _version(made_by, plans)
    text = _SPEC.format(
        engine="{type: steady}" if engine == "steady" else _HEC_RAS.format(version=version, why=why),
        install="" if engine == "steady" else _INSTALL.format(version=version) + _hints(),
        cores=os.cpu_count() or 1,
        entries="".join(_text(entry, spec.parent) for entry in _told_apart(entries, spec.parent)),
    )
    _write(spec, text)
    said = "the built-in steady engine" if engine == "steady" else f"HEC-RAS {version} ({why})"
    projects = (
        f" of {many(sum(e.projects for e in entries), 'project')}" if plans and len(entries) > 1 else ""
    )
    close(f"wrote {spec}: {many(len(plans), 'plan')}{projects}, {said}; next: rasreconcile check {spec}")
    return 0


def _write(spec: Path, text: str) -> None:
    from rasreconcile.specfile import schema_json  # noqa: PLC0415  pydantic is slow to import

    spec.parent.mkdir(parents=True, exist_ok=True)
    spec.write_text(text, encoding="utf-8", newline="\n")
    schema = spec.with_name(SCHEMA)
    schema.write_text(schema_json(), encoding="utf-8", newline="\n")
    say(f"wrote {schema}: the schema by which editors complete and check the spec")
    ignore = spec.with_name(".gitignore")
    before = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    new = [line for line in IGNORED if line not in before.splitlines()]
    if new:
        gap = "\n" if before and not before.endswith("\n") else ""
        ignore.write_text(before + gap + "\n".join(new) + "\n", encoding="utf-8")
        say(f"added {', '.join(line for line in new if not line.startswith('#'))} to {ignore}")


# ---- the projects


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a plan file says that matters here."""

    flow: str
    """Its flow file's ending, whose first letter says its kind: f steady, u unsteady, q quasi-unsteady."""
    saved_by: str | None
    """The version of HEC-RAS that last saved it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of `plans`."""

    project: str
    """A path from here, or a pattern."""
    title: str
    numbers: tuple[str, ...]
    """Empty: every plan that is listed."""
    plans: tuple[_Plan, ...]
    made_by: tuple[str, ...]
    """Versions of HEC-RAS that made its results."""
    projects: int = 1
    name: str = ""


def _entries(word: str) -> list[_Entry]:
    """What a word of the command line means: a project, a folder of projects, or a pattern."""
    from rasreconcile.resolve.patterns import each_once, matches  # noqa: PLC0415  so that --help is quick
    from rasreconcile.resolve.projects import on_disk  # noqa: PLC0415
    from rasreconcile.specfile.files import of_windows  # noqa: PLC0415

    there = on_disk(Path(word).expanduser())
    if there.is_dir():
        found = [there / one for one in each_once(there, map(PurePath, matches(there, "**/*.prj")))]
        projects = [path for path in found if _is_project(path)]
        if not projects:
            raise ProjectError(f"{there}: no HEC-RAS project here or below", "name a .prj, or another folder")
        return [_entry(path) for path in projects]
    if there.exists() or not glob.has_magic(word):
        try:
            return [_entry(there)]
        except OSError as error:
            wrong = of_windows(word) or Trouble(
                f"{there}: {error.strerror}", "name the .prj of a HEC-RAS project"
            )
            raise ProjectError(wrong) from error
    root = Path(Path(word).anchor or ".")
    inside = str(PurePath(word).relative_to(root)) if Path(word).anchor else word
    paths = [root / one for one in each_once(root, map(PurePath, matches(root, inside)))]
    some = [_entry(path) for path in paths if path.is_file() and _is_project(path)]
    if not some:
        raise ProjectError(f"{word}: matches no HEC-RAS project", "name a .prj, a folder, or another pattern")
    plans = tuple(plan for one in some for plan in one.plans)
    made_by = tuple(version for one in some for version in one.made_by)
    return [_Entry(word, f"{many(len(some), 'project')} today", (), plans, made_by, projects=len(some))]


def _is_project(path: Path) -> bool:
    from rasreconcile.project import decode, is_project  # noqa: PLC0415  as above

    with path.open("rb") as file:
        return is_project(decode(file.read(4096)))


def _entry(project: Path) -> _Entry:
    from rasreconcile.project import decode, parse_project  # noqa: PLC0415  as above

    if is_foreign(project):
        raise ProjectError(foreign(project.name))
    found = parse_project(decode(project.read_bytes()), str(project))
    plans = _plans(project, found.plans)
    left_out = [f"p{number}" for number in found.plans if number not in plans]
    if left_out:
        say(f"{project.name} lists {', '.join(left_out)}, which do not exist: left out")
    versions = tuple(_versions_of_results(project, plans))
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
    from rasreconcile.workers.kinds import KINDS  # noqa: PLC0415  so that --help is quick

    built = [kind for kind in KINDS.values() if kind.hint and kind.opener is not None]
    return "".join(f"  #   {line}\n" for kind in built for line in kind.hint.splitlines())


def _quoted(path: str) -> str:
    plain = all(c.isalnum() or c in "./_-" for c in path)
    return path if plain else "'" + path.replace("'", "''") + "'"


def _plans(project: Path, numbers: Iterable[str]) -> Mapping[str, _Plan]:
    """Those of the numbers that have a file, whatever the case of its name. Raises ProjectError where none has."""
    from rasreconcile.project import decode, entries, parse_plan  # noqa: PLC0415
    from rasreconcile.resolve.folder import Folder  # noqa: PLC0415

    folder, numbers, found = Folder(project.parent), tuple(numbers), {}
    for number in numbers:
        path = folder.find(f"{project.stem}.p{number}")
        if path is None:
            continue
        text = decode(path.read_bytes())
        programs = (entry.value for entry in entries(text) if entry.key == "Program Version" and entry.value)
        saved = saved_by(next(programs, ""))
        found[number] = _Plan(parse_plan(text, path.name).flow or "", saved)
    if not found and not numbers:
        raise ProjectError(f"{project}: lists no plan", "make one in HEC-RAS, and save the project")
    if not found:
        listed = ", ".join(f"{project.stem}.p{number}" for number in numbers)
        raise ProjectError(f"{project}: none of its plan files exists ({listed})", "put them beside it")
    return found


def _versions_of_results(project: Path, plans: Iterable[str]) -> list[str]:
    """The versions of HEC-RAS that made the results beside the project."""
    from rasreconcile.resolve.folder import Folder  # noqa: PLC0415
    from rasreconcile.results import reader_pool  # noqa: PLC0415

    folder, found = Folder(project.parent), []
    for number in plans:
        path = folder.find(f"{project.stem}.p{number}.hdf")
        if path is None:
            continue
        try:
            facts = reader_pool.read(path)
        except ResultError as error:
            click.echo(f"{path.name} does not give its version: {error}", err=True)
            continue
        version = version_in(facts.file_version)
        if version is not None and facts.kind is not None:
            found.append(version)
    return found


def _version(made_by: Sequence[str], plans: Sequence[_Plan]) -> tuple[str, str]:
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
    return newest, "the version that last saved its plans"


def _most_common(versions: Sequence[str]) -> str:
    """The newest of those that occur most."""
    counts = Counter(versions)
    return max(counts, key=lambda version: (counts[version], parsed(version)))
