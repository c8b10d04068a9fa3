"""YAML text to Spec: every fault at once, each with its line. Importing this package is cheap; `load` is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasreconcile.specfile.loader import LoadedSpec
    from rasreconcile.workers.kind import Kinds

__all__ = ["LoadedSpec", "load", "reference_markdown", "schema_json", "what_if"]


def load(path: Path, kinds: Kinds | None = None) -> LoadedSpec:
    """The spec at `path`; `kinds`: of its workers, left out: all. Raises SpecError with every fault there is."""
    from rasreconcile.specfile.loader import load as loading  # noqa: PLC0415  pydantic and yaml only where needed

    return loading(path) if kinds is None else loading(path, kinds)


def what_if(loaded: LoadedSpec, changes: Sequence[str]) -> LoadedSpec:
    """The spec with other values: `workers.cloud.cores_total=64`. Raises UsageError, SpecError."""
    from rasreconcile.specfile.other_values import what_if as changed  # noqa: PLC0415  as above

    return changed(loaded, changes)


def schema_json() -> str:
    """The JSON Schema of a spec, the same text every time."""
    from rasreconcile.specfile.schema import schema_json as schema  # noqa: PLC0415  as above

    return schema()


def reference_markdown() -> str:
    """Every part of a spec in words: docs/spec.md."""
    from rasreconcile.specfile.reference import reference_markdown as reference  # noqa: PLC0415  as above

    return reference()


def __getattr__(name: str) -> object:
    if name == "LoadedSpec":
        from rasreconcile.specfile.loader import LoadedSpec  # noqa: PLC0415  as above

        return LoadedSpec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
