"""Plans named on the command line: nothing else is run, and nothing else is forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import LONGEST

NEEDS = """\
version: 1
state: state.db
results: results
engine: {type: steady}
workers: {desk: {type: local, worker_folder: runs, cores_total: 2, cores_per_plan: 1}}
plans:
  - {project: Willow.prj, numbers: ["01", "02"]}
  - {project: Willow.prj, numbers: ["03"], needs: [Willow/p01]}
"""


def current(study) -> list[str]:
    plans = study.json("status", "spec.yaml")["plans"]
    return [plan["plan"][-3:] for plan in plans if plan["sync"] == "current"]


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["spec.yaml", "Willow/p02"], ["p02"]),
        (["02", "spec.yaml"], ["p02"]),
        (["spec.yaml", "Willow/p0*", "-x", "p01", "-x", "04"], ["p02", "p03"]),
        (["-x", "Willow.p01", "spec.yaml", "01-02"], ["p02"]),
        (["spec.yaml", "Willow", "--exclude", "02-04"], ["p01"]),
    ],
)
def test_only_the_plans_that_are_named_run_and_the_others_are_still_known(study, words, made) -> None:
    done = study.run("apply", *words)
    plural = "plan is" if len(made) == 1 else "plans are"
    assert f"{len(made)} of {len(made)} {plural} current" in done.stdout
    assert current(study) == made
    states = {p["plan"]: p["phase"] for p in study.json("status", "spec.yaml")["plans"]}
    assert len(states) == 4
    assert all((states[f"Willow/{n}"] == "queued") == (n not in made) for n in ("p01", "p02", "p03", "p04"))
    assert study.run("status", "spec.yaml", "--detailed-exitcode", check=None).returncode == 2


def test_what_a_named_plan_needs_runs_with_it(study) -> None:
    (study.folder / "spec.yaml").write_text(NEEDS)
    shown = study.run("diff", "spec.yaml", "03").stdout
    assert "Willow/p01" in shown and "Willow/p02" not in shown and "2 plans: 2 missing" in shown
    study.run("apply", "spec.yaml", "03")
    assert current(study) == ["p01", "p03"]


def test_a_need_that_is_left_out_is_told_and_not_waited_for(study) -> None:
    (study.folder / "spec.yaml").write_text(NEEDS)
    done = study.run("apply", "spec.yaml", "03", "-x", "01", check=4)
    assert "needs Willow/p01, which is left out here; apply Willow/p01 too" in done.stdout
    study.run("apply", "spec.yaml", "01")
    study.run("apply", "spec.yaml", "03", "-x", "01")
    assert current(study) == ["p01", "p03"]


def test_a_run_of_another_plan_goes_on_and_is_not_waited_for(study) -> None:
    study.command(waits=True)
    study.run("apply", "spec.yaml", "01", "--detach", check=2)
    study.wait_for(lambda: study.computations() == {"Willow/p01": 1} or study.computations())
    words = ["apply", "spec.yaml", "02", "--detach"]
    study.run(*words, check=2)
    study.let_go()
    study.run("apply", "spec.yaml", "02")
    assert "p02" in current(study)
    assert all(run["state"] != "cancelled" for run in study.json("history", "spec.yaml")["runs"])
    study.run("apply", "spec.yaml", "01")
    assert current(study) == ["p01", "p02"]
    assert set(study.computations().values()) == {1}


def test_a_word_that_means_no_plan_starts_nothing(study) -> None:
    done = study.run("apply", "spec.yaml", "Willow/p09", check=64)
    assert "Willow/p09: no such plan; did you mean Willow/p0" in done.stderr
    assert study.run("apply", "spec.yaml", "01", "-x", "Willow", check=64).stderr.startswith(
        "every plan that was named is left out; leave out fewer"
    )
    assert study.results() == []


@pytest.mark.parametrize(
    "words", [[], ["Willow/p02"], ["--json"], ["--detailed-exitcode"], ["-q"], ["-v", "-x", "03"]]
)
def test_a_dry_run_is_diff(study, words) -> None:
    study.run("apply", "spec.yaml", "01")
    dry = study.run("apply", "--dry-run", "spec.yaml", *words, check=None)
    diff = study.run("diff", "spec.yaml", *words, check=None)
    assert (dry.returncode, dry.stdout, dry.stderr) == (diff.returncode, diff.stdout, diff.stderr)
    assert dry.returncode == (2 if "--detailed-exitcode" in words else 0)
    assert len(study.results()) == 1


def test_every_verb_that_looks_at_plans_takes_the_same_words(study) -> None:
    study.run("apply", "spec.yaml", "-x", "04")
    assert study.run("check", "02", "spec.yaml").stdout.count("  ready\n") == 1
    assert study.run("status", "-v", "spec.yaml", "0*", "*/p01", check=64).stderr.count("0*: no such plan")
    assert study.run("status", "-v", "spec.yaml", "*/p01").stdout.count("Willow/p0") == 1
    assert [row["plan"] for row in study.json("results", "spec.yaml", "-x", "02", "-x", "04")["results"]] == [
        "Willow/p01",
        "Willow/p03",
    ]
    assert len(study.json("history", "spec.yaml", "01-02")["runs"]) == 2
    assert "Willow/p02 is current" in study.run("explain", "2", "spec.yaml").stdout
    assert study.run("logs", "Willow.p02", "spec.yaml").stdout
    assert study.json("retry", "spec.yaml", "Willow", "-x", "02-04")["requested"] == ["Willow/p01"]
    assert [a["plan"] for a in study.json("adopt", "spec.yaml", "--dry-run", "-x", "01")["plans"]] == [
        "Willow/p02",
        "Willow/p03",
        "Willow/p04",
    ]
    (study.folder / "spec.yaml").write_text(
        (study.folder / "spec.yaml")
        .read_text()
        .replace("  - project: Willow.prj\n", "  - project: Willow.prj\n    numbers: ['04']\n")
    )
    pruned = study.run("prune", "spec.yaml", "p02", "--yes").stdout
    assert "removed  Willow/p02" in pruned and "Willow/p01" not in pruned
    assert [path.name for path in study.results()] == ["Willow.p01.hdf", "Willow.p03.hdf"]


def program(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "FORCE_COLOR", "RASRECONCILE_SPEC"}
    }
    return subprocess.run(
        [sys.executable, "-m", "rasreconcile", *words],
        cwd=folder, env=base | environ, capture_output=True, text=True, timeout=LONGEST, check=False,
    )  # fmt: skip


def test_a_study_is_worked_on_from_any_folder_in_it(study) -> None:
    (study.folder / "spec.yaml").rename(study.folder / "rasreconcile.yml")
    inner = study.folder / "notes" / "2024"
    inner.mkdir(parents=True)
    assert program(inner, "apply", "02").returncode == 0
    assert json.loads(program(inner, "status", "--json").stdout)["spec"] == "../../rasreconcile.yml"
    told = program(Path("/"), "-C", str(inner), "status", "-v").stderr
    assert told == f"spec: {study.folder / 'rasreconcile.yml'}\n"


def test_colours_are_written_where_they_are_asked_for(study) -> None:
    words = ("diff", "spec.yaml")
    assert "\x1b[" not in program(study.folder, *words).stdout
    assert "\x1b[" in program(study.folder, *words, "--color", "always").stdout
    assert "\x1b[" in program(study.folder, "--color", "always", *words).stdout
    assert "\x1b[" in program(study.folder, *words, FORCE_COLOR="1").stdout
    assert "\x1b[" not in program(study.folder, *words, "--color", "never", FORCE_COLOR="1").stdout
    assert "\x1b[" not in program(study.folder, *words, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_quiet_leaves_the_closing_lines(study) -> None:
    done = study.run("apply", "-q", "spec.yaml", "01")
    assert done.stderr == "" and done.stdout.splitlines() == [
        "spec.yaml: 1 started, 1 succeeded; 1 of 1 plan is current."
    ]
    assert study.run("diff", "-q", "spec.yaml").stdout.splitlines() == [
        "spec.yaml: 4 plans: 1 current, 3 missing",
        "3 to run.",
    ]
    assert len(study.run("status", "-q", "spec.yaml").stdout.splitlines()) == 2
    assert study.run("check", "-q", "spec.yaml").stdout == "spec.yaml: 4 plans: 4 ready; 2 workers: 2 ready\n"


def test_verbose_names_what_an_error_came_from(study) -> None:
    (study.folder / "state.db").write_bytes(b"no store" * 1000)
    quiet, told = study.run("status", "spec.yaml", check=1), study.run("status", "spec.yaml", "-v", check=1)
    assert "    from DatabaseError: " in told.stderr and "from DatabaseError" not in quiet.stderr
