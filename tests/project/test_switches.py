"""What a plan switches on, and what its text only keeps from other days."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasreconcile.project import breaches, computations, decode, mentions_in

SWITCHES = "Run Sediment=-1 \nRun WQNet=-1 \nRun PostProcess=-1 \nRun RASMapper=-1 \n"


@pytest.mark.parametrize(
    ("flow", "switches", "computed"),
    [
        ("u01", "", ("unsteady",)),
        ("u01", "Run Sediment= 0 \nRun WQNet= 0 \n", ("unsteady",)),
        ("u01", "Run Sediment=-1 \n", ("unsteady", "sediment")),
        ("u01", "Run Sediment= 1 \n", ("unsteady", "sediment")),
        ("u01", "Run WQNet=-1 \n", ("unsteady", "water-quality")),
        ("u01", SWITCHES, ("unsteady", "sediment", "water-quality")),
        ("f01", SWITCHES, ("steady", "water-quality")),
        ("q01", SWITCHES, ("sediment",)),
        ("q01", "", ("sediment",)),
    ],
)
def test_each_switch_counts_where_the_flow_lets_it(flow: str, switches: str, computed) -> None:
    text = f"Plan Title=x\nGeom File=g01\nFlow File={flow}\n{switches}"
    assert computations(text, "X.p01") == computed
    found = mentions_in("plan", text.encode(), "X.p01")
    assert tuple(m.value for m in found if m.what == "computes") == computed


def test_a_plan_without_a_flow_computes_nothing() -> None:
    assert computations("Plan Title=x\nRun Sediment=-1\n", "X.p01") == ()


def test_a_breach_counts_where_it_is_in_use_and_breaches_are_not_disregarded() -> None:
    text = (
        "Breach Loc=Bald Eagle Cr.  ,Lock Haven      ,21200   ,True,\n"
        "Breach Loc=                ,                ,        ,False,Levee\n"
        "Breach Loc=                ,                ,        ,True,Dam Embankment\n"
        "Breach Loc=River,Reach,1000,-1\n"
    )
    assert [one.names for one in breaches(text)] == [
        {"bald eagle cr. lock haven 21200"},
        {"dam embankment"},
        {"river reach 1000"},
    ]
    assert breaches(f"{text}Disregard all Breaches=-1 \n") == ()
    assert len(breaches(f"{text}Disregard all Breaches= 0 \n")) == 3


@pytest.mark.parametrize(
    ("plan", "computed"),
    [
        ("14320639-steady/14320639.p01", ("steady",)),
        ("meerlustkloof-baseline/Meerlustkloof.p01", ("steady",)),
        ("muncie2d-unsteady/Muncie2D.p01", ("unsteady",)),
    ],
)
def test_real_plans_switch_on_what_they_are_for(hecras_data: Path, plan: str, computed) -> None:
    text = decode((hecras_data / plan).read_bytes())
    assert computations(text, plan) == computed
    assert breaches(text) == ()
