"""`init`: a first spec beside a HEC-RAS project."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from rasreconcile.errors import ProjectError, ResultError, UsageError
from rasreconcile.hecras_versions import parsed, saved_by, version_in
from rasreconcile.spelling import foreign, is_foreign

_SPEC = """\
# yaml-language-server: $schema=spec.schema.json   (written by `rasreconcile schema`)
version: 1
engine: {engine}

workers:
  desk:                       # this machine
    type: local
    worker_folder: ~/.rasreconcile/runs
    cores_total: {cores}
    cores_per_plan: 1
    queue_priority: 0
{install}
plans:
  - project: {project}        # {title}
    numbers: [{numbers}]
    expect:
      completed: true
      water_surface: {{finite: true}}
{more}"""
_HEC_RAS = '{{type: hec-ras, version: "{version}"}}   # {why}'
_USUAL = "6.6"
_OLDEST = "5.0"
"""Older ones cannot be run by themselves."""
_VOLUME = "      volume_error_percent: {at_most: 2}      # `Finished Successfully` says nothing about it\n"

_INSTALL = """\
    # ras_exe_path: /opt/hecras/{version}    # top of HEC's Linux archive, where it is not found
    # preprocess_on_host: true         # let the next one prepare what they need of HEC-RAS for Windows
  # office:                   # a Windows machine; or `type: local` with ras_exe_path: .../Ras.exe, through Wine
"""


@click.command(name="init")
@click.argument("project", type=click.Path(path_type=Path))
@click.argument("spec", type=click.Path(path_type=Path), default=Path("rasreconcile.yaml"))
@click.option(
    "--engine",
    type=click.Choice(["hec-ras", "steady"]),
    help="Engine of the plans; left out: chosen from the project and the results beside it.",
)
def command(project: Path, spec: Path, engine: str | None) -> int:
    """Write a first SPEC (rasreconcile.yaml) for the HEC-RAS project file PROJECT."""
    from rasreconcile.project import decode, parse_project  # noqa: PLC0415  so that --help is quick
    from rasreconcile.resolve.projects import on_disk  # noqa: PLC0415

    if spec.exists():
        raise UsageError(f"{spec} already exists", "name another file, or edit it")
    project = on_disk(project)
    if is_foreign(project):
        raise ProjectError(foreign(project.name))
    try:
        found = parse_project(decode(project.read_bytes()), str(project))
    except OSError as error:
        raise ProjectError(f"{project}: {error.strerror}", "name the .prj of a HEC-RAS project") from error
    plans = _plans(project, found.plans)
    flows = [plan.flow for plan in plans.values()]
    made_by = _versions_of_results(project, plans)
    if engine is None:
        # A steady project with results of HEC-RAS is to be adopted, not computed by another program.
        engine = "steady" if all(flow.startswith("f") for flow in flows) and not made_by else "hec-ras"
    version, why = _version(made_by, plans)
    text = _SPEC.format(
        engine="{type: steady}" if engine == "steady" else _HEC_RAS.format(version=version, why=why),
        install="" if engine == "steady" else _INSTALL.format(version=version) + _hints(),
        cores=os.cpu_count() or 1,
        project=_quoted(str(os.path.relpath(str(project), str(spec.parent)))),
        title=found.title,
        numbers=", ".join(f'"{number}"' for number in plans),
        more=_VOLUME if all(flow.startswith("u") for flow in flows) else "",
    )
    spec.write_text(text, encoding="utf-8")
    left_out = [f"p{number}" for number in found.plans if number not in plans]
    if left_out:
        click.echo(f"{project.name} lists {', '.join(left_out)}, which do not exist: left out")
    said = "the built-in steady engine" if engine == "steady" else f"HEC-RAS {version} ({why})"
    click.echo(
        f"wrote {spec}: {len(plans)} plan{'s' * (len(plans) != 1)}, {said}; next: rasreconcile check {spec}"
    )
    return 0


def _hints() -> str:
    """Other workers that a study of HEC-RAS may have, for its writer to fill in."""
    from rasreconcile.workers.kinds import KINDS  # noqa: PLC0415  so that --help is quick

    built = [kind for kind in KINDS.values() if kind.hint and kind.opener is not None]
    return "".join(f"  #   {line}\n" for kind in built for line in kind.hint.splitlines())


def _quoted(path: str) -> str:
    plain = all(c.isalnum() or c in "./_-" for c in path)
    return path if plain else "'" + path.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a plan file says that matters here."""

    flow: str
    """Its flow file's ending, whose first letter says its kind: f steady, u unsteady, q quasi-unsteady."""
    saved_by: str | None
    """The version of HEC-RAS that last saved it."""


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


def _version(made_by: list[str], plans: Mapping[str, _Plan]) -> tuple[str, str]:
    """The version that the spec asks for, and why."""
    if made_by:
        others = sorted({*made_by} - {_most_common(made_by)}, key=parsed)
        among = f"; other results are of {', '.join(others)}" if others else ""
        return _most_common(made_by), f"the version of its results{among}"
    saved = [plan.saved_by for plan in plans.values() if plan.saved_by]
    if not saved:
        return _USUAL, "no plan names a version; set the one that must compute them"
    newest = _most_common(saved)
    if parsed(newest) < parsed(_OLDEST):
        return _USUAL, f"its plans were last saved by {newest}, which is too old to be run"
    return newest, "the version that last saved its plans"


def _most_common(versions: list[str]) -> str:
    """The newest of those that occur most."""
    counts = Counter(versions)
    return max(counts, key=lambda version: (counts[version], parsed(version)))
