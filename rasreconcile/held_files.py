"""Files that another program holds open: Windows renames, replaces and removes none of them, so they are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

_HELD = {5, 32, 33}
"""WinError: access denied, sharing violation, lock violation."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a program that holds a file open to let it go."""

    seconds: float = 30.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


PATIENCE = Patience()


def is_held(error: OSError) -> bool:
    """Whether another program has the file open, or the right to it is missing: Windows has one answer for both."""
    return getattr(error, "winerror", None) in _HELD


def when_let_go(do: Callable[[], _T], patience: Patience = PATIENCE) -> _T:
    """What `do` returns, as soon as nothing that it touches is held; elsewhere than on Windows it is called once.

    Viewers, virus scanners and indexers hold new files for some seconds. Raises the last OSError where `patience` ends.
    """
    until = patience.now() + patience.seconds
    pause = 0.1
    while True:
        try:
            return do()
        except PermissionError as error:
            if not is_held(error) or patience.now() + pause > until:
                raise
        patience.sleep(pause)
        pause = min(pause * 2, 2.0)


def replace(source: Path, target: Path) -> None:
    """`source` takes the name of `target`, in one step. Raises OSError where that is not possible within `PATIENCE`."""
    when_let_go(partial(source.replace, target))


def remove(path: Path) -> None:
    """The file, where there is one. Raises OSError where that is not possible within `PATIENCE`."""
    when_let_go(partial(path.unlink, missing_ok=True))
