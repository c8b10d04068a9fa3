"""This machine, as a caller meets it: what it refuses is an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from rasreconcile.errors import RasReconcileError

P = ParamSpec("P")
R = TypeVar("R")


def ours(call: Callable[P, R]) -> Callable[P, R]:
    """What fails on this machine (a disk, a share) is raised as an error of ours."""

    @wraps(call)
    def called(*words: P.args, **named: P.kwargs) -> R:
        try:
            return call(*words, **named)
        except OSError as error:
            raise RasReconcileError(str(error), "fix this and run it again") from error

    return called
