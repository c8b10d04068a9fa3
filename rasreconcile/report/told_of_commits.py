"""Which commit of a repository is wanted, and which is converged, in words. PURE."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from rasreconcile.report.text import stamp


class _Followed(Protocol):
    @property
    def ref(self) -> str: ...
    @property
    def wanted(self) -> str: ...
    @property
    def taken(self) -> str: ...
    @property
    def good(self) -> str: ...
    @property
    def refused(self) -> str: ...


class Commits(Protocol):
    """As of `operations.followed`."""

    @property
    def followed(self) -> _Followed: ...
    @property
    def converged(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...


def of_commits(commits: Commits) -> str:
    """`main: commit 2977668a06 is wanted; all were last current at 98461998cd, 2026-11-28 07:23:44 UTC`."""
    followed = commits.followed
    wanted, converged = followed.wanted[:10], commits.converged[:10]
    when = f", {stamp(commits.at)}" if commits.at else ""
    if followed.refused:
        kept = f"; {followed.taken[:10]} is kept" if followed.good else ""
        return f"{followed.ref}: commit {wanted} is wanted and not taken: {followed.refused}{kept}"
    if wanted == converged:
        return f"{followed.ref}: commit {wanted} is wanted, and all were current at it{when}"
    last = (
        f"all were last current at {converged}{when}" if converged else "no commit had every plan current yet"
    )
    return f"{followed.ref}: commit {wanted} is wanted; {last}"
