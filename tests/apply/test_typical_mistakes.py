"""Mistakes of a first day, each with the exact message: it says where, what is wrong, and what to do.

With those of test_first_mistakes.py they are what users of run managers report: a projection of a GIS named for a project
(it has the same ending), a project named for a spec, tabs and bad indentation, a misspelt name that is silently taken for
another one, files that are not where a plan looks for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from rasreconcile.errors import Fault

SPEC = """\
version: 1
results: results
engine: {type: steady}
workers:
  desk: {type: local, worker_folder: runs, cores_total: 2, cores_per_plan: 1}
plans:
  - project: Willow.prj
"""
LINE = "Willow.prj\n"
LOCAL = "type: local, worker_folder: runs"


@dataclass(frozen=True)
class Mistake:
    """What a user does, and what is answered."""

    said: str
    change: tuple[str, str] = ("", "")
    """In the spec, from what to what."""
    words: tuple[str, ...] = ("diff", "spec.yaml")
    files: dict[str, str] = field(default_factory=dict)
    code: int = 64


MISTAKES = {
    "a misspelt key": Mistake(
        "spec.yaml:4: wokers: unknown key; did you mean workers?", ("workers:", "wokers:")
    ),
    "a tab": Mistake(
        "spec.yaml:5: not valid YAML: found character that cannot start any token; use spaces, not tabs; quote what"
        " begins with @ ` or %",
        ("  desk:", "\tdesk:"),
    ),
    "an indentation": Mistake(
        "spec.yaml:8: not valid YAML: mapping values are not allowed in this context; check the indentation, and quote"
        " what holds `: `",
        (LINE, LINE + "      numbers: [1]\n"),
    ),
    "a key twice": Mistake(
        "spec.yaml:3: results: is repeated, first on line 2; keep one",
        ("results\n", "results\nresults: other\n"),
    ),
    "a project that is not there": Mistake(
        "spec.yaml:7: plans[0].project: Wilow.prj: No such file or directory; did you mean Willow.prj?",
        (LINE, "Wilow.prj\n"),
    ),
    "a project that is nothing like one": Mistake(
        "spec.yaml:7: plans[0].project: models/x.prj: No such file or directory; name the .prj of a HEC-RAS project",
        (LINE, "models/x.prj\n"),
    ),
    "the folder of a project": Mistake(
        "spec.yaml:7: plans[0].project: models: Is a directory; did you mean models/Muncie.PRJ?",
        (LINE, "models\n"),
        files={"models/Muncie.PRJ": "Proj Title=Muncie\n"},
    ),
    "a table in a folder that is not there": Mistake(
        "tables/all.csv: its folder does not exist; make it, or name another file",
        words=("results", "spec.yaml", "--output", "tables/all.csv"),
    ),
    "a projection of a GIS": Mistake(
        "spec.yaml:7: plans[0].project: reach.prj:1: not a HEC-RAS project but a map projection of a GIS, which has the same ending; name the"
        " .prj of the model, whose first line is 'Proj Title='",
        (LINE, "reach.prj\n"),
        files={"reach.prj": 'PROJCS["NAD_1983_StatePlane_Indiana_East",GEOGCS["GCS"]]'},
    ),
    "a plan for a project": Mistake(
        "spec.yaml:7: plans[0].project: Willow.p01:1: not a HEC-RAS project: its first line is not 'Proj Title=';"
        " name the .prj of the model",
        (LINE, "Willow.p01\n"),
    ),
    "a pattern that matches nothing": Mistake(
        "spec.yaml:7: plans[0].project: models/*/x.prj: matches no HEC-RAS project; paths are relative to the spec file"
        " (models/*/x.prj is looked for there)",
        (LINE, "models/*/x.prj\n"),
    ),
    "a range that goes back": Mistake(
        "spec.yaml:8: plans[0].numbers: '04-01': plan numbers run from 01 to 99; write the smaller one first",
        (LINE, LINE + '    numbers: ["04-01"]\n'),
    ),
    "no worker": Mistake(
        "spec.yaml:4: workers: is empty; add at least one",
        (f"workers:\n  desk: {{{LOCAL}, cores_total: 2, cores_per_plan: 1}}", "workers: {}"),
    ),
    "more cores than there are": Mistake(
        "spec.yaml:5: workers.desk.cores_per_plan: 4 is more than cores_total (2), so no run would fit; lower it",
        ("cores_per_plan: 1", "cores_per_plan: 4"),
    ),
    "a word for a number": Mistake(
        "spec.yaml:5: workers.desk.cores_total: is not a whole number; write digits without quotes",
        ("cores_total: 2", "cores_total: two"),
    ),
    "a host without a name": Mistake(
        "spec.yaml:5: workers.desk.hostname: is missing; add it", (LOCAL, "type: ssh, worker_folder: runs")
    ),
    "a password in the spec": Mistake(
        "spec.yaml:5: workers.desk.password: a secret is named, never written; give {env: NAME} or {file: PATH}",
        (LOCAL, "type: ssh, hostname: lab, password: hunter2"),
    ),
    "a version as a number": Mistake(
        "spec.yaml:3: engine.version: is not text; put it in quotes",
        ("{type: steady}", "{type: hec-ras, version: 6.6}"),
    ),
    "a bound without its name": Mistake(
        "spec.yaml:8: plans[0].expect.volume_error_percent: is not a mapping; write {at_most: NUMBER}",
        (LINE, LINE + "    expect: {volume_error_percent: 0.5}\n"),
    ),
    "a need that is no plan": Mistake(
        "spec.yaml:8: plans[0].needs: Willow/p09 is not a plan of this spec; did you mean Willow/p04?",
        (LINE, LINE + "    needs: [Willow/p09]\n"),
    ),
    "a worker that is none": Mistake(
        "spec.yaml:8: plans[0].only_on[0]: 'dsk' is not a worker of this spec; did you mean desk?",
        (LINE, LINE + "    only_on: [dsk]\n"),
    ),
    "a spec that is not there": Mistake(
        "studdy.yaml: No such file or directory; name a spec file", words=("diff", "studdy.yaml")
    ),
    "a project for a spec": Mistake(
        "Willow.prj:1: is a HEC-RAS project, not a spec; write a spec for it: rasreconcile init Willow.prj",
        words=("apply", "Willow.prj"),
    ),
    "two specs": Mistake(
        "spec.yaml and other.yaml are two specs; name one; each has its own store",
        words=("apply", "spec.yaml", "other.yaml"),
    ),
    "a misspelt plan": Mistake(
        "Wilow/p01: no such plan; did you mean Willow/p01, Willow/p04, Willow/p03?",
        words=("apply", "spec.yaml", "Wilow/p01"),
    ),
    "a log before the first run": Mistake(
        ".rasreconcile/spec.db: there is no store yet; `apply` creates it",
        words=("logs", "spec.yaml", "p01"),
        code=1,
    ),
    "nothing to retry": Mistake(
        "name the plans to compute again (`Muncie/p04`, `Muncie/*`), or say --failed",
        words=("retry", "spec.yaml"),
    ),
    "a first spec twice": Mistake(
        "spec.yaml already exists; name another file, or edit it", words=("init", "Willow.prj", "spec.yaml")
    ),
    "a spreadsheet": Mistake(
        "a.xlsx: results are not written as spreadsheets (.xlsx); write .csv, which Excel and LibreOffice open, .json or"
        " .parquet",
        words=("results", "spec.yaml", "--output", "a.xlsx"),
    ),
    "a folder without a project": Mistake(
        "results: no HEC-RAS project here or below; name a .prj, or another folder",
        words=("init", "results", "new.yaml"),
        files={"results/readme.txt": ""},
        code=1,
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_typical_mistake_is_answered_with_where_what_and_what_to_do(study, ask, name) -> None:
    mistake = MISTAKES[name]
    assert mistake.change[0] in SPEC
    (study.folder / "spec.yaml").write_text(SPEC.replace(*mistake.change) if mistake.change[0] else SPEC)
    for path, text in mistake.files.items():
        (study.folder / path).parent.mkdir(exist_ok=True)
        (study.folder / path).write_text(text)
    answer = ask(*mistake.words)
    said = answer.err.strip().replace(f"{study.folder}/.rasreconcile/spec.db", "spec.yaml")
    assert (said, answer.code) == (mistake.said, mistake.code)
    what, remedy = said.split("; ", 1) if "; " in said else said.split(", ", 1)
    assert what and remedy, "it says what to do"
    assert study.results() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["aply"], "No such command 'aply'. Did you mean 'apply'?"),
        (["apply", "--dryrun"], "No such option '--dryrun'. Did you mean '--dry-run'?"),
    ],
)
def test_a_misspelt_verb_or_option_is_answered_with_what_is_near(ask, words, said) -> None:
    answer = ask(*words)
    assert answer.code == 64
    assert answer.err.splitlines()[-1] == f"Error: {said}"


def test_a_fault_reads_as_where_what_and_remedy() -> None:
    assert str(Fault("a.yaml", 3, "b", "is wrong", "do so")) == "a.yaml:3: b: is wrong; do so"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("runs", "    runs is not a folder; move that file away, or set worker_folder to another folder"),
        (".rasreconcile", ".rasreconcile is not a folder; move it away, or set `state:` to another place"),
    ],
)
def test_a_file_in_the_place_of_a_folder_is_told(study, ask, name, said) -> None:
    (study.folder / "spec.yaml").write_text(SPEC)
    (study.folder / name).write_text("")
    answer = ask("check" if name == "runs" else "apply", "spec.yaml")
    assert said in (answer.out + answer.err).splitlines()
    assert study.results() == []
