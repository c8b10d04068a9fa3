"""A new kind of worker is a record and a worker: nothing else in the program hears of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Apply, Exit, Requester
from rasreconcile.errors import SpecError
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


def test_a_worker_of_a_kind_that_is_not_built_is_reported_with_its_line(study: Study) -> None:
    path = study.folder / "spec.yaml"
    text = path.read_text().replace("plans:", "  later: {type: toy}\nplans:")
    path.write_text(text)
    line = text[: text.index("later")].count("\n") + 1
    loaded = load(path, {**KINDS, "toy": replace(TOY, opener=None)})
    with pytest.raises(SpecError) as caught:
        Apply(loaded, Requester("a test"), print, lambda moment: None, Clock()).run()
    why = "workers.later.type: workers of type toy are not built yet; leave the worker out for now"
    assert f"spec.yaml:{line}: {why}" in str(caught.value)


def test_init_shows_no_worker_of_a_kind_that_is_not_built(study: Study) -> None:
    study.run("init", "Willow.prj", "first.yaml", "--engine", "hec-ras")
    text = (study.folder / "first.yaml").read_text()
    assert {name: f"type: {name}" in text for name in KINDS} == {
        "local": True,
        "ssh": True,
        "docker": False,
        "psexec": True,
        "slurm": True,
        "aws-batch": False,
    }
