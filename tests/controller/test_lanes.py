"""Threads that talk to workers: a machine that has none left."""

from __future__ import annotations

import threading

import pytest

from rasreconcile.clock import Clock
from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.errors import RasReconcileError


def test_a_machine_without_threads_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    with pytest.raises(RasReconcileError) as caught:
        Lane("desk", 1, Answers(Clock()))
    assert str(caught.value) == "no thread can be started here any more; raise `ulimit -u` and `ulimit -v`"
