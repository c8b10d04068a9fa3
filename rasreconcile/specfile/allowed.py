"""What a spec has executed, and whether the operator has allowed it: specs from a repository are others' words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from rasreconcile.errors import UsageError
from rasreconcile.spec import CommandEngine, EngineSpec
from rasreconcile.specfile.loader import LoadedSpec


def refuse_programs(loaded: LoadedSpec, allowed: Sequence[str]) -> None:
    """Raises UsageError for the first program, image or option of a scheduler that no pattern of `allowed` fits.

    The built-in engine, and HEC-RAS in its usual places, are what every study may use.
    """
    for where, program in programs(loaded):
        # Messages show paths as they are reached from the spec.
        spellings = (program, program.replace(f"{loaded.folder}/", ""))
        if not any(fnmatchcase(spelled, pattern) for spelled in spellings for pattern in allowed):
            raise UsageError(
                f"{loaded.name}: {where}: {program} is not allowed here",
                f"whoever runs this may allow it: --allow {shlex.quote(program)}",
            )


def programs(loaded: LoadedSpec) -> Iterator[tuple[str, str]]:
    """Where it stands, and what is executed: a command with its words, a program, an image."""
    spec = loaded.spec
    yield from _of_engine("engine", spec.engine)
    for number, entry in enumerate(spec.plans):
        if entry.engine is not None:
            yield from _of_engine(f"plans[{number}].engine", entry.engine)
    for name, worker in spec.workers.items():
        for field in loaded.kind_of(name).executes:
            value = getattr(worker, field)
            for program in (value,) if isinstance(value, str) else value or ():
                yield f"workers.{name}.{field}", program


def _of_engine(where: str, engine: EngineSpec) -> Iterator[tuple[str, str]]:
    if isinstance(engine, CommandEngine):
        yield where, shlex.join(engine.command)
