"""Real projects in folders of their own, and what resolving makes of them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rasreconcile.engines.registry import engine_for
from rasreconcile.plans import Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.specfile import load

SPEC = """\
version: 1
path_map: {{'{prefix}': {place}}}
engine: {engine}
workers: {{desk: {{type: local}}}}
plans: [{{project: project/{project}, numbers: {numbers}, inputs: [{extra}]}}]
"""

HEC_RAS = '{type: hec-ras, version: "6.1"}'
THEN_NS = 1_700_000_000_000_000_000


@dataclass
class Model:
    """A copy of a project whose files are all of one time."""

    folder: Path
    project: str

    def plan(
        self,
        number: str = "01",
        *,
        engine: str = HEC_RAS,
        prefix: str = "Q:/nowhere",
        place: str = ".",
        others: tuple[str, ...] = (),
        extra: str = "",
    ) -> Plan:
        """As resolved from scratch. `others`: plans of the project that are in the spec too; `extra`: its `inputs`."""
        numbers = f"[{', '.join(repr(n) for n in (number, *others))}]"
        spec = SPEC.format(
            prefix=prefix, place=place, engine=engine, project=self.project, numbers=numbers, extra=extra
        )
        path = self.folder.parent / "spec.yaml"
        path.write_text(spec)
        contents = Contents({}, time.time_ns, associations)
        found = resolve(load(path), Digests({}, time.time_ns), engine_for, contents=contents)
        return next(plan for plan in found.plans if plan.number == number)

    def plans(self, listed: str, engine: str = "{type: command, command: [x]}") -> dict[str, Plan]:
        """Of a spec with these entries, by address."""
        path = self.folder.parent / "spec.yaml"
        workers = "workers: {desk: {type: local}}"
        path.write_text(f"version: 1\nengine: {engine}\n{workers}\nplans:\n{listed}")
        contents = Contents({}, time.time_ns, associations)
        found = resolve(load(path), Digests({}, time.time_ns), engine_for, contents=contents)
        return {plan.address: plan for plan in found.plans}

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode("cp1252") if isinstance(data, str) else data)
        os.utime(path, ns=(THEN_NS, THEN_NS))
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_bytes().decode("latin-1")
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1).encode("latin-1"))


@pytest.fixture
def model(tmp_path: Path, hecras_data: Path) -> Callable[[str, str], Model]:
    """A project of the real data, copied."""

    def of(folder: str, project: str) -> Model:
        target = tmp_path / "project"
        shutil.copytree(hecras_data / folder, target, copy_function=shutil.copyfile)
        for path in (target, *target.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.utime(path, ns=(THEN_NS, THEN_NS))
        return Model(target, project)

    return of


@pytest.fixture
def muncie(model: Callable[[str, str], Model]) -> Model:
    return model("muncie2d-unsteady", "Muncie2D.prj")
