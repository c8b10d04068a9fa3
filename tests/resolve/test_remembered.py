"""What is remembered from one look to the next is what a look without memory finds, whatever happened in between."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import SpecError
from rasreconcile.records import Mentions
from rasreconcile.resolve import Contents, Digests, Memory, resolve
from rasreconcile.resolve.closure import closure_of
from rasreconcile.results.associations import associations
from rasreconcile.specfile import LoadedSpec, load

SPEC = """\
version: 1
path_map: {'Q:/shared': shared}
engine: {type: hec-ras, version: "6.1"}
workers: {desk: {type: local}}
plans:
  - {project: 'm*/A.prj', inputs: ['extra*.csv', 'sub/one.txt', 'sub/**/two.txt'], outputs: ['A.O{number}']}
  - {project: b/B.prj, needs: [], inputs: ['*.csv']}
"""
PRJ = [
    "Proj Title=x\nPlan File=p01\nPlan File=p02\n",
    "Proj Title=x\nSI Units\nPlan File=p02\n",
    "PROJCS[",
    "rubbish",
]
PLAN = [
    "Plan Title=a\nShort Identifier=one\nGeom File=g01\nFlow File=u01\n",
    "Plan Title=b\nShort Identifier=two\nGeom File=g01\nFlow File=u02\nDSS File=sub\\own.dss\n",
    "Plan Title=c\nGeom File=g02\nFlow File=f01\nRun WQNet=-1\n",
    "Plan Title=d\nGeom File=nonsense\n",
    "Plan Title=e\nGeom File=g01\nFlow File=u01\nUnsteady Encroach Base Plan File=A.p02\n",
]
FLOW = [
    "Flow Title=a\n",
    "Flow Title=b\nUse Restart=-1\nRestart Filename=A.p02.02JAN1900 1200.rst\n",
    "Flow Title=c\nBoundary Location=x\nDSS File=sub\\flow.dss\nDSS Path=/A/B/FLOW//1HOUR/one/\nUse DSS=True\n",
    "Flow Title=d\nBoundary Location=x\nDSS File=Q:\\shared\\flow.dss\nDSS Path=/A/B/C/D/E/two/\nUse DSS=True\n",
    "Flow Title=e\nMet BC=Precipitation|Gridded GDAL Folder=./sub/*.csv\n",
    "Flow Title=f\nBoundary Location=x\nDSS File=../m1/A.dss\nDSS Path=/A/B/C/D/E/one/\nUse DSS=True\n",
]
GEOMETRY = [
    "Geom Title=a\n",
    "Geom Title=b\nStorage Area Is2D=-1\n",
    "Geom Title=c\nA File Name=sub/one.txt\n",
]
MAP = ["<RASMapper><RASProjectionFilename Filename='.\\sub\\one.txt' /></RASMapper>", "<not"]
TEXTS = {"prj": PRJ, "p": PLAN, "u": FLOW, "f": FLOW[:1], "g": GEOMETRY, "rasmap": MAP}
NAMES = [
    *(
        "A.prj",
        "A.p01",
        "A.p02",
        "A.g01",
        "A.u01",
        "A.u02",
        "A.rasmap",
        "A.g01.hdf",
        "A.p01.hdf",
        "A.dss",
        "A.O01",
    ),
    *(
        "A.p02.02JAN1900 1200.rst",
        "A.p01.tmp.hdf",
        "A.b01",
        "A.x01",
        "extra.csv",
        "sub/one.txt",
        "sub/flow.dss",
    ),
    *("B.p01", "B.g01", "B.u01", "sub/own.dss", "sub/two.csv"),
]
FOLDERS = ["m1", "b"]
places = st.builds("{}/{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES))
folders = st.sampled_from([*FOLDERS, "m1/sub", "b/sub", "m3", "shared"])
edits = st.one_of(
    st.tuples(st.just("write"), places, st.integers(0, 5)),
    st.tuples(st.just("remove"), places, places),
    st.tuples(st.just("rename"), places, places),
    st.tuples(st.just("touch"), places, places),
    st.tuples(st.just("case"), places, places),
    st.tuples(st.just("link"), places, places),
    st.tuples(st.just("link"), folders, folders),
    st.tuples(st.just("rename"), folders, folders),
)
ticks = count(1_600_000_000, 7)


def text_of(place: str, choice: int) -> str:
    ending = place.rpartition(".")[2]
    texts = TEXTS.get(ending) or TEXTS.get(ending[:1], ["a", "b,c"])
    return texts[choice % len(texts)]


def edit(root: Path, what: str, first: str, second: Any) -> None:
    """One edit, where it is possible. Times are all different: nothing hides behind the same moment."""
    path, other = root / first, root / str(second)
    try:
        match what:
            case "write":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text_of(first, second))
                os.utime(path, (next(ticks), next(ticks)))
            case "remove":
                path.unlink()
            case "touch":
                os.utime(path, (next(ticks), next(ticks)))
            case "rename":
                other.parent.mkdir(parents=True, exist_ok=True)
                path.rename(other)
            case "case":
                path.rename(path.with_name(path.name.swapcase()))
            case "link":
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(other)
    except OSError:
        pass


@dataclass
class Looks:
    """The same spec, looked at with a memory and without one."""

    loaded: LoadedSpec
    digests: Digests = field(default_factory=lambda: Digests({}, later))
    contents: Contents = field(default_factory=lambda: Contents({}, later, associations))
    memory: Memory = field(default_factory=Memory)
    rows: dict[tuple[Path, str], Mentions] = field(default_factory=dict)
    """As a store keeps them."""

    def remembered(self) -> object:
        plans = found(self.loaded, self.digests, self.contents, self.memory)
        self.rows.update({(row.path, row.kind): row for row in self.memory.take_fresh()})
        return plans

    def reopened(self) -> object:
        """By a program that has nothing but what the store keeps."""
        memory = Memory.of(self.rows.values())
        return found(self.loaded, Digests({}, later), Contents({}, later, associations), memory)

    def fresh(self) -> object:
        return found(self.loaded, Digests({}, later), Contents({}, later, associations), Memory())


def later() -> int:
    """A clock by which no file is so young that it would be read again in any case."""
    return time.time_ns() + 10**11


def found(loaded: LoadedSpec, digests: Digests, contents: Contents, memory: Memory) -> object:
    try:
        return resolve(loaded, digests, engine_for, contents=contents, memory=memory).plans
    except (SpecError, OSError) as error:
        return str(error)


def study(root: Path) -> Looks:
    for place in (
        "m1/A.prj",
        "m1/A.p01",
        "m1/A.p02",
        "m1/A.g01",
        "m1/A.u01",
        "m1/sub/flow.dss",
        "m1/sub/one.txt",
    ):
        edit(root, "write", place, 0)
    for place, choice in (
        ("m1/A.p02", 1),
        ("m1/A.u02", 2),
        ("m2/A.prj", 0),
        ("m2/A.p01", 1),
        ("m2/A.g01", 1),
        ("m2/A.u02", 1),
    ):
        edit(root, "write", place, choice)
    for place, choice in (("b/B.prj", 0), ("b/B.p01", 0), ("b/B.g01", 0), ("b/B.u01", 5)):
        edit(root, "write", place, choice)
    (root / "spec.yaml").write_text(SPEC)
    return Looks(load(root / "spec.yaml"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(edits, min_size=1, max_size=2), min_size=1, max_size=12))
def test_a_remembered_look_finds_what_a_fresh_one_finds(rounds: list[list[tuple[str, str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        looks = study(Path(folder))
        assert looks.remembered() == looks.fresh()
        for one in rounds:
            for what, first, second in one:
                edit(Path(folder), what, first, second)
            reopened, fresh = looks.reopened(), looks.fresh()
            assert reopened == fresh
            assert looks.remembered() == fresh


@pytest.mark.parametrize(
    "scripts",
    [
        # Each change shows in the answer to one question alone: a folder comes back, one makes room for a file, the
        # same files are behind a link and then behind another, and what was left out as outdated is prepared again.
        [
            [("write", "m1/A.u02", 3), ("rename", "shared", "m3")],
            [("write", "shared/flow.dss", 0)],
        ],
        [
            [("rename", "m1/sub/flow.dss", "m1/x"), ("rename", "shared", "m1/sub/flow.dss")],
            [("rename", "m1/sub/flow.dss", "shared"), ("rename", "m1/x", "m1/sub/flow.dss")],
        ],
        [
            [("write", "m1/A.p02", 0)],
            [("rename", "m1/sub", "m3"), ("link", "m1/sub", "m3")],
            [("rename", "m3", "m4"), ("link", "m1/sub", "m4")],
        ],
        [
            [("write", "m1/A.p01.tmp.hdf", 0), ("write", "m1/A.p01", 0)],
            [("touch", "m1/A.p01.tmp.hdf", "")],
        ],
    ],
)
def test_no_question_is_forgotten(tmp_path: Path, scripts: list[list[tuple[str, str, Any]]]) -> None:
    study(tmp_path)
    (tmp_path / "shared").mkdir()
    # Without patterns, which ask for all names of a folder, but for those that a link concerns.
    inputs = "'sub/*.txt'" if scripts[-1][-1][0] == "link" else ""
    spec = SPEC.replace("'extra*.csv', 'sub/one.txt', 'sub/**/two.txt'", inputs).replace("'*.csv'", "")
    (tmp_path / "spec.yaml").write_text(spec)
    looks = Looks(load(tmp_path / "spec.yaml"))
    before = looks.remembered()
    for one in scripts:
        for what, first, second in one:
            edit(tmp_path, what, first, second)
        reopened, after = looks.reopened(), looks.remembered()
        assert after == reopened
        assert after == looks.fresh()
        assert after != before
        before = after


@pytest.fixture
def closures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The addresses of plans whose closure is worked out."""
    made: list[str] = []
    real = closure_of

    def noted(asked: Any, *more: Any) -> Any:
        made.append(str(asked.address))
        return real(asked, *more)

    monkeypatch.setattr("rasreconcile.resolve.remembered.closure_of", noted)
    yield made


