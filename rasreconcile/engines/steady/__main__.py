"""Computes one plan: python -m rasreconcile.engines.steady PROJECT.prj NN, in the project's folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rasreconcile.engines.steady.result import FILE_VERSION, FINISHED, write
from rasreconcile.engines.steady.river_model import parse_model
from rasreconcile.engines.steady.solution import solve
from rasreconcile.errors import ProjectError
from rasreconcile.plain_files import whole
from rasreconcile.project import decode, parse_plan


def main(arguments: Sequence[str]) -> int:
    """0: the result HDF is there. 1: an `ERROR:` line says why not."""
    if len(arguments) != 2:
        print("ERROR: give the project file and the plan's number: steady Muncie.prj 04")
        return 1
    try:
        compute(Path(arguments[0]), arguments[1])
    except (ProjectError, OSError) as error:
        print(f"ERROR: {error}", flush=True)
        return 1
    return 0


def compute(project: Path, number: str) -> None:
    """Reads the plan's files beside the project, solves, and writes `<project>.pNN.hdf`."""
    began = datetime.now()  # noqa: DTZ005  HEC-RAS's own times have no zone either
    messages: list[str] = []

    def tell(text: str) -> None:
        messages.append(text)
        print(text, flush=True)

    plan = _found(project.with_suffix(f".p{number}"))
    named = parse_plan(decode(whole(plan)), plan.name)
    paths = {"project": project, "plan": plan}
    for kind, ending in (("geometry", named.geometry), ("flow", named.flow)):
        if ending is None:
            raise ProjectError(f"{plan.name}:1: names no {kind} file", "open and save the plan in HEC-RAS")
        paths[kind] = _found(project.with_suffix(f".{ending}"))
    names = {kind: path.name for kind, path in paths.items()}
    model = parse_model({kind: whole(path) for kind, path in paths.items()}, names)
    tell(f"Plan: '{model.short_id}' ({plan.name})")
    tell(f"Simulation started at: {began:%d%b%Y %H:%M:%S}")
    tell(f"Steady Flow Simulation {FILE_VERSION}")
    solved = solve(model, tell)
    tell(FINISHED)
    ended = datetime.now()  # noqa: DTZ005  as above
    write(
        project.with_suffix(f".p{number}.hdf"),
        model,
        solved,
        names=names,
        messages=messages,
        window=(began, ended),
    )


def _found(path: Path) -> Path:
    """The file by its exact name, else whatever its case."""
    if path.exists():
        return path
    others = [p for p in path.parent.iterdir() if p.name.casefold() == path.name.casefold()]
    if len(others) != 1:
        raise ProjectError(f"{path.name} is not in the folder", "put it there")
    return others[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
