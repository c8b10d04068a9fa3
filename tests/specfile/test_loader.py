"""A spec that is right: its values, its paths, its lines, and how long ten thousand plans take."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.specfile import LoadedSpec, load

Write = Callable[[str | bytes], Path]
REPOSITORY = Path(__file__).parents[2]


def test_a_good_spec_loads_with_its_defaults(write: Write, good: str, tmp_path: Path) -> None:
    loaded = load(write(good))
    assert isinstance(loaded, LoadedSpec)
    assert loaded.spec.plans[0].numbers == ("04", "06", "07", "08", "03")
    assert loaded.spec.workers["desk"].slots == 2
    assert loaded.spec.retries.wait.total_seconds() == 30
    assert loaded.state_path == tmp_path / ".rasreconcile" / "spec.db"
    assert loaded.results_root is None
    assert loaded.line_of(("plans", 0, "numbers")) == 7


def test_the_digest_is_of_the_bytes_and_the_text_is_theirs(write: Write, good: str) -> None:
    data = b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode()
    loaded = load(write(data))
    assert loaded.text_digest == hashlib.sha256(data).hexdigest()
    assert loaded.text == good.replace("\n", "\r\n")
    assert loaded.line_of(("plans", 0, "numbers")) == 7


def test_paths_are_relative_to_the_spec_wherever_it_is_named_from(
    write: Write, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(good + "    results: ~/there\n  - project: b.prj\nstate: ../state/x.db\nresults: out\n")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "/home/ras")
    monkeypatch.chdir(tmp_path.parent)
    loaded = load(Path(tmp_path.name, "spec.yaml"))
    assert loaded.path == tmp_path / "spec.yaml"
    assert loaded.name == str(Path(tmp_path.name, "spec.yaml"))
    assert loaded.folder == tmp_path
    assert loaded.state_path == tmp_path.parent / "state" / "x.db"
    assert loaded.results_root == tmp_path / "out"
    assert [loaded.results_of(entry) for entry in loaded.spec.plans] == [
        Path("/home/ras/there"),
        tmp_path / "out",
    ]


@pytest.mark.parametrize("name", ["demo.yaml", "all-workers.yaml"])
def test_the_examples_load(name: str) -> None:
    path = REPOSITORY / "specs" / name
    assert load(path).spec.workers
    assert path.read_text().startswith("# yaml-language-server: $schema=../docs/spec.schema.json\n")


def test_the_large_example_has_a_worker_of_every_kind() -> None:
    spec = load(REPOSITORY / "specs" / "all-workers.yaml").spec
    assert sorted(worker.type for worker in spec.workers.values()) == [
        "aws-batch",
        "docker",
        "local",
        "psexec",
        "slurm",
        "ssh",
    ]
    assert [worker.slots for worker in spec.workers.values()] == [3, 4, 8, 2, 256, 64]


def test_lines_of_merged_keys_are_where_they_are_written(write: Write, good: str) -> None:
    text = (
        good
        + "    expect: &e\n      units: si\n  - project: b.prj\n    expect:\n      <<: *e\n      profiles: 3\n"
    )
    loaded = load(write(text))
    assert loaded.spec.plans[1].expect.units == "si"
    assert loaded.line_of(("plans", 1, "expect", "units")) == 9
    assert loaded.line_of(("plans", 1, "expect", "profiles")) == 13
    assert loaded.line_of(("plans", 1, "no such key")) == 10


@pytest.mark.parametrize("name", ["none.yaml", ".", "spec.yaml/x", "a\0b"])
def test_what_cannot_be_read_is_told(write: Write, good: str, tmp_path: Path, name: str) -> None:
    write(good)
    with pytest.raises(SpecError, match="name a spec file"):
        load(tmp_path / name)


def test_ten_thousand_plans_load(write: Write, good: str) -> None:
    entry = "  - project: m/a{0}.prj\n    name: r{0}\n    numbers: ['01']\n    expect: {{water_surface: {{finite: true}}}}\n    only_on: [{1}]\n"
    path = write(good + "".join(entry.format(n, "desk") for n in range(10_000)))
    assert len(load(path).spec.plans) == 10_001


def test_ten_thousand_faults_are_told(write: Write, good: str) -> None:
    entry = "  - project: m/a{0}.prj\n    nmbers: ['01']\n    only_on: [dsk{0}]\n"
    path = write(good + "".join(entry.format(n) for n in range(10_000)))
    with pytest.raises(SpecError) as caught:
        load(path)
    assert len(caught.value.faults) == 20_000
    assert caught.value.faults[-1].line == 7 + 3 * 10_000
