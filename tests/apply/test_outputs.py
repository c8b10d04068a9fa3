"""Further outputs: brought back, published together with the result, and never older than it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """\
import json, pathlib, shutil, sys
home, plan, output = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for name, text in json.loads((home / "leaves.json").read_text()).get(plan[-3:], {}).items():
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
for name in home.joinpath("reads").read_text().split() if home.joinpath("reads").exists() else ():
    path = pathlib.Path(name)
    with (home / "saw").open("a") as file:
        print(plan, name, path.read_text() if path.exists() else "missing", file=file)
shutil.copy(home / "ready.hdf", output)
"""


class Leaving:
    """A study whose engine leaves the files that it is told to leave."""

    def __init__(self, study: Any) -> None:
        self.study, self.folder = study, Path(study.folder)
        (self.folder / "leave.py").write_text(SCRIPT)
        self.words = [sys.executable, str(self.folder / "leave.py"), str(self.folder), "{plan}", "{output}"]

    def entries(self, *entries: str, results: str = "results: results\n") -> None:
        self.study.command(*self.words)
        head = (self.folder / "spec.yaml").read_text().partition("plans:")[0]
        head = head.replace("results: results\n", results)
        listed = "".join(f"  - {{project: Willow.prj, expect: {{completed: false}}, {e}}}\n" for e in entries)
        (self.folder / "spec.yaml").write_text(f"{head}plans:\n{listed}")

    def leaves(self, **files: dict[str, str]) -> None:
        (self.folder / "leaves.json").write_text(json.dumps(files))

    def change(self) -> None:
        """The flow of plans 01 and 03 is another one."""
        flow = self.folder / "Willow.f01"
        flow.write_text(flow.read_text() + "\nNew=1\n")

    @property
    def place(self) -> Path:
        return self.folder / "results" / "Willow"

    def there(self, folder: Path | None = None) -> dict[str, str]:
        """What stands beside the results, but for those and their receipts."""
        home = folder or self.place
        found = (path for path in home.rglob("*") if path.is_file())
        return {
            path.relative_to(home).as_posix(): path.read_text(errors="replace")
            for path in found
            if not path.name.endswith((".hdf", ".receipt.json"))
        }

    def verdict(self, plan: str) -> Any:
        return next(p for p in self.study.json("diff", "spec.yaml")["plans"] if p["plan"] == plan)


@pytest.fixture
def leaving(study: Any) -> Leaving:
    return Leaving(study)


def test_outputs_are_named_in_any_case_as_on_windows(leaving: Leaving) -> None:
    leaving.entries("numbers: ['01'], outputs: ['WILLOW.o{number}', 'Maps/*.TIF']")
    leaving.leaves(p01={"Willow.O01": "one", "maps/a.tif": "a"})
    leaving.study.apply()
    assert leaving.there() == {"WILLOW.o01": "one", "maps/a.tif": "a"}
    assert "nothing to do" in leaving.study.apply().stdout


def test_outputs_are_published_with_the_result_and_count_as_it_does(leaving: Leaving) -> None:
    leaving.entries("numbers: ['01'], outputs: ['{stem}.O{number}', 'maps/*.tif']")
    leaving.leaves(p01={"Willow.O01": "one", "maps/a.tif": "a", "maps/b.tif": "b", "maps/c.txt": "no"})
    leaving.study.apply()
    assert leaving.there() == {"Willow.O01": "one", "maps/a.tif": "a", "maps/b.tif": "b"}
    assert "nothing to do" in leaving.study.apply().stdout
    receipt = json.loads((leaving.place / "Willow.p01.hdf.receipt.json").read_text())
    assert sorted(o["file"] for o in receipt["outputs"]) == ["Willow.O01", "maps/a.tif", "maps/b.tif"]
    told = leaving.study.run("explain", "spec.yaml", "Willow/p01", check=None).stdout
    assert "with maps/b.tif: 1 bytes" in told

    # One that somebody changes, or removes, is computed again.
    (leaving.place / "Willow.O01").write_text("two")
    found = leaving.verdict("Willow/p01")
    assert (found["sync"], "output-drifted" in str(found["reasons"])) == ("invalid", True)
    leaving.study.apply()
    kept = {"Willow.O01": "one", "maps/a.tif": "a", "maps/b.tif": "b"}
    (edited,) = {name: text for name, text in leaving.there().items() if ".kept-" in name}.items()
    assert edited[1] == "two"
    assert {name: text for name, text in leaving.there().items() if ".kept-" not in name} == kept

    # What the new run does not write any more does not stay beside its result.
    leaving.leaves(p01={"Willow.O01": "three", "maps/a.tif": "a2"})
    leaving.change()
    leaving.study.apply()
    there = {name: text for name, text in leaving.there().items() if ".kept-" not in name}
    assert there == {"Willow.O01": "three", "maps/a.tif": "a2"}
    assert leaving.study.left_over() == []


def test_an_output_that_a_run_does_not_leave_fails_it_and_the_old_ones_stay_together(
    leaving: Leaving,
) -> None:
    leaving.entries("numbers: ['01'], outputs: ['{stem}.O{number}', 'maps/*.tif']")
    leaving.leaves(p01={"Willow.O01": "one", "maps/a.tif": "a"})
    leaving.study.apply()
    before = (leaving.place / "Willow.p01.hdf.receipt.json").read_text()
    leaving.change()
    for lacks, files in (
        ("left no Willow.O01", {"maps/a.tif": "a2"}),
        ("left nothing that matches maps/*.tif", {"Willow.O01": "two"}),
    ):
        leaving.leaves(p01=files)
        done = leaving.study.apply(check=3)
        assert lacks in done.stdout + done.stderr
        assert "let the plan write it in HEC-RAS, or correct `outputs`" in done.stdout + done.stderr
        assert leaving.there() == {"Willow.O01": "one", "maps/a.tif": "a"}
        assert (leaving.place / "Willow.p01.hdf.receipt.json").read_text() == before
        assert not list(leaving.place.rglob("*.part"))
        leaving.study.run("retry", "spec.yaml", "Willow/p01", check=None)
    leaving.leaves(p01={"Willow.O01": "three", "maps/z.tif": "z"})
    leaving.study.apply()
    assert leaving.there() == {"Willow.O01": "three", "maps/z.tif": "z"}


def test_a_file_of_somebody_else_in_the_place_of_an_output_is_kept(leaving: Leaving) -> None:
    leaving.entries("numbers: ['01'], outputs: [Willow.O01, 'maps/*.tif']", results="")
    leaving.leaves(p01={"Willow.O01": "ours", "maps/a.tif": "a"})
    (leaving.folder / "Willow.O01").write_text("theirs")
    (leaving.folder / "maps").mkdir()
    (leaving.folder / "maps" / "old.tif").write_text("of an older run")
    told = leaving.study.apply().stderr
    assert "did not publish was in the way of its outputs, and is kept as" in told
    names = {p.name.partition(".kept-")[0]: p.read_text() for p in leaving.folder.rglob("*.kept-*")}
    assert names == {"Willow.O01": "theirs", "old.tif": "of an older run"}
    assert (leaving.folder / "Willow.O01").read_text() == "ours"
    assert not (leaving.folder / "maps" / "old.tif").exists()
    assert "nothing to do" in leaving.study.apply().stdout


def test_twins_copy_further_outputs_and_compute_where_the_twin_has_none(leaving: Leaving) -> None:
    leaving.leaves(p01={"Willow.O01": "one", "more.txt": "more"})
    leaving.entries(
        "numbers: ['01'], outputs: [Willow.O01]",
        "numbers: ['01'], name: Again, outputs: ['*.O01']",
        "numbers: ['01'], name: More, outputs: [more.txt]",
    )
    leaving.study.apply()
    again, more = leaving.folder / "results" / "Again", leaving.folder / "results" / "More"
    assert (leaving.there(), leaving.there(again)) == ({"Willow.O01": "one"}, {"Willow.O01": "one"})
    assert leaving.there(more) == {"more.txt": "more"}
    runs = leaving.study.json("history", "spec.yaml")["runs"]
    assert len(runs) == 2, "one computes for itself and its twin, one what neither of them has"
    assert "nothing to do" in leaving.study.apply().stdout


def test_prune_removes_them_with_the_result_and_keeps_both_where_one_was_changed(leaving: Leaving) -> None:
    leaving.entries("numbers: ['01', '02', '03'], outputs: ['{stem}.O{number}', 'maps/p{number}.tif']")
    leaving.leaves(**{p: {f"Willow.O{p[1:]}": p, f"maps/{p}.tif": p} for p in ("p01", "p02", "p03")})
    leaving.study.apply()
    (leaving.place / "Willow.O03").write_text("changed")
    leaving.entries("numbers: ['01']")
    pruned = leaving.study.run("prune", "spec.yaml", "--yes", "--force").stdout
    assert "Willow.O03, published with it, was changed since" in pruned
    assert sorted(leaving.there()) == ["Willow.O01", "Willow.O03", "maps/p01.tif", "maps/p03.tif"]
    assert sorted(p.name for p in leaving.place.glob("*.hdf")) == ["Willow.p01.hdf", "Willow.p03.hdf"]


def test_a_rebuilt_store_knows_them_from_the_receipts(leaving: Leaving) -> None:
    leaving.entries("numbers: ['01'], outputs: [Willow.O01]")
    leaving.leaves(p01={"Willow.O01": "one"})
    leaving.study.apply()
    for path in leaving.folder.glob("state.db*"):
        path.unlink()
    leaving.study.run("state", "rebuild", "spec.yaml", "--yes")
    assert "nothing to do" in leaving.study.apply().stdout
    (leaving.place / "Willow.O01").unlink()
    assert leaving.verdict("Willow/p01")["sync"] == "missing"
    # Without a store too: its receipt matches the result, and not all that belongs to it is there.
    for path in leaving.folder.glob("state.db*"):
        path.unlink()
    assert leaving.verdict("Willow/p01")["sync"] == "missing"
    leaving.study.apply()
    assert leaving.there() == {"Willow.O01": "one"}


def test_a_found_result_is_adopted_with_what_belongs_to_it(leaving: Leaving) -> None:
    leaving.entries("numbers: ['01', '02'], outputs: ['{stem}.O{number}']")
    leaving.place.mkdir(parents=True)
    for number in ("01", "02"):
        shutil.copy(leaving.folder / "ready.hdf", leaving.place / f"Willow.p{number}.hdf")
    (leaving.place / "Willow.O01").write_text("found")
    told = leaving.study.run("adopt", "spec.yaml", "--all", "--suspicious", check=None).stdout
    assert "Willow.O02, which is published together with it, is not beside it" in told
    assert leaving.verdict("Willow/p01")["sync"] == "current"
    # An adopted result is kept when it is replaced, and so is what was adopted with it.
    leaving.leaves(p01={"Willow.O01": "computed"})
    leaving.change()
    leaving.study.apply(check=None)
    (kept,) = leaving.place.glob("Willow.O01.kept-*")
    assert (kept.read_text(), (leaving.place / "Willow.O01").read_text()) == ("found", "computed")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x.O01", "leads out of the project's folder"),
        ("C:/x.O01", "leads out of the project's folder"),
        ("/x.O01", "leads out of the project's folder"),
        ("~/x.O01", "leads out of the project's folder"),
        ("maps/../../x", "leads out of the project's folder"),
        (r"maps\x.tif", "has a backslash"),
        ("maps/**/x.tif", "has `**`"),
        ("maps/*", "means every file"),
        ("maps/", "is a folder"),
        ("{plan}.O01", "has an unknown placeholder"),
        ("nul.txt", "is not a name that every system can give a file"),
        (".hidden", "names a hidden file"),
        ("Willow.g01", "is a file of the project itself"),
        ("Willow.p01.hdf.receipt.json", "is a name that rasreconcile gives its own files"),
    ],
)
def test_a_name_that_no_run_can_bring_back_is_a_fault_with_its_line(
    name: str, why: str, tmp_path: Path
) -> None:
    from rasreconcile.errors import SpecError
    from rasreconcile.specfile import load

    (tmp_path / "spec.yaml").write_text(
        "version: 1\nengine: {type: steady}\nworkers: {desk: {type: local}}\nplans:\n"
        f"  - project: a.prj\n    outputs: ['{name}']\n"
    )
    with pytest.raises(SpecError) as raised:
        load(tmp_path / "spec.yaml")
    assert why in str(raised.value)
    assert "spec.yaml:6: plans[0].outputs" in str(raised.value)


@pytest.fixture
def series(leaving: Leaving) -> Leaving:
    """Plan 01 reads from the project's DSS file the record of plan 02, which is `Upper`."""
    for number, short in (("01", "Lower"), ("02", "Upper")):
        plan = leaving.folder / f"Willow.p{number}"
        kept = [x for x in plan.read_text().splitlines() if not x.startswith(("Flow File=", "Short Id"))]
        lines = [*kept, f"Flow File=u{number}", f"Short Identifier={short}   ", "DSS File=dss"]
        plan.write_text("\n".join(lines) + "\n")
    record = "DSS File=dss\nDSS Path=/WILLOW/5.0/FLOW//1HOUR/UPPER/\nUse DSS=True\n"
    (leaving.folder / "Willow.u01").write_text(f"Flow Title=x\nBoundary Location=a\n{record}")
    (leaving.folder / "Willow.u02").write_text("Flow Title=x\nBoundary Location=a\n")
    (leaving.folder / "reads").write_text("Willow.dss")
    leaving.entries("numbers: ['01', '02']")
    leaving.leaves(p02={"Willow.dss": "series of version 1"})
    return leaving


