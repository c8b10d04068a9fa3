"""A plan that restarts from what another one writes: order, staleness and failure follow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

RST = "Willow.p02.02JAN2024 1200.rst"
FLOW = "Flow Title=x\nUse Restart= {use} \nRestart Filename={rst}\nBoundary Location=a\n"
SCRIPT = """\
import pathlib, shutil, sys
plan, output, ready, saw, rst = sys.argv[1:]
if plan.endswith("p02"):
    if "silent" not in pathlib.Path("Willow.u02").read_text():
        pathlib.Path(rst).write_text("state after " + pathlib.Path("Willow.u02").read_text())
else:
    with open(saw, "a") as file:
        file.write(pathlib.Path(rst).read_text().splitlines()[0] + "\\n")
shutil.copy(ready, output)
"""


@pytest.fixture
def chain(study: Any) -> Any:
    folder: Path = study.folder
    for number in ("01", "02"):
        plan = folder / f"Willow.p{number}"
        lines = [line for line in plan.read_text().splitlines() if not line.startswith("Flow File=")]
        plan.write_text("\n".join([*lines, f"Flow File=u{number}"]) + "\n")
    (folder / "Willow.u01").write_text(FLOW.format(use=-1, rst=RST))
    (folder / "Willow.u02").write_text(FLOW.format(use=0, rst=""))
    (folder / "chain.py").write_text(SCRIPT)
    words = [sys.executable, str(folder / "chain.py"), "{plan}", "{output}", str(folder / "ready.hdf")]
    study.command(*words, str(folder / "saw"), RST)
    spec = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(spec.replace("Willow.prj\n", "Willow.prj\n    numbers: ['01', '02']\n"))
    return study


def seen(chain: Any) -> list[str]:
    return (chain.folder / "saw").read_text().splitlines()


def test_a_restart_file_reaches_its_reader_and_what_made_it_counts(chain: Any) -> None:
    chain.apply()
    assert seen(chain) == ["state after Flow Title=x"]
    (published,) = (chain.folder / "results").rglob("*.rst")
    assert published.name == RST
    assert "nothing to do" in chain.apply().stdout

    flow = chain.folder / "Willow.u02"
    flow.write_text(flow.read_text().replace("Title=x", "Title=y"))
    chain.apply()
    assert seen(chain)[1:] == ["state after Flow Title=y"]

    published.unlink()
    (missing,) = [p for p in chain.json("diff", "spec.yaml")["plans"] if p["sync"] != "current"]
    assert (missing["plan"], RST in str(missing["reasons"])) == ("Willow/p02", True)
    chain.apply()
    assert published.read_text().startswith("state after Flow Title=y")
    assert len(seen(chain)) == 2
    assert chain.left_over() == []


def test_a_plan_that_leaves_no_restart_file_stops_those_that_need_it(chain: Any) -> None:
    flow = chain.folder / "Willow.u02"
    flow.write_text(flow.read_text() + "silent=1\n")
    done = chain.apply(check=3)
    assert f"left no {RST}, which another plan restarts from" in done.stdout + done.stderr
    assert not (chain.folder / "saw").exists()
    assert chain.results() == []
    assert chain.left_over() == [] or all("runs" in path for path in chain.left_over())


def test_check_lists_what_is_read_and_what_is_written_for_others(chain: Any) -> None:
    found = {plan["plan"]: plan for plan in chain.json("check", "spec.yaml")["plans"]}
    assert found["Willow/p02"]["side_outputs"] == [RST]
    assert found["Willow/p01"]["needs"] == ["Willow/p02"]
    (restart,) = [i for i in found["Willow/p01"]["inputs"] if i["kind"] == "restart"]
    assert (restart["missing"], restart["counts"], restart["references"]) == (True, False, [RST])
    text = chain.run("check", "spec.yaml").stdout
    assert f"writes {RST}, which another plan restarts from" in text
    (row,) = [line.split() for line in text.splitlines() if line.endswith("Willow.u01") and ".rst" in line]
    assert row[0] == "restart" and row[-3:] == ["staged", "only", "Willow.u01"]


# ---- the result itself

READS = """\
import pathlib, shutil, sys
plan, output, ready, saw = sys.argv[1:]
if plan.endswith("p01"):
    with open(saw, "a") as file:
        file.write(f"{pathlib.Path('Willow.p02.hdf').stat().st_size}\\n")
shutil.copy(ready, output)
"""


def test_a_result_that_another_plan_starts_from_reaches_it_and_what_made_it_counts(chain: Any) -> None:
    folder = chain.folder
    (folder / "Willow.u01").write_text(
        "Flow Title=x\nUse Restart= 0 \nPrior WS Filename=Willow.p02\nPrior WS Profile=Max WS\n"
    )
    (folder / "chain.py").write_text(READS)
    words = [sys.executable, str(folder / "chain.py"), "{plan}", "{output}", str(folder / "ready.hdf")]
    chain.command(*words, str(folder / "saw"))
    spec = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(spec.replace("Willow.prj\n", "Willow.prj\n    numbers: ['01', '02']\n"))
    size = (folder / "ready.hdf").stat().st_size
    chain.apply()
    assert seen(chain) == [str(size)]
    assert "nothing to do" in chain.apply().stdout
    plan = folder / "Willow.p02"
    plan.write_text(plan.read_text() + "Encroach Param=-1 ,0,0, 0 \n")
    chain.apply()
    assert seen(chain) == [str(size)] * 2
    assert chain.left_over() == []
