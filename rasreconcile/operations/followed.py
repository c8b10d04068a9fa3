"""Which repository a study follows, which commit is wanted, and which its results are of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.plain_files import whole

if TYPE_CHECKING:
    from rasreconcile.store.reader import Reader

NOTE = "rasreconcile.json"
"""In the `.git` of a clone that `watch --git` made: whose it is, and at which commits."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What a clone notes of itself. Commits in full; empty: none yet."""

    url: str
    ref: str
    wanted: str = ""
    """What the ref said when it was last fetched."""
    taken: str = ""
    """What the files of the clone are, or are to become."""
    good: str = ""
    """The last one whose spec was sound and allowed."""
    refused: str = ""
    """Why the wanted commit is not taken; empty: it is, or will be."""

    @classmethod
    def read(cls, folder: Path) -> Followed | None:
        """Of the clone in this folder; None where there is none of ours."""
        try:
            values = json.loads(whole(folder / ".git" / NOTE))
        except (OSError, ValueError):
            return None
        if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
            return None
        known = {name: values.get(name, "") for name in cls.__dataclass_fields__}
        return cls(**known) if known["url"] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """Of a study that `watch --git` keeps current."""

    followed: Followed
    converged: str
    """At which all plans were last current; empty: none yet."""
    at: datetime | None


def commits_of(spec: Path, reader: Reader) -> Commits | None:
    """None where the spec is in no clone that `watch --git` made."""
    for folder in spec.absolute().parents:
        if (followed := Followed.read(folder)) is not None:
            commit, at = reader.applies.last_converged(spec.absolute()) or ("", None)
            return Commits(followed=followed, converged=commit, at=at)
    return None
