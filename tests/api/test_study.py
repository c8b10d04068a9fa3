"""A study in a script: what it shows, what it does, and what becomes of it when it is interrupted."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import rasreconcile
from rasreconcile.records import NOT_SHOWN

SURFACE = "/Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections/Water Surface"
SCRIPT = """\
import rasreconcile
study = rasreconcile.open("spec.yaml")
print(study.apply(on_event=lambda event: print(event, flush=True)))
"""


def script(study, text: str = SCRIPT) -> subprocess.Popen[str]:
    """A script of a user, that goes on by itself."""
    started = subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=study.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    study.controllers.append(started)
    return started


def hears(started: subprocess.Popen[str], words: str) -> None:
    assert started.stdout is not None
    assert any(words in line for line in started.stdout), f"it ended and never said {words!r}"


def test_a_study_is_looked_at_applied_and_read(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert len(one.status()) == 0
    before = one.diff()
    assert before.work
    assert [(row.sync, row.reasons) for row in before] == [("missing", ("never-run",))] * 4
    assert {action.action for action in before.actions} == {"run"}

    heard: list[rasreconcile.Event] = []
    applied = one.apply(on_event=heard.append)
    assert applied.converged
    assert applied.counts["succeeded"] == 4
    assert len(applied.running) == 0
    assert not one.diff().work
    assert {row.sync for row in one.status()} == {"current"}
    kept = [event for event in one.events(limit=1000) if event.kind not in NOT_SHOWN]
    assert heard == kept

    results = one.results()
    assert [row.hdf for row in results] == study.results()
    assert results[0].max_water_surface == pytest.approx(129.93, abs=0.01)
    assert one.results("p02")[0].plan == "Willow/p02"
    frame = one.results("Willow/*", dataset=SURFACE).to_pandas()
    assert list(frame) == ["plan", "profile", "section", "value"]
    assert frame[frame.plan == "Willow/p01"].value.max() == results[0].max_water_surface
    with pytest.raises(rasreconcile.ResultError, match="does not exist"):
        one.results(dataset="/No")

    plan = one["Willow/p01"]
    assert plan.hdf == study.results()[0]
    assert [run.state for run in plan.history()] == ["succeeded"]
    assert {event.address for event in plan.events()} == {"Willow/p01"}
    flow = study.folder / "Willow.f01"
    flow.write_text(flow.read_text().replace("14500", "14600").replace("Flow Title=", "Flow Title=Changed "))
    explained = plan.explain()
    assert "input-changed Willow.f01" in repr(explained)
    assert "<pre>" in explained._repr_html_()


def test_a_plan_is_named_by_its_ending_and_what_is_near_is_told(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert list(one) == ["Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04"]
    assert [one[word].address for word in ("P02", "02", "2", "willow/p02")] == ["Willow/p02"] * 4
    with pytest.raises(rasreconcile.UsageError, match=r"Wilow/p01: no such plan; did you mean Willow/p01"):
        one["Wilow/p01"]
    with pytest.raises(rasreconcile.UsageError, match=r"Willow/\* means 4 plans: .*; name one"):
        one["Willow/*"]
    with pytest.raises(rasreconcile.ResultError, match=r"Willow/p02 has no result; apply\(\) computes it"):
        one["p02"].hdf  # noqa: B018


def test_plans_that_fail_are_told_and_nothing_is_raised(study) -> None:
    study.command(sys.executable, "-c", "raise SystemExit(3)")
    applied = rasreconcile.open(study.folder / "spec.yaml").apply()
    assert applied.exit_code == 3
    assert not applied.converged
    assert {row.phase for row in applied.plans} == {"quarantined"}
    assert "4 x" in repr(applied)


def test_events_come_in_the_thread_of_the_caller_and_its_signals_are_left_alone(study) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    seen = set()

    def heard(event: rasreconcile.Event) -> None:
        seen.add((threading.current_thread(), *map(signal.getsignal, (signal.SIGINT, signal.SIGTERM))))

    rasreconcile.open(study.folder / "spec.yaml").apply(on_event=heard)
    assert seen == {(threading.current_thread(), *before)}


@pytest.mark.parametrize("presses", [1, 2])
def test_an_apply_that_is_interrupted_leaves_its_runs_and_the_next_collects_them(study, presses: int) -> None:
    """Twice at once: `uv run` and other wrappers pass a Ctrl-C on that the program has had already."""
    study.command(waits=True)
    first = script(study)
    for _ in range(3):
        hears(first, "started")
    study.wait_for(lambda: len(study.computations()) == 3)
    for _ in range(presses):
        first.send_signal(signal.SIGINT)
    _, said = first.communicate()
    assert first.returncode != 0
    assert "KeyboardInterrupt" in said
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert len(one.status().running) == 3
    assert one.status().controller is None
    study.let_go()
    again = one.apply()
    assert again.converged
    assert again.counts["collected"] == 3
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


def test_a_second_interrupt_is_raised_although_a_worker_never_answers(study) -> None:
    """A host that accepts the connection and then says nothing keeps a lane waiting for a long time."""
    spec = study.folder / "spec.yaml"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        far = f"  far: {{type: ssh, hostname: 127.0.0.1, port: {port}, username: nobody}}\nplans:"
        spec.write_text(spec.read_text().replace("plans:", far))
        first = script(
            study,
            "import rasreconcile\n"
            "try: rasreconcile.open('spec.yaml').apply(on_event=lambda e: print(e.kind, flush=True))\n"
            "except KeyboardInterrupt: print('interrupted', flush=True)\n",
        )
        hears(first, "started")
        connected, _ = silent.accept()
        with connected:
            first.send_signal(signal.SIGINT)
            study.wait_for(lambda: rasreconcile.open(spec).status().controller == first.pid)
            again = threading.Event()

            def press() -> None:
                while not again.wait(0.3):
                    first.send_signal(signal.SIGINT)

            pressing = threading.Thread(target=press)
            pressing.start()
            try:
                hears(first, "interrupted")
            finally:
                again.set()
                pressing.join()
    first.kill()


def test_whatever_on_event_raises_ends_the_apply_as_safely(study) -> None:
    study.command(waits=True)
    one = rasreconcile.open(study.folder / "spec.yaml")

    def heard(event: rasreconcile.Event) -> None:
        raise LookupError(event.kind)

    with pytest.raises(LookupError, match="started"):
        one.apply(on_event=heard)
    assert one.status().controller is None
    assert 1 <= len(one.status().running) <= 3
    study.let_go()
    assert one.apply().converged
    assert set(study.computations().values()) == {1}


def test_a_second_apply_of_a_study_is_refused_while_the_first_works(study) -> None:
    study.command(waits=True)
    first = script(study)
    hears(first, "started")
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert one.status().controller == first.pid
    with pytest.raises(rasreconcile.StoreBusy, match=f"process {first.pid}"):
        one.apply()
    study.let_go()
    said, _ = first.communicate()
    assert "4 of 4 plans are current" in said


def test_detaching_returns_while_runs_are_running(study) -> None:
    study.command(waits=True)
    one = rasreconcile.open(study.folder / "spec.yaml")
    applied = one.apply(stay="detach")
    assert applied.exit_code == 2
    assert len(applied.running) == 3
    assert "3 runs still running" in repr(applied)
    study.let_go()
    assert one.apply().converged


def test_a_secret_is_in_the_environment_again_after_an_apply(study, monkeypatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "hunter2")
    spec = study.folder / "spec.yaml"
    spec.write_text(
        spec.read_text().replace(
            "plans:",
            "  lab: {type: ssh, hostname: 127.0.0.2, port: 1, password: {env: LAB_PASSWORD}, queue_priority: 9}\nplans:",
        )
        + "    only_on: [desk]\n"
    )
    one = rasreconcile.open(spec)
    assert one.apply().converged
    import os

    assert os.environ["LAB_PASSWORD"] == "hunter2"
    assert "hunter2" not in one.text


def test_what_this_machine_refuses_is_an_error_of_ours(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    with pytest.raises(rasreconcile.RasReconcileError, match="File exists"):
        one.save()
    with pytest.raises(rasreconcile.SpecError, match=r"No such file or directory; name a spec file"):
        rasreconcile.open(study.folder / "none.yaml")


def test_importing_it_imports_next_to_nothing() -> None:
    code = (
        "import sys, rasreconcile;"
        "ours = [m for m in sys.modules if m.startswith('rasreconcile.')]; assert not ours, ours;"
        "rasreconcile.RasReconcileError; rasreconcile.Table; rasreconcile.study;"
        "heavy = {'docker', 'paramiko', 'h5py', 'numpy', 'pandas', 'pydantic', 'sqlite_utils', 'rich', 'watchfiles'};"
        "found = heavy & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_that_is_offered_is_there_and_no_package_hides_one() -> None:
    offered = set(dir(rasreconcile))
    assert offered >= {"open", "study", "workers_from_json", "Study", "SpecError"}
    assert all(getattr(rasreconcile, name) is not None for name in offered)
    inside = {path.stem for path in Path(rasreconcile.__file__).parent.iterdir() if path.stem != "__init__"}
    assert inside & offered == set()
    assert "open" not in rasreconcile.__all__, "a star import must leave Python's own open alone"
    with pytest.raises(AttributeError, match="no attribute 'diff'"):
        rasreconcile.diff  # noqa: B018


def test_without_pandas_all_but_frames_works(study) -> None:
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import rasreconcile\n"
        "study = rasreconcile.open('spec.yaml')\n"
        "assert study.apply().converged\n"
        "assert study.results().to_dicts()[0]['plan'] == 'Willow/p01'\n"
        "try: study.results().to_pandas()\n"
        "except rasreconcile.UsageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=study.folder, check=True, capture_output=True, text=True
    )
    assert done.stdout == "pandas is not installed; run `pip install pandas`, or use to_dicts()\n"