def seen(leaving: Leaving) -> list[str]:
    """What plan 01 found in its DSS file, run by run."""
    return [
        line for line in (leaving.folder / "saw").read_text().splitlines() if line.startswith("Willow.p01")
    ]


def test_a_plan_that_reads_the_series_of_another_is_computed_from_todays(series: Leaving) -> None:
    by_hand = series.folder / "Willow.dss"
    by_hand.write_text("what people keep there")
    series.study.apply()
    assert seen(series) == ["Willow.p01 Willow.dss series of version 1"]
    assert series.there() == {"Willow.p02.dss": "series of version 1"}
    assert "nothing to do" in series.study.apply().stdout

    flow = series.folder / "Willow.u02"
    flow.write_text(flow.read_text() + "Boundary Location=b\n")
    series.leaves(p02={"Willow.dss": "series of version 2"})
    found = series.verdict("Willow/p01")
    assert (found["sync"], "upstream-changed Willow/p02" in str(found["reasons"])) != ("current", False)
    series.study.apply()
    assert seen(series)[1:] == ["Willow.p01 Willow.dss series of version 2"]
    assert (series.there(), by_hand.read_text()) == (
        {"Willow.p02.dss": "series of version 2"},
        "what people keep there",
    )
    told = series.study.run("check", "spec.yaml", check=None).stdout
    assert "writes Willow.dss, which Willow/p01 reads; published as Willow.p02.dss" in told


