"""The plan set: which plans, and what their results must show."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from reprlib import repr as short
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from rasreconcile.errors import Wrong
from rasreconcile.output_names import output_trouble
from rasreconcile.reserved import is_reserved
from rasreconcile.spec.base import ADDRESS_PREFIX, Minutes, Patience, SpecModel, Tuple, Words
from rasreconcile.spec.engines import EngineSpec
from rasreconcile.spec.expectations import Expectations


def numbers(value: Any) -> tuple[str, ...]:
    """`["04", "06-12", 3]` -> two digits each, in order, each once."""
    if value is None or value == []:
        raise Wrong("is empty", _EVERY)
    if isinstance(value, dict):
        raise Wrong("is not a list", 'write ["04", "06-12"]')
    found: dict[str, None] = {}
    for word in value if isinstance(value, list | tuple) else [value]:
        text = f"{word:02d}" if isinstance(word, int) and not isinstance(word, bool) else word
        match = re.fullmatch(r"p?([0-9]{2})(?:-p?([0-9]{2}))?", text) if isinstance(text, str) else None
        if match is None:
            raise Wrong(f"{_as_written(word)} is not a plan number", _meant(word))
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last:
            remedy = "write the smaller one first" if first else "begin with 01"
            raise Wrong(f"{short(word)}: plan numbers run from 01 to 99", remedy)
        found |= {f"{number:02d}": None for number in range(first, last + 1)}
    return tuple(found)


_EVERY = "leave it out to take every plan the .prj lists"


def _as_written(word: object) -> str:
    if word is None or isinstance(word, bool):
        return "null" if word is None else str(word).lower()
    return short(word)


def _meant(word: object) -> str:
    """What to write instead of a word that is not a plan number."""
    if isinstance(word, str) and word.casefold() in {"all", "*", "every"}:
        return _EVERY
    if type(word) is int:
        return "they run from 01 to 99"
    if isinstance(word, str) and "," in word:
        return 'write a list, ["04", "06"]'
    return 'write two digits, "04", or a range, "06-12"'


Numbers = Annotated[
    tuple[str, ...],
    BeforeValidator(numbers),
    Field(strict=False),
    WithJsonSchema(
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "pattern": r"^p?\d\d(-p?\d\d)?$"},
                    {"type": "integer", "minimum": 1, "maximum": 99},
                ]
            },
            "examples": [["04", "06-12"]],
        }
    ),
]


class StopWhen(SpecModel):
    """What a run must show in its messages to be ended before its time; the plan is then quarantined."""

    unstable: bool = True
    """The messages say that the solution went unstable, or a water surface is not a finite number."""
    volume_error_percent: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The absolute overall volume accounting error is larger than this."""
    iterations_at_limit: Annotated[int, Field(ge=1)] | None = None
    """More computation steps than this ran out of iterations."""


class PlanEntry(SpecModel):
    """Some plans of a project, or of every project that a pattern matches."""

    project: Words
    """The .prj, relative to the spec file; with `*`, `?` or `**`: every match is a project."""
    name: Annotated[str, Field(pattern=ADDRESS_PREFIX)] | None = None
    """First part of the addresses of these plans; the project's name where left out."""
    numbers: Numbers = ()
    """Plan numbers and ranges; left out: every plan the .prj lists."""
    expect: Expectations = Expectations()
    """What the results must show."""
    engine: EngineSpec | None = None
    """Instead of the spec's own engine."""
    cores: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Cores for each run, instead of the worker's cores_per_plan."""
    max_runtime_minutes: Minutes | None = None
    """A run that takes longer is ended; 7 days where left out."""
    stalled_after: Patience | None = None
    """Instead of the spec's own."""
    inputs: Tuple = ()
    """Files that the project does not name, relative to its folder; patterns allowed."""
    outputs: Tuple = ()
    """Further files that a run must bring back, published with the result: `"{stem}.O{number}"`, `"maps/*.tif"`.
    Relative to the project's folder; {stem} and {number} are replaced, `*` and `?` match within one name."""
    needs: Tuple = ()
    """Addresses of plans that must be current before these run."""
    only_on: Tuple = ()
    """Names of the workers that may run these plans; left out: every worker."""
    clear_geompre: bool = False
    """Let HEC-RAS make its geometry tables again. A run never gets preprocessor files of an earlier one."""
    stop_when: StopWhen | None = None
    """End a run early; left out: the spec's own `stop_when`."""
    results: Words | None = None
    """Folder for the results of these plans, relative to the spec file, instead of the spec's own `results`."""

    @field_validator("name")
    @classmethod
    def _below_results(cls, value: str | None) -> str | None:
        # The name is also a folder below `results`.
        if value is not None and ({"", ".", ".."} & set(value.split("/")) or ":" in value):
            raise Wrong(f"{short(value)} leads out of the results folder", "write a plain name, or a/b")
        for part in value.split("/") if value else ():
            if is_reserved(part):
                raise Wrong(f"{short(part)} is not a name that Windows can give a folder", "choose another")
        return value

    @field_validator("inputs")
    @classmethod
    def _inside(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            absolute = PurePosixPath(word).is_absolute() or PureWindowsPath(word).anchor
            if absolute or ".." in PureWindowsPath(word).parts:
                raise Wrong(f"{short(word)} leads out of the project's folder", "put the file inside it")
        return value

    @field_validator("outputs")
    @classmethod
    def _brought_back(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if trouble := output_trouble(word):
                raise Wrong(f"{short(word)} {trouble.what}", trouble.remedy or "change it")
        return value
