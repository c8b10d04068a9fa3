"""From spec and files to plans: which projects, which files, which fingerprints."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import SpecError
from rasreconcile.plans import MISSING, Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.specfile import load
from tests.told import told

HEAD = """\
version: 1
engine: {type: command, command: [solve, "{plan}"]}
workers: {desk: {type: local}}
plans:
"""


@pytest.fixture
def models(tmp_path: Path, demo: Path) -> Path:
    for name in ("realization-1", "realization-2"):
        shutil.copytree(demo, tmp_path / "models" / name)
    (tmp_path / "models" / "realization-1" / "crs.prj").write_text('PROJCS["NAD83"]')
    return tmp_path / "models"


@pytest.fixture
def plans(tmp_path: Path) -> Callable[..., dict[str, Plan]]:
    def of(entries: str, head: str = HEAD, digests: Digests | None = None) -> dict[str, Plan]:
        (tmp_path / "spec.yaml").write_text(head + entries)
        found = resolve(
            load(tmp_path / "spec.yaml"),
            digests or Digests({}, time.time_ns),
            engine_for,
            contents=Contents({}, time.time_ns, associations),
        )
        return {plan.address: plan for plan in found.plans}

    return of


def test_a_project_gives_every_plan_it_lists(models: Path, plans) -> None:
    found = plans("  - project: models/realization-1/Willow.prj\n")
    assert list(found) == ["Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04"]
    assert [i.name for i in found["Willow/p03"].inputs] == [
        "Willow.prj",
        "Willow.p03",
        "Willow.g02",
        "Willow.f01",
    ]
    assert found["Willow/p03"].output == models / "realization-1" / "Willow.p03.hdf"


def test_a_pattern_gives_every_project_its_own_addresses_and_results(models: Path, plans, tmp_path) -> None:
    found = plans("  - {project: models/realization-*/*.prj, numbers: ['01']}\n", HEAD + "", None)
    assert list(found) == ["realization-1/Willow/p01", "realization-2/Willow/p01"]
    with_results = plans(
        "  - {project: models/realization-*/*.prj, numbers: ['01']}\n", "results: out\n" + HEAD
    )
    assert (
        with_results["realization-2/Willow/p01"].output
        == tmp_path / "out/realization-2/Willow/Willow.p01.hdf"
    )


def test_the_same_project_elsewhere_has_the_same_fingerprint(models: Path, plans) -> None:
    one, other = plans("  - {project: models/realization-*/*.prj, numbers: ['01']}\n").values()
    assert one.fingerprint == other.fingerprint
    assert one.inputs[0].source != other.inputs[0].source


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ("  - project: models/nothing.prj\n", "5: plans[0].project: "),
        ("  - project: models/none-*/x.prj\n", "matches no HEC-RAS project"),
        ("  - project: models/realization-1/crs.prj\n", "a map projection of a GIS"),
        (
            "  - project: models/realization-1/Willow.prj\n  - project: models/realization-2/Willow.prj\n",
            "give one of the entries a `name` of its own",
        ),
        (
            "  - {project: models/realization-1/Willow.prj, numbers: ['01', '02']}\n"
            "  - {project: models/realization-1/Willow.prj, numbers: ['02']}\n",
            "is in plans[0] already; name it once",
        ),
        (
            "  - {project: models/realization-1/Willow.prj, numbers: ['01-03']}\n"
            "  - {project: models/realization-1/Willow.prj, numbers: ['04']}\n"
            "  - {project: models/realization-1/Willow.prj}\n",
            "Willow/p01, Willow/p02, Willow/p03 and 1 more are in plans[0], plans[1] already; name each once",
        ),
        (
            "  - {project: models/realization-1/Willow.prj, numbers: ['01', '02']}\n"
            "  - {project: models/realization-2/Willow.prj, numbers: ['01', '02']}\n",
            "Willow/p01, Willow/p02 mean models/realization-1/Willow.prj in plans[0] already; give one of the",
        ),
        (
            "  - {project: models/realization-1/Willow.prj, needs: [Willow/p09]}\n",
            "Willow/p09 is not a plan of this spec; did you mean Willow/p04?",
        ),
        (
            "  - {project: models/realization-1/Willow.prj, needs: [Muncie/q1]}\n",
            "Muncie/q1 is not a plan of this spec; it has Willow/p01, Willow/p02, Willow/p03 and 1 more",
        ),
        (
            "  - {project: models/realization-1/Willow.prj, numbers: ['01'], needs: [Willow/p02]}\n"
            "  - {project: models/realization-1/Willow.prj, numbers: ['02'], needs: [Willow/p01]}\n",
            "a cycle; remove one `needs`",
        ),
    ],
)
def test_entries_that_do_not_add_up_are_faults_with_their_line(
    models: Path, plans, entries: str, fault: str
) -> None:
    with pytest.raises(SpecError) as caught:
        plans(entries)
    assert fault in str(caught.value)
    assert all(one.remedy and one.remedy not in one.what for one in caught.value.faults)


def test_a_missing_file_blocks_its_plans_and_its_arrival_changes_the_fingerprint(models: Path, plans) -> None:
    entry = "  - {project: models/realization-1/Willow.prj, numbers: ['01']}\n"
    geometry = models / "realization-1" / "Willow.g01"
    data = geometry.read_bytes()
    geometry.unlink()
    (before,) = plans(entry).values()
    assert [i.raw for i in before.inputs if i.name == "Willow.g01"] == [MISSING]
    assert "Willow.g01, named by Willow.p01, is not in" in told(before.blocked_by)[0]
    geometry.write_bytes(data)
    (after,) = plans(entry).values()
    assert (told(after.blocked_by), after.fingerprint != before.fingerprint) == ((), True)


def test_names_are_found_whatever_their_case_and_two_of_one_name_are_refused(models: Path, plans) -> None:
    entry = "  - {project: models/realization-1/Willow.prj, numbers: ['01']}\n"
    folder = models / "realization-1"
    (before,) = plans(entry).values()
    (folder / "Willow.g01").rename(folder / "WILLOW.G01")
    (renamed,) = plans(entry).values()
    assert renamed.fingerprint == before.fingerprint
    shutil.copy(folder / "WILLOW.G01", folder / "willow.G01")
    (twice,) = plans(entry).values()
    assert "differ in case only" in told(twice.blocked_by)[0]


@pytest.mark.parametrize(
    "project",
    [
        "models/*/Willow.prj",
        "models/*/willow.prj",
        "MODELS/**/*.prj",
        "models/realization-[12]/W*.PRJ",
        "Models/R*-1/*.prj",
    ],
)
def test_a_pattern_matches_projects_whatever_their_case(models: Path, plans, project: str) -> None:
    for path in list((models / "realization-1").glob("Willow.*")):
        path.rename(path.with_name(path.name.upper()))
    shutil.rmtree(models / "realization-2") if "R*-1" in project else None
    found = plans(f"  - {{project: '{project}', numbers: ['02']}}\n")
    assert len(found) == (1 if "R*-1" in project else 2)
    for plan in found.values():
        assert [i.raw for i in plan.inputs].count("missing") == 0 and not told(plan.blocked_by)


def test_a_project_and_an_input_named_in_another_case_are_those_on_disk(models: Path, plans) -> None:
    (models / "realization-1" / "Rain").mkdir()
    (models / "realization-1" / "Rain" / "Gauge[1].CSV").write_text("1")
    entry = "  - {{project: MODELS/realization-1/WILLOW.PRJ, numbers: ['01'], inputs: ['{}']}}\n"
    found = {}
    for spelled in ("Rain/Gauge[1].CSV", "rain/gauge[[]1].csv", "RAIN/*.csv", "**/*.csv"):
        (plan,) = plans(entry.format(spelled)).values()
        assert (plan.address, plan.inputs[-1].name, told(plan.blocked_by)) == (
            "Willow/p01",
            "Rain/Gauge[1].CSV",
            (),
        )
        found[spelled] = plan.fingerprint
    assert len({*found.values()}) == 1
    (models / "realization-1" / "rain").mkdir()
    (plan,) = plans(entry.format("RAIN/x.csv")).values()
    assert "Rain and rain differ in case only" in told(plan.blocked_by)[0]


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("project: 'Old [2019]/Willow.prj'", "Willow/p01"),
        ("project: 'OLD [2019]/WILLOW.PRJ'", "Willow/p01"),
        ("project: 'Old [2019]/Willow.prj', name: 'Weir [a]'", "Weir [a]/p01"),
        ("project: 'Old [2019]/*.prj'", "Willow/p01"),
        ("project: '* [[]2019]/Willow.prj'", "Old [2019]/Willow/p01"),
    ],
)
def test_a_project_in_a_folder_with_brackets_is_called_as_in_any_other(
    models: Path, plans, entry: str, address: str
) -> None:
    (models / "realization-1").rename(models.parent / "Old [2019]")
    (plan,) = plans(f"  - {{{entry}, numbers: ['01']}}\n").values()
    assert (plan.address, plan.output.parent.name) == (address, "Old [2019]")


def test_extra_inputs_count_and_a_named_one_that_is_missing_blocks(models: Path, plans) -> None:
    entry = "  - {{project: models/realization-1/Willow.prj, numbers: ['01'], inputs: [{}]}}\n"
    dss = models / "realization-1" / "dss"
    dss.mkdir()
    (dss / "a.dss").write_bytes(b"\0\1")
    (first,) = plans(entry.format("'dss/*.dss'")).values()
    (dss / "a.dss").write_bytes(b"\0\2")
    (second,) = plans(entry.format("'dss/*.dss'")).values()
    assert [i.name for i in first.inputs][-1] == "dss/a.dss"
    assert first.fingerprint != second.fingerprint
    (missing,) = plans(entry.format("dss/b.dss")).values()
    assert told(missing.blocked_by) == (
        "dss/b.dss, named by `inputs`, does not exist; put it at models/realization-1/dss/b.dss; `inputs` are relative to"
        " the project's folder",
    )


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("[solve", "[solve2", True),
        ("version: 1\n", "version: 1\nsalt: x\n", True),
        ("version: 1\n", "version: 1\nmax_concurrent: 3\nretries: {attempts: 9}\n", False),
        ("desk:", "night:", False),
        ("{type: local}", "{type: local, cores_total: 9, queue_priority: 7, process_priority: low}", False),
    ],
)
def test_only_what_changes_a_result_changes_the_fingerprint(
    models: Path, plans, old: str, new: str, changes: bool
) -> None:
    entry = "  - {project: models/realization-1/Willow.prj, numbers: ['01'], expect: {completed: false}}\n"
    (before,) = plans(entry).values()
    (after,) = plans(entry.replace("false", "true"), HEAD.replace(old, new)).values()
    assert (before.fingerprint != after.fingerprint) is changes
    assert before.expectation_digest != after.expectation_digest


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    path = tmp_path / "x.g01"
    path.write_text("old\n")
    os.utime(path, ns=(10**18, 10**18))
    later = Digests({}, lambda: time.time_ns() + 10 * 10**9)
    first = later.of(path, "geometry")
    again = Digests({(path, "geometry"): first}, time.time_ns)
    assert again.of(path, "geometry") == first
    assert again.bytes_read == 0
    path.write_text("new\n")
    os.utime(path, ns=(10**18, 10**18))
    again.look_again()
    assert again.of(path, "geometry").raw != first.raw


def test_a_file_hashed_within_two_seconds_of_its_change_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.g01"
    path.write_text("x\n")
    hashed = Digests({}, time.time_ns).of(path, "geometry")
    again = Digests({(path, "geometry"): hashed}, time.time_ns)
    again.of(path, "geometry")
    assert again.bytes_read == 2


@pytest.mark.parametrize(
    ("pointer", "said"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "a pointer of Git LFS in its place; fetch it: git lfs pull",
        ),
        (
            "/annex/objects/SHA256E-s12--4d7a.f01\n",
            "a pointer of git-annex in its place; fetch it: git annex get",
        ),
    ],
)
def test_a_pointer_that_was_checked_out_is_not_taken_for_the_file(
    models: Path, plans, pointer: str, said: str
) -> None:
    (models / "realization-1" / "Willow.f01").write_text(pointer)
    found = plans("  - project: models/realization-1/Willow.prj\n")
    assert [address for address, plan in found.items() if plan.blocked_by] == ["Willow/p01", "Willow/p03"]
    assert f"Willow.f01 cannot be read: the checkout has {said}" in str(found["Willow/p01"].blocked_by[0])
