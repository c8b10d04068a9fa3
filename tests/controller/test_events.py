"""One stream of events: what the user is told is what the store kept, in the same order and in the same words."""

from __future__ import annotations

import json

from rasreconcile.cli.verbs import run
from rasreconcile.controller import proof, reuse
from rasreconcile.controller.apply import Exit
from rasreconcile.errors import PublishHeld, Unreachable
from rasreconcile.records import NOT_SHOWN
from rasreconcile.report.values import event_values
from rasreconcile.store.reader import Reader


def test_what_was_told_is_what_the_store_kept(controlled, monkeypatch) -> None:
    """A start that is not heard, runs, a copy that is held and then made, a lost receipt, changed expectations."""
    spec = controlled.study.folder / "spec.yaml"
    spec.write_text(
        spec.read_text()
        + "  - {project: Willow.prj, name: Again, numbers: ['01'], expect: {completed: false}}\n"
    )
    controlled.world.fail("start", Unreachable("the link is down"))
    real = proof.put_in_place

    def held(proven):
        raise PublishHeld("cannot be put there: another program holds it open; close it there")

    monkeypatch.setattr(reuse, "put_in_place", held)
    assert controlled.apply().exit is Exit.STALLED
    monkeypatch.setattr(reuse, "put_in_place", real)
    assert controlled.apply().exit is Exit.CONVERGED
    next(controlled.study.folder.rglob("*.hdf.receipt.json")).unlink()
    spec.write_text(
        spec.read_text().replace("completed: false", "completed: false, datasets: {/x: {finite: true}}")
    )
    assert controlled.apply().exit is Exit.CONVERGED
    with Reader(controlled.applying.loaded.state_path) as reader:
        kept = [event for event in reader.events.latest(limit=1000) if event.kind not in NOT_SHOWN]
    assert controlled.events == kept
    told = {event.kind for event in kept}
    assert told >= {
        "started",
        "succeeded",
        "worker-silent",
        "worker-back",
        "held",
        "copied",
        "restored",
        "verified",
    }
    assert sum(event.kind == "succeeded" for event in kept) == 4


def test_history_shows_what_was_told(controlled, capsys) -> None:
    controlled.world.fail("start", Unreachable("the link is down"))
    controlled.apply()
    spec = str(controlled.study.folder / "spec.yaml")
    assert run(["history", spec, "--events", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["events"]
    assert [one for one in shown if one["kind"] not in NOT_SHOWN] == [
        event_values(e) for e in controlled.events
    ]
    assert run(["history", spec, "p01", "--events", "-n", "2"]) == 0
    (before, last) = capsys.readouterr().out.splitlines()
    assert "publishing" in before
    assert "succeeded" in last