@pytest.mark.parametrize(
    ("what", "first", "again"),
    [
        ("write", "m1/unrelated.txt", set()),
        ("write", "m1/A.p01.hdf", set()),
        ("write", "m1/sub/other.dss", set()),
        ("touch", "m1/A.g01", {"m1/A"}),
        ("write", "m2/A.rasmap", {"m2/A"}),
        ("remove", "m1/sub/one.txt", {"m1/A"}),
        ("case", "m1/A.g01", {"m1/A"}),
    ],
)
def test_only_the_project_that_an_edit_concerns_is_read_again(
    tmp_path: Path, closures: list[str], what: str, first: str, again: set[str]
) -> None:
    spec = SPEC.replace("'extra*.csv', ", "").replace(", 'sub/**/two.txt'", "").replace("'*.csv'", "")
    study(tmp_path)
    (tmp_path / "spec.yaml").write_text(spec)
    looks = Looks(load(tmp_path / "spec.yaml"))
    looks.remembered()
    closures.clear()
    looks.remembered()
    assert closures == []
    edit(tmp_path, what, first, 1)
    looks.remembered()
    assert {address.rpartition("/")[0] for address in closures} == again


def test_a_plan_that_writes_for_others_is_seen_by_all(tmp_path: Path, closures: list[str]) -> None:
    looks = study(tmp_path)
    looks.remembered()
    closures.clear()
    edit(tmp_path, "write", "m1/A.p01", 2)
    assert looks.remembered() == looks.fresh()
    assert {"b/B/p01", "B/p01"} & set(closures)


