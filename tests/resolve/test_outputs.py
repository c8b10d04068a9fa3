"""No file has two owners: what two plans would publish to is a fault of the spec, by real path."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import SpecError
from rasreconcile.plans import Address, Plan
from rasreconcile.resolve import Contents, Digests, published_by, resolve
from rasreconcile.resolve.outputs import Claim, shared_files
from rasreconcile.results.associations import associations
from rasreconcile.specfile import LoadedSpec, load

HEAD = """\
version: 1
engine: {type: command, command: [solve, "{plan}"]}
workers: {desk: {type: local}}
"""


def plans_of(folder: Path, entries: str, head: str = HEAD) -> list[Plan]:
    (folder / "spec.yaml").write_text(f"{head}plans:\n{entries}")
    contents = Contents({}, time.time_ns, associations)
    spec = load(folder / "spec.yaml")
    return list(resolve(spec, Digests({}, time.time_ns), engine_for, contents=contents).plans)


def load_of(folder: Path, entries: str) -> LoadedSpec:
    (folder / "spec.yaml").write_text(f"{HEAD}plans:\n{entries}")
    return load(folder / "spec.yaml")


def addresses(folder: Path, entries: str, head: str = HEAD) -> list[str]:
    return [plan.address for plan in plans_of(folder, entries, head)]


def fault(folder: Path, entries: str, head: str = HEAD) -> str:
    with pytest.raises(SpecError) as raised:
        plans_of(folder, entries, head)
    return str(raised.value)


@pytest.fixture
def models(tmp_path: Path, demo: Path) -> Path:
    """`models/2024-03/Willow.prj`, which `models/current` leads to."""
    shutil.copytree(demo, tmp_path / "models" / "2024-03")
    (tmp_path / "models" / "current").symlink_to("2024-03")
    return tmp_path


ONE = "  - {project: models/2024-03/Willow.prj, numbers: ['01'], name: a}\n"

SHARED = {
    "one project under two names": ("", "{project: models/2024-03/Willow.prj, name: b}"),
    "one project through a link": ("", "{project: models/current/Willow.prj, name: b}"),
    "a glob that meets it again": ("", "{project: 'models/*/Willow.prj'}"),
    "a name that continues a results folder": (
        "results: out/x\n",
        "{project: models/2024-03/Willow.prj, results: out, name: x/a}",
    ),
    "folders of results that are one by a link": (
        "results: out\n",
        "{project: models/2024-03/Willow.prj, name: b}",
    ),
    "a results folder of the entry's own that is the project's": (
        "",
        "{project: models/2024-03/Willow.prj, results: models, name: 2024-03}",
    ),
}
"""What the spec says above, and the second entry."""


@pytest.mark.parametrize("how", SHARED)
def test_two_plans_with_one_file_are_a_fault_that_names_both_lines_and_what_to_do(models, how) -> None:
    (models / "out" / "a").mkdir(parents=True)
    (models / "out" / "b").symlink_to("a")
    top, second = SHARED[how]
    said = fault(models, f"{ONE}  - {second}\n", HEAD + top)
    line = len((HEAD + top).splitlines()) + 2
    assert said.startswith(f"{models}/spec.yaml:{line + 1}: plans[1]: ")
    assert f"publishes to the same file as a/p01 of plans[0] (line {line})" in said
    assert "Willow.p01.hdf" in said
    assert "`results` folder of its own" in said


def test_a_fault_is_told_once_for_two_entries_however_many_plans_they_share(models) -> None:
    entries = (
        "  - {project: models/2024-03/Willow.prj}\n  - {project: models/2024-03/Willow.prj, name: again}\n"
    )
    said = fault(models, entries)
    assert len(said.splitlines()) == 1
    assert "and 3 more" in said


def test_two_entries_of_one_project_are_well_where_each_has_a_results_folder(models) -> None:
    entries = ONE + "  - {project: models/current/Willow.prj, numbers: ['01'], name: b, results: out}\n"
    assert addresses(models, entries) == ["a/p01", "b/p01"]
    assert addresses(
        models, ONE + "  - {project: models/2024-03/Willow.prj, numbers: ['02'], name: b}\n"
    ) == [
        "a/p01",
        "b/p02",
    ]


def test_results_that_are_links_to_one_file_are_one_file(models, demo) -> None:
    shutil.copytree(demo, models / "models" / "2025-01")
    (models / "elsewhere").mkdir()
    for name in ("2024-03", "2025-01"):
        (models / "models" / name / "Willow.p02.hdf").symlink_to(models / "elsewhere" / "Willow.p02.hdf")
    said = fault(models, "  - {project: 'models/20*/Willow.prj'}\n")
    assert "2025-01/Willow/p02 publishes to the same file as 2024-03/Willow/p02" in said
    assert "elsewhere/Willow.p02.hdf" in said


# ---- each real project once


@pytest.mark.parametrize(
    "pattern", ["models/*/Willow.prj", "models/**/Willow.prj", "**/Willow.prj", "**/**/*.prj"]
)
def test_a_pattern_takes_each_real_project_once_under_its_own_name(models, pattern) -> None:
    (models / "models" / "2024-03" / "again").symlink_to(".")
    (models / "models" / "2024-03" / "up").symlink_to("..")
    (models / "here").symlink_to(".")
    found = addresses(models, f"  - {{project: '{pattern}', numbers: ['01']}}\n")
    assert len(found) == 1
    assert found[0].endswith("2024-03/Willow/p01")


def test_many_links_to_the_folder_itself_do_not_multiply(models) -> None:
    """Followed one through another, twenty links to `.` would be 20 to the 40th folders."""
    for number in range(20):
        (models / "models" / f"loop{number}").symlink_to(".")
    assert addresses(models, "  - {project: '**/Willow.prj', numbers: ['01']}\n") == [
        "models/2024-03/Willow/p01"
    ]


def test_a_project_that_only_a_link_leads_to_is_taken_through_it_the_first_by_name(
    models, tmp_path_factory
) -> None:
    archive = tmp_path_factory.mktemp("archive") / "old"
    (models / "models" / "2024-03").rename(archive)
    (models / "models" / "current").unlink()
    for name in ("newest", "latest"):
        (models / "models" / name).symlink_to(archive)
    for pattern in ("models/*/Willow.prj", "models/**/Willow.prj"):
        found = addresses(models, f"  - {{project: '{pattern}', numbers: ['01']}}\n")
        assert len(found) == 1
        assert "latest/Willow/p01" in found[0]


def test_a_project_file_that_is_a_link_beside_texts_of_its_own_is_a_project_of_its_own(models, demo) -> None:
    """Scenarios share a .prj by a link; their plans and geometries are those of their own folder."""
    other = models / "models" / "scenario"
    shutil.copytree(demo, other)
    (other / "Willow.prj").unlink()
    (other / "Willow.prj").symlink_to("../2024-03/Willow.prj")
    found = addresses(models, "  - {project: 'models/*/Willow.prj', numbers: ['01']}\n")
    assert found == ["2024-03/Willow/p01", "scenario/Willow/p01"]


# ---- whatever the specs


@dataclass(frozen=True)
class Layout:
    """Links below `models` and `out`, and the entries of a spec over them."""

    links: Sequence[tuple[str, str]]
    top: str
    entries: Sequence[tuple[str, str, str, str]]

    def build(self, root: Path, demo: Path) -> None:
        for name in ("models/x", "models/y"):
            shutil.copytree(demo, root / name)
        for folder in ("out/a", "out/b"):
            (root / folder).mkdir(parents=True)
        for place, target in self.links:
            if not os.path.lexists(root / place):
                (root / place).symlink_to(root / target)

    def text(self) -> str:
        lines = [HEAD + (f"results: {self.top}\n" if self.top else "") + "plans:\n"]
        for project, name, results, numbers in self.entries:
            words = [f"project: '{project}'", f"numbers: {numbers}"]
            words += [f"name: {name}"] if name else []
            words += [f"results: {results}"] if results else []
            lines.append(f"  - {{{', '.join(words)}}}\n")
        return "".join(lines)


FOLDERS = ["out", "out/a", "out/b", "other", "models/x", "models", "z"]
LINKED = [
    "models/z",
    "other",
    "out/c",
    "z",
    "models/x/in",
    "models/x/Willow.p01.hdf",
    "models/y/Willow.p01.hdf",
]
layouts = st.builds(
    Layout,
    links=st.lists(
        st.tuples(st.sampled_from(LINKED), st.sampled_from([*FOLDERS, "out/Willow.p01.hdf"])), max_size=4
    ),
    top=st.sampled_from(["", "", "out", "other"]),
    entries=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "models/x/Willow.prj",
                    "models/z/Willow.prj",
                    "models/*/Willow.prj",
                    "**/Willow.prj",
                    "z/Willow.prj",
                ]
            ),
            st.sampled_from(["", "a", "b", "c", "a/b"]),
            st.sampled_from(["", "", *FOLDERS]),
            st.sampled_from(["['01']", "['01', '02']", "['02']"]),
        ),
        min_size=1,
        max_size=3,
    ),
)


@settings(max_examples=60, deadline=None)
@given(first=layouts, second=layouts)
def test_whatever_the_specs_no_file_has_two_owners_within_one(first: Layout, second: Layout) -> None:
    """A spec that loads has a file of its own for each plan, however many links lead there; else its faults say why."""
    demo = Path(__file__).parents[2] / "specs" / "demo"
    with TemporaryDirectory() as name:
        root = Path(name)
        first.build(root, demo)
        for number, layout in enumerate((first, second)):
            path = root / f"spec{number}.yaml"
            path.write_text(layout.text())
            try:
                loaded = load(path)
                contents = Contents({}, time.time_ns, associations)
                found = resolve(loaded, Digests({}, time.time_ns), engine_for, contents=contents).plans
            except SpecError as error:
                assert all(fault.line for fault in error.faults)
                continue
            places = [os.path.realpath(plan.output) for plan in found]
            assert len(set(places)) == len(places)
            assert published_by(loaded) == set(places), "what another spec sees of it is the same"


def test_side_outputs_count_too(models) -> None:
    loaded = load_of(models, ONE)
    (models / "kept").symlink_to("models")
    first = Claim(Address("a/p01"), 0, (models / "models/x.hdf", models / "models/x.p01.rst"))
    second = Claim(Address("b/p01"), 0, (models / "models/y.hdf", models / "kept/x.p01.rst"))
    (found,) = shared_files(loaded, [first, second])
    assert "b/p01 publishes to the same file as a/p01" in str(found)
    assert "): models/x.p01.rst; name it after its plan" in str(found)
    assert shared_files(loaded, [first, Claim(Address("b/p01"), 0, second.places[:1])]) == []
