"""YAML text to Spec: every fault at once, each with its line. Importing this package is cheap; `load` is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasreconcile.specfile.loading import LoadedSpec

__all__ = ["LoadedSpec", "load"]


def load(path: Path) -> LoadedSpec:
    """The spec at `path`. Raises SpecError with every fault there is."""
    from rasreconcile.specfile.loading import load as loading  # noqa: PLC0415  pydantic and yaml only where needed

    return loading(path)


def __getattr__(name: str) -> object:
    if name == "LoadedSpec":
        from rasreconcile.specfile.loading import LoadedSpec  # noqa: PLC0415  as above

        return LoadedSpec
    raise AttributeError(name)