def test_what_a_store_keeps_is_remembered_by_the_next_program(
    tmp_path: Path, closures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = study(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC.replace(", 'sub/**/two.txt'", ""))
    looks.loaded = load(tmp_path / "spec.yaml")
    plans = looks.remembered()
    closures.clear()
    assert looks.reopened() == plans
    assert closures == []
    monkeypatch.setattr("rasreconcile.resolve.read_project.rules", lambda: "of other code")
    assert looks.reopened() == plans
    assert len(closures) == 6


def test_a_damaged_row_is_as_good_as_none(tmp_path: Path) -> None:
    looks = study(tmp_path)
    plans = looks.remembered()
    assert looks.rows
    for text in ("", "{", "[]", "null", "{}"):
        damaged = {
            key: replace(row, found=(replace(row.found[0], value=text),)) for key, row in looks.rows.items()
        }
        assert Looks(looks.loaded, rows=damaged).reopened() == plans
    assert (
        Looks(looks.loaded, rows={k: replace(r, found=()) for k, r in looks.rows.items()}).reopened() == plans
    )


def test_nothing_is_remembered_of_another_spec(tmp_path: Path) -> None:
    looks = study(tmp_path)
    looks.remembered()
    (tmp_path / "spec.yaml").write_text(
        SPEC.replace("path_map: {'Q:/shared': shared}", "path_map: {'Q:/shared': m1}")
    )
    looks.loaded = load(tmp_path / "spec.yaml")
    assert looks.remembered() == looks.fresh()
