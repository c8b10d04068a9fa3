"""Names in a spec that must be the name of something else in it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from rasreconcile.errors import Fault
from rasreconcile.specfile.yamltext import Document, path_of


def names_that_mean_nothing(document: Document, name: str) -> list[Fault]:
    """Faults of `only_on` and `through`; looked for in the plain values, so that they are told with all others."""
    faults = []
    for place, word, known, what in _references(document.value):
        if word not in known:
            near = get_close_matches(word, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
            faults.append(
                Fault(name, document.line_of(place), path_of(place), f"{word!r} is no {what}", remedy)
            )
    return faults


def _references(value: Any) -> Iterator[tuple[tuple[str | int, ...], str, list[str], str]]:
    workers = _mapping(_mapping(value).get("workers"))
    ssh = [name for name, worker in workers.items() if _mapping(worker).get("type") == "ssh"]
    for name, worker in workers.items():
        through = _mapping(worker).get("through")
        if isinstance(through, str):
            yield ("workers", name, "through"), through, ssh, "ssh worker of this spec"
    for index, entry in enumerate(_list(_mapping(value).get("plans"))):
        for n, word in enumerate(_list(_mapping(entry).get("only_on"))):
            if isinstance(word, str):
                yield ("plans", index, "only_on", n), word, list(workers), "worker of this spec"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
