"""A new kind of worker is a record and a worker: nothing else in the program hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Apply, Exit, Requester
from rasreconcile.records import Event
from rasreconcile.specfile import load
from rasreconcile.workers.kinds import KINDS
from tests.apply.conftest import Study, study
from tests.known_kinds import places
from tests.workers.toy import TOY

__all__ = ["study"]


def test_one_place_outside_their_folders_knows_the_kinds() -> None:
    (table,) = places()
    assert table.startswith("rasreconcile/workers/kinds.py:")


def test_the_toy_is_as_small_as_a_kind_may_be() -> None:
    assert len(Path(__file__).with_name("toy.py").read_text().splitlines()) <= 250


def test_a_study_is_computed_by_workers_of_a_new_kind(study: Study) -> None:
    path = study.folder / "spec.yaml"
    path.write_text(path.read_text().replace("type: local", "type: toy"))
    events: list[Event] = []
    loaded = load(path, {**KINDS, "toy": TOY})
    outcome = Apply(loaded, Requester("a test"), events.append, lambda moment: None, Clock()).run()
    assert outcome.exit is Exit.CONVERGED
    assert outcome.counts["succeeded"] == 4
    assert not outcome.counts.get("lost")


@pytest.mark.parametrize("verb", ["check", "diff", "apply"])
def test_a_worker_of_a_kind_that_is_not_built_is_reported_with_its_line(study: Study, verb: str) -> None:
    path = study.folder / "spec.yaml"
    text = path.read_text().replace("plans:", "  hpc: {type: slurm}\nplans:")
    path.write_text(text)
    line = text[: text.index("hpc")].count("\n") + 1
    done = study.run(verb, "spec.yaml", check=64)
    assert (
        f"spec.yaml:{line}: workers.hpc.type: workers of type slurm are not built yet; leave" in done.stderr
    )


def test_init_shows_no_worker_of_a_kind_that_is_not_built(study: Study) -> None:
    study.run("init", "Willow.prj", "first.yaml", "--engine", "hec-ras")
    text = (study.folder / "first.yaml").read_text()
    assert {name: f"type: {name}" in text for name in KINDS} == {
        "local": True,
        "ssh": True,
        "docker": False,
        "psexec": True,
        "slurm": False,
    }