def test_a_plan_whose_series_are_not_written_holds_the_one_that_reads_them(series: Leaving) -> None:
    series.leaves()
    done = series.study.apply(check=3)
    told = done.stdout + done.stderr
    assert (
        "it ended successfully but left no Willow.dss, which Willow/p01 reads; let the plan write it" in told
    )
    assert not [line for line in (series.folder / "saw").read_text().splitlines() if "p01" in line]
    held = series.verdict("Willow/p01")
    assert (held["phase"], held["obstacle"]) == ("held", "need-blocked")


def test_who_writes_what_is_read_must_be_clear(series: Leaving) -> None:
    flow = series.folder / "Willow.u01"
    flow.write_text(flow.read_text().replace("/UPPER/", "/OBSERVED/"))
    (series.folder / "Willow.dss").write_text("what people keep there")
    held = series.verdict("Willow/p01")
    assert held["phase"] == "held"
    assert "name the plan that writes it in `needs`" in held["blocked_by"][0]["remedy"]
    series.entries("numbers: ['01'], inputs: [Willow.dss]", "numbers: ['02']")
    series.study.apply()
    assert seen(series) == ["Willow.p01 Willow.dss what people keep there"]
    (series.folder / "Willow.dss").write_text("what people changed")
    assert series.verdict("Willow/p01")["sync"] == "stale"
