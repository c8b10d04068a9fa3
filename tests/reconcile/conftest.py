"""Plans and looks at the world, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Plan, component, fingerprint
from rasreconcile.reconcile.actions import Action, Start
from rasreconcile.reconcile.observed import OutputSeen, Seen, WorkerSeen
from rasreconcile.records import Published
from rasreconcile.spec import Expectations, SteadyEngine

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_plan(name: str = "Muncie/p04", content: str = "1", **more: Any) -> Plan:
    """A plan whose one input has this content."""
    parts = (component("input Muncie.g01", content), component("engine", "steady 1"))
    values: dict[str, Any] = {
        "address": Address(name),
        "project": Path("Muncie.prj"),
        "number": name[-2:],
        "engine": SteadyEngine(type="steady"),
        "inputs": (),
        "components": parts,
        "fingerprint": fingerprint(parts),
        "output": Path(f"{name}.hdf"),
        "expect": Expectations(),
        "expectation_digest": "e1",
    }
    return Plan(**{**values, **more})


def make_published(plan: Plan, digest: str = "d1", **more: Any) -> Published:
    """What the store remembers of the plan's result."""
    values: dict[str, Any] = {
        "address": plan.address,
        "run": RunId("r1"),
        "path": plan.output,
        "size": 10,
        "digest": digest,
        "fingerprint": plan.fingerprint,
        "components": plan.components,
        "expectation_digest": plan.expectation_digest,
        "provenance": "computed",
        "engine": "steady 1",
        "worker": "desk",
        "at": NOW,
    }
    return Published(**{**values, **more})


def make_worker(name: str = "desk", slots: int = 2, **more: Any) -> WorkerSeen:
    values: dict[str, Any] = {
        "name": name,
        "priority": 0,
        "slots": slots,
        "cores_total": slots,
        "cores_per_plan": 1,
    }
    return WorkerSeen(**{**values, **more})


def make_seen(**more: Any) -> Seen:
    values: dict[str, Any] = {"now": NOW, "outputs": {}, "published": {}, "workers": (make_worker(),)}
    return Seen(**{**values, **more})


def started(actions: Iterable[Action]) -> list[Plan]:
    """The plans of actions that start one each, and are nothing else."""
    plans = []
    for action in actions:
        assert isinstance(action, Start), action
        plans.append(action.plan)
    return plans


@pytest.fixture
def plan() -> Callable[..., Plan]:
    return make_plan


@pytest.fixture
def published() -> Callable[..., Published]:
    return make_published


@pytest.fixture
def worker() -> Callable[..., WorkerSeen]:
    return make_worker


@pytest.fixture
def seen() -> Callable[..., Seen]:
    return make_seen


@pytest.fixture
def good() -> Callable[[Plan], Seen]:
    """A world in which this plan's result stands where it should."""

    def world(plan: Plan, **more: Any) -> Seen:
        record = make_published(plan)
        return make_seen(
            **{
                "outputs": {plan.address: OutputSeen(10, record.digest)},
                "published": {plan.address: record},
                **more,
            }
        )

    return world
