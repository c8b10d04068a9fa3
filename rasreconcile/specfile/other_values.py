"""A spec as it would be with another value here and there: `workers.cloud.cores_total=64`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasreconcile.errors import UsageError
from rasreconcile.specfile.faults import near
from rasreconcile.specfile.loader import LoadedSpec, reloaded
from rasreconcile.specfile.yamltext import parse


def what_if(loaded: LoadedSpec, changes: Sequence[str]) -> LoadedSpec:
    """`changes`: `KEY.KEY=VALUE`, the value in YAML; `null` takes the key out. Raises UsageError, SpecError."""

    def changed(value: Any) -> None:
        for change in changes:
            _set(value, change)

    return reloaded(loaded, changed)


def _set(spec: Any, change: str) -> None:
    place, equals, text = change.partition("=")
    parts = place.strip().split(".")
    if not equals or not all(parts):
        raise _wrong(
            change, "it names no key and value", "write KEY.KEY=VALUE, as workers.desk.cores_total=64"
        )
    read = parse(text.encode(), "the value")
    if read.faults:
        raise _wrong(change, f"its value is not YAML: {read.faults[0].what}", "quote it for the shell")
    inside = spec
    for depth, part in enumerate(parts[:-1]):
        inside = _step(inside, part, ".".join(parts[:depth]), change)
    last = int(parts[-1]) if isinstance(inside, list) and parts[-1].isdigit() else parts[-1]
    if isinstance(inside, list):
        _step(inside, parts[-1], ".".join(parts[:-1]), change)
    elif not isinstance(inside, dict):
        raise _wrong(change, f"{'.'.join(parts[:-1])} holds no keys", "name a key that the spec has")
    if read.value is None and isinstance(inside, dict):
        inside.pop(last, None)
    else:
        inside[last] = read.value


def _step(inside: Any, part: str, at: str, change: str) -> Any:
    where = at or "the spec"
    if isinstance(inside, list):
        if part.isdigit() and int(part) < len(inside):
            return inside[int(part)]
        raise _wrong(change, f"{where} has items 0 to {len(inside) - 1}", f"write {at}.0")
    if not isinstance(inside, dict) or part not in inside:
        keys = list(map(str, inside)) if isinstance(inside, dict) else []
        meant = near(part, keys)
        remedy = f"did you mean {meant}?" if meant else f"it has {', '.join(keys) or 'no keys'}"
        raise _wrong(change, f"{where} has no {part}", remedy)
    return inside[part]


def _wrong(change: str, what: str, remedy: str) -> UsageError:
    return UsageError(f"--what-if {change}: {what}", remedy)
