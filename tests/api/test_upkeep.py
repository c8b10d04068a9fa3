"""What looks after a study, from Python: a first spec, a watch, cleaning up, the store."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from datetime import timedelta

import pytest
from waiting import LONGEST

import rasreconcile
from tests.api.test_study import hears, script

WATCHING = """\
import rasreconcile
study = rasreconcile.open("spec.yaml")
applied = lambda done: print("applied", done.exit_code, sorted(done.counts.items()), flush=True)
try:
    study.watch(on_event=lambda event: print(event.kind, event.message, flush=True), on_applied=applied)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_first_spec_is_written_opened_and_never_written_over(study, monkeypatch) -> None:
    monkeypatch.chdir(study.folder)
    (study.folder / "new/models").mkdir(parents=True)
    for path in study.folder.glob("Willow.*"):
        shutil.copy(path, study.folder / "new/models")
    (study.folder / "new/models/Willow.p04").unlink()
    made = rasreconcile.init("new/models", spec="new/first.yaml")
    assert (made.projects, made.plans) == (1, 3)
    assert made.engine == "the built-in steady engine"
    assert made.remarks == ("Willow.prj lists p04, which does not exist: left out",)
    assert ".rasreconcile/" in made.ignored
    assert made.schema.read_text(encoding="utf-8") == rasreconcile.schema()
    assert json.loads(rasreconcile.schema())["properties"]["plans"]
    assert list(rasreconcile.open(made.spec)) == ["Willow/p01", "Willow/p02", "Willow/p03"]
    with pytest.raises(rasreconcile.UsageError, match=r"first.yaml already exists"):
        rasreconcile.init("new/models", spec="new/first.yaml")
    with pytest.raises(rasreconcile.UsageError, match=r"names no project"):
        rasreconcile.init()


def test_a_watch_applies_again_and_leaves_its_runs_when_it_is_interrupted(study) -> None:
    watcher = script(study, WATCHING)
    hears(watcher, "applied 0")
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    # What is written before it watches again is no change: it is touched on.
    touched = threading.Event()

    def touch() -> None:
        while not touched.wait(0.2):
            flow.touch()

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        hears(watcher, "watch changed: ")
        hears(watcher, "applied 0")
    finally:
        touched.set()
        toucher.join()
    watcher.send_signal(signal.SIGINT)
    hears(watcher, "interrupted")
    assert watcher.wait(LONGEST) == 0


def test_a_watch_ends_when_it_is_told_to_and_its_runs_go_on(study) -> None:
    study.command("sh", "-c", "while :; do sleep 0.1; done", "{output}")
    one = rasreconcile.open(study.folder / "spec.yaml")
    stop, told = threading.Event(), []

    def heard(event: rasreconcile.Event) -> None:
        told.append(event.kind)
        if event.kind == "started":
            stop.set()

    ended: list[rasreconcile.Applied] = []
    one.watch(on_event=heard, on_applied=ended.append, stop=stop)
    assert "started" in told
    assert "cancelled" not in told
    assert [len(one.running) for one in ended] in ([], [told.count("started")])
    assert len(one.status().running) == told.count("started")
    one.cancel()


def test_gc_removes_what_is_old_and_says_what(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    one.apply()
    left = study.folder / "runs/desk/20200101-000000-other-p01-abcdef01"
    (left / "work").mkdir(parents=True)
    assert [row.kept for row in one.gc() if row.worker == "desk"] == [(left.name,)]
    os.utime(left, (0, 0))
    found = one.gc(older_than=timedelta(days=1), dry_run=True)
    assert [row.worker for row in found] == list(one.loaded.spec.workers)
    assert left.exists()
    done = one.gc(older_than=timedelta(days=1), cache_size="1g")
    assert [row.runs for row in done] == [row.runs for row in found]
    assert left.name in {run for row in done for run in row.runs}
    assert not left.exists()
    assert not any(row.problems for row in done)
    assert "store: " in repr(done)
    with pytest.raises(rasreconcile.UsageError, match=r"older_than: 'soon' is not a duration"):
        one.gc(older_than="soon")
    for size in ("big", -1):
        with pytest.raises(rasreconcile.UsageError, match=rf"cache_size: {size!r} is not a size"):
            one.gc(cache_size=size)


def test_a_store_is_looked_at_copied_and_made_again(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    one.apply()
    seen = one.state()
    assert not seen.faults
    assert seen.counts["plans with a result"] == 4
    assert one.backup(study.folder / "copy.db") == (study.folder / "copy.db").stat().st_size
    with pytest.raises(rasreconcile.UsageError, match=r"sound"):
        one.rebuild()
    again = one.rebuild(even="sound")
    assert len(again.proofs.proven) == 4
    assert again.kept is not None
    assert again.kept.exists()
    assert not one.diff().work
