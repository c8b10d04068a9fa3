"""How a notebook or a script begins: with a spec file, or with a project."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rasreconcile.api.composed import Numbers, composed
from rasreconcile.api.machine import ours
from rasreconcile.api.study import Study
from rasreconcile.api.workers import Worker


@ours
def open(spec: str | os.PathLike[str]) -> Study:  # noqa: A001  `rasreconcile.open`
    """The study of a spec file. Raises SpecError with every fault of the spec."""
    from rasreconcile.specfile import load  # noqa: PLC0415  pydantic and yaml only where needed

    return Study(load(Path(spec)))


@ours
def study(
    project: str | os.PathLike[str],
    numbers: Numbers = (),
    *,
    workers: Sequence[Worker] = (),
    engine: str | Mapping[str, Any] | None = None,
    expect: Mapping[str, Any] | None = None,
    **more: Any,
) -> Study:
    """The study of one project, without a spec file.

    `numbers`: `"04"`, `["04", "06-12"]`; left out: every plan that the .prj lists. `workers`: left out, this machine.
    `engine`: `"6.6"` (HEC-RAS), `"steady"`, or a mapping as in a spec; left out: HEC-RAS in the version that last saved
    the plans. `more`: further keys of a spec, as in docs/spec.md. Paths are relative to the project's folder.

    The store is `.rasreconcile/<project>.rasreconcile.db` beside the project, whatever numbers and workers are given:
    to call it again with others is to edit the same study. Raises SpecError, ProjectError, UsageError.
    """
    return Study(composed(project, numbers, workers, engine, expect=expect, more=more))
