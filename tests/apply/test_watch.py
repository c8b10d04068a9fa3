"""Watching: a change of an input, of the spec, of a result is answered by an apply."""

from __future__ import annotations

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
