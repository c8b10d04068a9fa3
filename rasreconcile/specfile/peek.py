"""Where a spec keeps its store, without reading the rest of it: for verbs that only read the store."""

from __future__ import annotations

import os
from pathlib import Path

from rasreconcile.errors import Fault, SpecError


def state_path(path: Path) -> Path:
    """The store of the spec at `path`. Raises SpecError where it cannot be read as far as its `state:`."""
    import yaml  # noqa: PLC0415  fifteen milliseconds, and only here

    from rasreconcile.specfile.yamltext import LARGEST, _Loader  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            data = file.read(LARGEST)
        return place_of(path, _state(yaml.parse(data, Loader=_Loader)))
    except OSError as error:
        raise SpecError(
            [Fault(str(path), 1, "", error.strerror or str(error), "name a spec file")]
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise SpecError([Fault(str(path), line, "", "no YAML", "mend it; `diff` says more")]) from error


def place_of(path: Path, state: str | None) -> Path:
    """The store a spec means: relative to the spec file, or `.rasreconcile/<name>.db` beside it."""
    folder = path.absolute().parent
    if state is None:
        return folder / ".rasreconcile" / f"{path.stem}.db"
    return Path(os.path.normpath(folder / Path(state).expanduser()))


def _state(events) -> str | None:  # type: ignore[no-untyped-def]  # yaml's events have no types
    """The value of the top-level key `state`."""
    depth, key = 0, None
    for event in events:
        name = type(event).__name__
        if name in {"MappingStartEvent", "SequenceStartEvent"}:
            depth += 1
        elif name in {"MappingEndEvent", "SequenceEndEvent"}:
            depth -= 1
        if depth != 1:
            continue
        if name in {"MappingEndEvent", "SequenceEndEvent", "AliasEvent"} and key is not None:
            key = None
        elif name == "ScalarEvent":
            if key == "state":
                return event.value or None
            key = event.value if key is None else None
    return None
