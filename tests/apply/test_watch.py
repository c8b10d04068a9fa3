"""Watching: a change of an input, of the spec, of a result is answered by an apply."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST

from rasreconcile.watch import file_events
from rasreconcile.watch.due import Due, Found
from rasreconcile.watch.file_events import Watched, of_spec


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


def test_a_watch_that_was_killed_while_idle_is_followed_by_one_that_repeats_nothing(study) -> None:
    study.command()
    first = study.start("watch", "spec.yaml")
    study.hears(first, "watching")
    first.kill()
    first.communicate()
    assert study.left_over() == []
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    second = study.start("watch", "spec.yaml")
    study.hears(second, "watching")
    second.send_signal(signal.SIGINT)
    assert second.wait(LONGEST) == 130
    assert sorted(study.computations().values()) == [1, 1, 2, 2]
    assert "nothing to do" in study.run("apply", "spec.yaml").stdout
    assert study.left_over() == []


@pytest.mark.parametrize("quiet", [[], ["-q"]], ids=["telling", "quiet"])
def test_what_a_watch_has_done_is_summed_up_as_apply_does_and_equal_failures_are_one_line(
    study, quiet
) -> None:
    study.command(sys.executable, "-c", "print('the licence server is away'); raise SystemExit(3)")
    watcher = study.start("watch", "spec.yaml", *quiet)
    assert watcher.stdout is not None and watcher.stderr is not None
    first, cause = watcher.stdout.readline(), watcher.stdout.readline()
    assert first.startswith("spec.yaml: 8 started, 8 failed; 0 of 4 plans are current")
    assert cause.startswith("  4 x ") and "once fixed: `rasreconcile retry spec.yaml --failed`" in cause
    if not quiet:
        study.hears(watcher, "spec.yaml: stalled (`status` says why); watching")
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(LONGEST) == 130
    if quiet:
        assert "watching" not in (told := watcher.stderr.read()) and "started" not in told


def test_a_watch_survives_a_disk_that_is_away_and_folders_that_cannot_be_watched(
    study, monkeypatch, capsys
) -> None:
    from rasreconcile.cli import apply, watch
    from rasreconcile.cli.verbs import run

    study.command()
    real, calls = apply.applied, []

    def applied(*words, **more):
        calls.append("applied")
        if len(calls) == 1:
            raise OSError(5, "Input/output error")
        return real(*words, **more)

    def first_change(seen, stop, longest):
        calls.append("watched")
        if calls.count("watched") == 1:
            raise file_events.CannotWatch("cannot be watched: OS file watch limit reached")
        os.kill(os.getpid(), signal.SIGINT)
        return frozenset()

    monkeypatch.chdir(study.folder)
    monkeypatch.setattr(watch, "applied", applied)
    monkeypatch.setattr(file_events, "first_change", first_change)
    monkeypatch.setattr(file_events, "LOOK_ANYWAY", 0.05)
    assert run(["watch", "spec.yaml"]) == 130
    # What could not be done the first time is work that no file tells of: it is found by looking.
    assert calls == ["applied", "watched", "applied", "watched"]
    said = capsys.readouterr().err
    assert "Input/output error\nwaiting for a change" in said
    assert "cannot be watched: OS file watch limit reached; until then looking every" in said
    assert len(study.results()) == 4


WITH_FEW = """\
import sys
from rasreconcile.watch import file_events
file_events.LOOK_ANYWAY = 0.2
from rasreconcile.cli.verbs import run
sys.exit(run(["watch", "spec.yaml"]))
"""


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_a_watch_goes_on_by_looking_where_this_user_watches_all_he_may(study, limit) -> None:
    # In a user namespace of its own: the limits of others stay.
    few = ["unshare", "-Ur", "sh", "-c", f'echo 0 >/proc/sys/user/{limit} && exec "$@"', "sh"]
    if subprocess.run([*few, "true"], check=False, capture_output=True).returncode:
        absent(Service.MOUNTS, "no user namespace can be made here")
    study.command()
    watcher = subprocess.Popen(
        [*few, sys.executable, "-c", WITH_FEW],
        cwd=study.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    study.controllers.append(watcher)
    said = study.hears(watcher, "cannot be watched")
    assert "fs.inotify.max_user_instances" in said
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    study.wait_for(lambda: sum(study.computations().values()) == 6)
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(LONGEST) == 130
    assert watcher.stderr is not None
    assert "cannot be watched" not in watcher.stderr.read(), "it is said once"
    assert len(study.results()) == 4


def test_a_watch_whose_store_is_damaged_looks_at_the_inputs_all_the_same(study) -> None:
    study.command()
    good = study.folder / "state.db"
    good.write_bytes(b"not a database" * 100)
    watcher = study.start("watch", "spec.yaml")
    study.hears(watcher, "waiting for a change")
    good.unlink()
    flow = study.folder / "Willow.f02"
    said: list[str] = []
    listening = threading.Thread(target=lambda: said.extend(watcher.stderr or ()))
    listening.start()

    def is_told() -> bool:
        if "changed: Willow.f02" in "".join(said):
            return True
        flow.touch()
        return False

    study.wait_for(is_told)
    study.wait_for(lambda: len(study.results()) == 4)
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(LONGEST) == 130
    listening.join()


def test_a_quiet_watch_looks_by_stat_alone_until_one_tells_of_something(tmp_path, monkeypatch) -> None:
    spec, model, store = tmp_path / "spec.yaml", tmp_path / "models" / "a.g01", tmp_path / "state.db"
    model.parent.mkdir()
    for path in (spec, model, store):
        path.write_text("1")
    seen = Watched(frozenset({tmp_path, model.parent}), frozenset({spec, model}), frozenset())
    stop = threading.Event()
    looks: list[str] = []
    said: list[str] = []
    passed = iter(range(12))
    steps = {
        3: lambda: model.write_text("12"),
        6: lambda: (tmp_path / "state.db-wal").write_text("a request"),
        9: lambda: (model.parent / "a.u01").touch(),
        11: stop.set,
    }

    def nothing_told(_seen, _stop, _longest):
        steps.get(next(passed), lambda: None)()
        return frozenset()

    monkeypatch.setattr(file_events, "first_change", nothing_told)

    def look():
        looks.append("looked")
        return "nothing to do"

    due = Due(stop=stop, look=look, say=said.append)
    assert due.wait(seen, store) == frozenset()
    # At first, and after each of the three.
    assert len(looks) == 4
    assert said == []


def test_a_look_that_fails_is_made_again_although_nothing_changed(tmp_path, monkeypatch) -> None:
    seen = of_spec(tmp_path / "spec.yaml")
    monkeypatch.setattr(file_events, "first_change", lambda *_: frozenset())
    given: list[Found] = ["cannot tell", "cannot tell", "work"]
    answers = iter(given)
    due = Due(stop=threading.Event(), look=lambda: next(answers), say=print)
    assert due.wait(seen, None) == frozenset()
    assert list(answers) == []


def test_what_does_not_matter_never_keeps_it_from_looking_anyway(tmp_path) -> None:
    """Logs and databases beside a spec are written all the time."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.05):
            (tmp_path / "x.log").write_text("more")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        found = file_events.first_change(of_spec(tmp_path / "spec.yaml"), threading.Event(), 1.0)
    finally:
        over.set()
        writing.join()
    assert found == frozenset()


def test_who_waits_for_a_change_is_interrupted_as_anywhere(tmp_path) -> None:
    """Ctrl-C of a script, or a notebook's stop: not taken for a minute in which nothing changed."""
    threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        file_events.first_change(of_spec(tmp_path / "spec.yaml"), threading.Event())
