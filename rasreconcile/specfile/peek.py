"""Where a spec keeps its store, without reading the rest of it: for verbs that only read the store."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.errors import Fault, SpecError, Wrong
from rasreconcile.specfile.files import bytes_of, store_of


def state_path(path: Path) -> Path:
    """The store of the spec at `path`. Raises SpecError where it cannot be read as far as its `state:`."""
    from rasreconcile.specfile.topkey import text_at  # noqa: PLC0415  yaml costs fifteen milliseconds, and only here
    from rasreconcile.specfile.yamlevents import NotYaml  # noqa: PLC0415

    data = bytes_of(path)
    try:
        line, state = text_at(data, "state")
    except NotYaml as error:
        raise SpecError([Fault(str(path), error.line, error.key, error.what, error.remedy)]) from error
    try:
        return store_of(path, state)
    except Wrong as error:
        raise SpecError(
            [Fault(str(path), line, "state", error.trouble.what, error.trouble.remedy)]
        ) from error
