"""Watching: a change of an input, of the spec, of a result is answered by an apply."""

from __future__ import annotations

import os
import signal


def test_watch_applies_again_when_something_that_matters_changes(study) -> None:
    study.command()
    watcher = study.start("watch", "spec.yaml")
    study.wait_for(lambda: len(study.results()) == 4)
    study.wait_for(lambda: study.json("status", "spec.yaml")["controller"] is None)
    import time

    time.sleep(2.0)
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    study.wait_for(lambda: sum(study.computations().values()) == 6)
    study.wait_for(lambda: study.json("status", "spec.yaml")["controller"] is None)
    time.sleep(2.0)
    spec = study.folder / "spec.yaml"
    good = spec.read_text()
    spec.write_text(good.replace("engine:", "engin:"))
    time.sleep(3.0)
    spec.write_text(good + "    name: Other\n")
    study.wait_for(lambda: len(study.results()) == 8)
    watcher.send_signal(signal.SIGINT)
    _, said = watcher.communicate(timeout=20)
    assert watcher.returncode == 130
    assert "changed: Willow.f02" in said
    assert "engin: unknown key; did you mean engine?" in said
    assert "waiting until the spec is mended" in said


def test_a_watch_survives_a_disk_that_is_away_and_folders_that_cannot_be_watched(
    study, monkeypatch, capsys
) -> None:
    from rasreconcile.cli import apply
    from rasreconcile.cli.verbs import run
    from rasreconcile.watch import file_events

    study.command()
    real, calls = apply.applied, []

    def applied(*words):
        calls.append("applied")
        if len(calls) == 1:
            raise OSError(5, "Input/output error")
        return real(*words)

    def first_change(seen, stop):
        calls.append("watched")
        if calls.count("watched") == 1:
            raise OSError(28, "OS file watch limit reached")
        os.kill(os.getpid(), signal.SIGINT)
        return frozenset()

    monkeypatch.chdir(study.folder)
    monkeypatch.setattr(apply, "applied", applied)
    monkeypatch.setattr(file_events, "first_change", first_change)
    monkeypatch.setattr(file_events, "LOOK_ANYWAY", 0.05)
    assert run(["watch", "spec.yaml"]) == 130
    # What could not be done the first time is work that no file tells of: it is found by looking.
    assert calls == ["applied", "watched", "applied", "watched"]
    said = capsys.readouterr().err
    assert "Input/output error\nwaiting for a change" in said
    assert "cannot be watched: [Errno 28] OS file watch limit reached; looking every" in said
    assert len(study.results()) == 4
