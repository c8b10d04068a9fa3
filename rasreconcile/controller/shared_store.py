"""A store that several users work on in turn: whose it is, and whose runs are in it."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.errors import StoreBusy
from rasreconcile.report.text import many
from rasreconcile.store import Store
from rasreconcile.store.disk import is_shared, owner_of


def whose(path: Path) -> str | None:
    """What to tell of a store that another user made; None where it is our own."""
    owner = owner_of(path)
    return None if owner is None else f"{path} belongs to {owner}"


def refuse_runs_of_others(store: Store, path: Path, by: str) -> None:
    """Raises StoreBusy where another user's runs are live: they are in folders that only he can look into.

    To this user they would be gone, and be started again beside those that run.
    """
    if not is_shared(path):
        return
    me = _user(by)
    theirs = sorted(_user(other) for other in store.runs.started_by().values() if _user(other) != me)
    if theirs:
        names = ", ".join(dict.fromkeys(theirs))
        raise StoreBusy(
            f"{path}: {many(len(theirs), 'run')} of {names} {'is' if len(theirs) == 1 else 'are'} not collected yet",
            f"let {names} run `apply` or `cancel` first: run directories are open to the user who started them",
        )


def _user(by: str) -> str:
    return by.partition("@")[0]
