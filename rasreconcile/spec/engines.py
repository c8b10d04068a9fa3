"""Which program computes a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from rasreconcile.spec.base import VARIABLE, VERSION, SpecModel


class HecRasEngine(SpecModel):
    """HEC-RAS itself, as installed on the workers."""

    type: Literal["hec-ras"]
    """`hec-ras`."""
    version: Annotated[str, Field(pattern=VERSION)]
    """As in `"6.6"`, which means every 6.6.x, `"6.3.1"`, or `"6.7 Beta 5"`, not `"6.7"`; a worker whose HEC-RAS
    is another version is refused."""


class SteadyEngine(SpecModel):
    """The built-in one-dimensional steady engine."""

    type: Literal["steady"]
    """`steady`."""


class CommandEngine(SpecModel):
    """Any program that reads a HEC-RAS project and writes the plan's result HDF."""

    type: Literal["command"]
    """`command`."""
    command: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Argument list, no shell. {project} {plan} {number} {stem} {cores} {output} are replaced."""
    version: str = ""
    """Part of the fingerprint: raise it when the program behind the command changes."""
    env: Mapping[Annotated[str, Field(pattern=VARIABLE)], str] = {}
    """Environment of the command; never a secret: it is stored and shown."""


EngineSpec = Annotated[HecRasEngine | SteadyEngine | CommandEngine, Field(discriminator="type")]
