"""Watching: a change of an input, of the spec, of a result is answered by an apply."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from waiting import LONGEST


def test_watch_applies_again_when_something_that_matters_changes(study) -> None:
    study.command()
    watcher = study.start("watch", "spec.yaml")
    said: list[str] = []
    listening = threading.Thread(target=lambda: said.extend(watcher.stderr))
    listening.start()

    def changes(path: Path, text: str, words: str) -> None:
        """The watcher says these words. What is written before it watches again is no change: it is touched on."""
        path.write_text(text)

        def is_told() -> bool:
            if words in "".join(said):
                return True
            path.touch()
            return False

        study.wait_for(is_told)

    study.wait_for(lambda: "watching" in "".join(said))
    assert len(study.results()) == 4
    flow, spec = study.folder / "Willow.f02", study.folder / "spec.yaml"
    good = spec.read_text()
    changes(flow, flow.read_text().replace("6200", "6300"), "changed: Willow.f02")
    study.wait_for(lambda: sum(study.computations().values()) == 6)
    changes(spec, good.replace("engine:", "engin:"), "engin: unknown key; did you mean engine?")
    study.wait_for(lambda: "waiting until the spec is fixed" in "".join(said))
    changes(spec, good + "    name: Other\n", "Other/p04")
    study.wait_for(lambda: len(study.results()) == 8)
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(LONGEST) == 130
    listening.join()


def test_a_watch_survives_a_disk_that_is_away_and_folders_that_cannot_be_watched(
    study, monkeypatch, capsys
) -> None:
    from rasreconcile.cli import apply
    from rasreconcile.cli.verbs import run
    from rasreconcile.watch import file_events

    study.command()
    real, calls = apply.applied, []

    def applied(*words, **more):
        calls.append("applied")
        if len(calls) == 1:
            raise OSError(5, "Input/output error")
        return real(*words, **more)

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
