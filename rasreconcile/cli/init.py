"""`init`: a first spec beside a HEC-RAS project."""

from __future__ import annotations

import os
from pathlib import Path

import click

from rasreconcile.errors import ProjectError, UsageError

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
_HEC_RAS = '{type: hec-ras, version: "6.6"}   # the version that must compute them'
_VOLUME = "      volume_error_percent: {at_most: 2}      # `Finished Successfully` says nothing about it\n"

_INSTALL = """\
    # ras_exe_path: /opt/hecras/6.6    # folder of the Linux solvers, where it is not found by itself
    # preprocess_on_host: true         # let the next one prepare what they need of HEC-RAS for Windows
  # office:                   # a Windows machine; or `type: local` with ras_exe_path: .../Ras.exe, through Wine
"""


@click.command(name="init")
@click.argument("project", type=click.Path(path_type=Path))
@click.argument("spec", type=click.Path(path_type=Path), default=Path("rasreconcile.yaml"))
def command(project: Path, spec: Path) -> int:
    """Write a first SPEC (rasreconcile.yaml) for the HEC-RAS project file PROJECT."""
    from rasreconcile.project import decode, parse_project  # noqa: PLC0415  so that --help is quick

    if spec.exists():
        raise UsageError(f"{spec} is there already; name another file, or edit it")
    try:
        found = parse_project(decode(project.read_bytes()), str(project))
    except OSError as error:
        raise ProjectError(f"{project}: {error.strerror}; name the .prj of a HEC-RAS project") from error
    flows = _flows(project, found.plans)
    steady = bool(flows) and all(flow.startswith("f") for flow in flows)
    unsteady = bool(flows) and all(flow.startswith("u") for flow in flows)
    text = _SPEC.format(
        engine="{type: steady}" if steady else _HEC_RAS,
        install="" if steady else _INSTALL + _hints(),
        cores=os.cpu_count() or 1,
        project=_quoted(str(os.path.relpath(str(project), str(spec.parent)))),
        title=found.title,
        numbers=", ".join(f'"{number}"' for number in found.plans if _there(project, number)),
        more=_VOLUME if unsteady else "",
    )
    spec.write_text(text, encoding="utf-8")
    click.echo(f"wrote {spec}; next: rasreconcile check {spec}")
    return 0


def _hints() -> str:
    """Other workers that a study of HEC-RAS may have, for its writer to fill in."""
    from rasreconcile.workers.kinds import KINDS  # noqa: PLC0415  so that --help is quick

    built = [kind for kind in KINDS.values() if kind.hint and kind.opener is not None]
    return "".join(f"  #   {line}\n" for kind in built for line in kind.hint.splitlines())


def _quoted(path: str) -> str:
    plain = all(c.isalnum() or c in "./_-" for c in path)
    return path if plain else "'" + path.replace("'", "''") + "'"


def _there(project: Path, number: str) -> bool:
    return project.with_suffix(f".p{number}").exists()


def _flows(project: Path, numbers: tuple[str, ...]) -> list[str]:
    """The flow file of each plan, whose first letter says its kind: f steady, u unsteady, q quasi-unsteady."""
    from rasreconcile.project import decode, parse_plan  # noqa: PLC0415

    plans = [project.with_suffix(f".p{n}") for n in numbers if _there(project, n)]
    return [parse_plan(decode(plan.read_bytes()), plan.name).flow or "" for plan in plans]
