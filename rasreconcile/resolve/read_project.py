"""What the plans of one project read, with the answers of the disk that it rests on; also as a row of a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, InputFile, digest_of
from rasreconcile.project.references import Reference
from rasreconcile.records import FileStat, Mention, Mentions
from rasreconcile.resolve.draft import Draft
from rasreconcile.resolve.findings import Closure
from rasreconcile.resolve.look import Answer, Question
from rasreconcile.resolve.producers import Producer

KIND = "closures"
"""The first word of the kind of such rows; the second is the place of the project's entry in the spec."""


@dataclass(frozen=True, slots=True)
class ReadProject:
    """Holds for as long as everything but the closures stays the same."""

    wanted: str
    """Digest of what the spec says of the plans."""
    among: str
    """Digest of all plans of the spec, any of which may make a file for these."""
    answers: Mapping[Question, Answer]
    """All that was asked of the disk."""
    makers: tuple[Producer, ...]
    closures: tuple[Closure, ...]


@cache
def rules() -> str:
    """Digest of the code that closures are made by: Python's version, and the names, sizes and times of its files. What
    other code has made is not remembered, whether or not somebody thought of raising a number."""
    package = Path(__file__).parents[1]
    code = sorted(
        path for room in (".", "resolve", "project", "results") for path in (package / room).glob("*.py")
    )
    seen = [(str(path), found.st_size, found.st_mtime_ns) for path in code for found in [path.stat()]]
    return digest_of(repr((sys.version, seen)))


def row_of(path: Path, index: int, read: ReadProject) -> Mentions:
    """Of the project at `path`. What it rests on are its answers; the stat of the row says nothing."""
    files: dict[InputFile, int] = {}
    closures = [
        [
            [files.setdefault(file, len(files)) for file in closure.inputs],
            *(_troubles(some) for some in (closure.blocked_by, closure.warnings, closure.ras_exe_lacks)),
            *(closure.prepared, closure.made, closure.computes),
        ]
        for closure in read.closures
    ]
    values = {
        "among": read.among,
        "answers": [(*question, _written(answer)) for question, answer in read.answers.items()],
        "makers": [(m.short_id, m.dss, _reference(m.dss_outside)) for m in read.makers],
        "files": [_file(file) for file in files],
        "closures": closures,
    }
    found = (Mention(KIND, json.dumps(values), remedy=_rests_on(read.wanted)),)
    return Mentions(path=path, stat=FileStat(0, 0, 0, 0), kind=f"{KIND} {index}", found=found, read_ns=0)


def read_of(row: Mentions, group: Sequence[Draft], wanted: str) -> ReadProject | None:
    """What a row remembers of these plans; None where it is of other code or of other words of the spec, or damaged."""
    try:
        (kept,) = row.found
        if kept.remedy != _rests_on(wanted):
            return None
        values = json.loads(kept.value)
        # Each path once: plans of a project share most of their files, and paths are slow to make.
        sources = {file[1]: Path(file[1]) for file in values["files"]}
        files = [_input(sources[file[1]], *file) for file in values["files"]]
        makers = [
            draft.producer(short_id, dss, out and Reference(out[0], out[1], tuple(out[2])))
            for draft, (short_id, dss, out) in zip(group, values["makers"], strict=True)
        ]
        closures = [_closure(files, *closure) for closure in values["closures"]]
        answers = {tuple(question): _read(answer) for *question, answer in values["answers"]}
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if len(closures) != len(group):
        return None
    return ReadProject(wanted, values["among"], answers, tuple(makers), tuple(closures))


def _rests_on(wanted: str) -> str:
    """Digest of what is not an answer of the disk."""
    return digest_of(f"{rules()} {wanted}")


def _written(answer: Answer) -> Any:
    """Mentions are told from other answers by their form."""
    if isinstance(answer, tuple) and answer and isinstance(answer[0], Mention):
        return {"says": [(m.what, m.value, m.line, m.remedy) for m in answer]}
    return answer


def _read(answer: Any) -> Answer:
    if isinstance(answer, dict):
        return tuple(Mention(*one) for one in answer["says"])
    return tuple(answer) if isinstance(answer, list) else answer


def _reference(reference: Reference | None) -> Any:
    return None if reference is None else (reference.spelled, reference.root, reference.parts)


def _troubles(troubles: Sequence[Trouble]) -> list[tuple[str, str]]:
    return [(trouble.what, trouble.remedy) for trouble in troubles]


def _closure(
    files: Sequence[InputFile],
    inputs: Sequence[int],
    blocked: Any,
    warnings: Any,
    lacks: Any,
    *rest: Any,
) -> Closure:
    prepared, made, computes = rest
    return Closure(
        inputs=[files[place] for place in inputs],
        blocked_by=[Trouble(*one) for one in blocked],
        warnings=[Trouble(*one) for one in warnings],
        ras_exe_lacks=[Trouble(*one) for one in lacks],
        prepared=prepared,
        made=[(Address(address), name) for address, name in made],
        computes=tuple(computes),
    )


def _file(file: InputFile) -> tuple[Any, ...]:
    counted = (file.is_text, file.counts, file.reference, file.aliases, file.named_by)
    return (file.name, str(file.source), file.raw, file.semantic, file.size, file.kind, *counted)


def _input(source: Path, *values: Any) -> InputFile:
    name, _, raw, semantic, size, kind, is_text, counts, reference, aliases, named_by = values
    return InputFile(
        name=name,
        source=source,
        raw=raw,
        semantic=semantic,
        size=size,
        kind=kind,
        is_text=is_text,
        counts=counts,
        reference=reference,
        aliases=tuple(aliases),
        named_by=named_by,
    )
