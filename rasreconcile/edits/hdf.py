"""Edits of HDFs, on a private copy. The only home of h5py that writes, beside the built-in engine."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import h5py
import numpy as np

from rasreconcile import held_files
from rasreconcile.edited_inputs import OfVersion, SetAttributes, WithoutResults
from rasreconcile.errors import ProjectError
from rasreconcile.hecras_versions import means, version_in

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises on files that are no HDF, or damaged."""


def edit(path: Path, change: SetAttributes | WithoutResults | OfVersion, source: Path) -> None:
    """Changes the file at `path`. Raises ProjectError, which names `source`, where it cannot be edited."""
    try:
        match change:
            case SetAttributes():
                _set_attributes(path, change)
            case WithoutResults(groups):
                _leave_out(path, groups)
            case OfVersion(version):
                _refuse_other_version(path, version, source)
    except _DAMAGE as error:
        why = " ".join(str(error).split())[:200]
        raise ProjectError(
            f"{source}: cannot be edited as HDF5: {why}", "let HEC-RAS write it again"
        ) from error


def _refuse_other_version(path: Path, version: str, source: Path) -> None:
    with h5py.File(path, "r", locking=False) as file:
        said = file.attrs.get("File Version")
    found = version_in(said.decode("latin-1") if isinstance(said, bytes) else str(said))
    if found is not None and not means(version, found):
        raise ProjectError(
            f"{source.name} was prepared by HEC-RAS {found}, the spec asks for {version}",
            f"prepare the plan again with {version}, or ask for {found} in `engine`",
        )


def _set_attributes(path: Path, change: SetAttributes) -> None:
    with h5py.File(path, "r+", locking=False) as file:
        attributes = file[change.group].attrs
        for name, value in change.values:
            if name in attributes:
                old = np.asarray(attributes[name])
                attributes.modify(name, np.full(old.shape, value, old.dtype))


def _leave_out(path: Path, groups: Collection[str]) -> None:
    """Copied rather than deleted: HDF5 would keep the room of what is deleted, and results are most of the file."""
    with h5py.File(path, "r", locking=False) as file:
        if not any(name in file for name in groups):
            return
        aside = path.with_name(f"{path.name}.without")
        with h5py.File(aside, "w", locking=False) as copy:
            for name in file:
                if name not in groups:
                    file.copy(file[name], copy, name)
            for name, value in file.attrs.items():
                copy.attrs[name] = value
    held_files.replace(aside, path)
