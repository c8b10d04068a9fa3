"""Specs: everything that is wrong at once, with the right lines, and nothing that breaks the loader."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.errors import SpecError
from rasreconcile.specfile import load
from rasreconcile.specfile.peek import state_path
from rasreconcile.specfile.schema import reference_markdown, schema_json

REPOSITORY = Path(__file__).parents[2]

GOOD = """\
version: 1
engine: {type: steady}
workers:
  desk: {type: local, cores_total: 4, cores_per_plan: 2}
plans:
  - project: a.prj
    numbers: ["04", 06-08, 3]
"""

TEN_FAULTS = """\
version: 1
engine: {type: stedy}
placemnt: strict
max_concurrent: many
workers:
  desk:
    type: local
    cores_total: 2
    cores_per_plan: 4
  lab:
    type: psexec
    hostname: h
    share_path: '\\\\h\\s'
    session_id: 0
    credentials: {username: u, password: hunter2}
  desk:
    type: local
plans:
  - project: a.prj
    numbers: ["4"]
    only_on: [dsk]
  - numbers: ["01"]
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "spec.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def faults(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(write(folder, text))
    return [str(fault).partition("spec.yaml:")[2] for fault in caught.value.faults]


def test_a_good_spec_loads_with_its_defaults(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, GOOD))
    assert loaded.spec.plans[0].numbers == ("04", "06", "07", "08", "03")
    assert loaded.spec.workers["desk"].slots == 2
    assert loaded.spec.retries.wait.total_seconds() == 30
    assert loaded.state_path == tmp_path / ".rasreconcile" / "spec.db"
    assert loaded.line_of(("plans", 0, "numbers")) == 7


@pytest.mark.parametrize("name", ["demo.yaml", "all-workers.yaml"])
def test_the_examples_load(name: str) -> None:
    assert load(REPOSITORY / "specs" / name).spec.workers


def test_ten_faults_are_ten_lines_in_one_go(tmp_path: Path) -> None:
    found = faults(tmp_path, TEN_FAULTS)
    assert found == [
        "2: engine.type: must be one of 'hec-ras', 'steady', 'command'; did you mean steady?",
        "3: placemnt: unknown key; did you mean placement?",
        "4: max_concurrent: is not a whole number; write digits without quotes",
        "6: workers.desk: cores_per_plan (4) is more than cores_total (2); no run would ever fit, lower it",
        "14: workers.lab.session_id: HEC-RAS hangs without a desktop; give the number that `query session` shows,"
        " mostly 2",
        "15: workers.lab.credentials.password: a secret is named, never written; give {env: NAME} or {file: PATH}",
        "16: workers.desk: stands here twice; keep one",
        '20: plans[0].numbers: \'4\' is no plan number; write two digits, "04", or a range, "06-12"',
        "21: plans[0].only_on[0]: 'dsk' is no worker of this spec; did you mean desk?",
        "22: plans[1].project: is missing; add it",
    ]


def test_a_password_in_plain_is_never_repeated(tmp_path: Path) -> None:
    assert not any("hunter2" in fault for fault in faults(tmp_path, TEN_FAULTS))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1: is empty"),
        ("- a\n- b\n", "is not a mapping"),
        ("version: 1\n\tengine: x\n", "2: no YAML"),
        ("a: [1, 2\n", "no YAML"),
        (b"\xff\xfe", "is not UTF-8 text; save it as UTF-8"),
        (
            "a: !!python/object:os.system x\n",
            "tag tag:yaml.org,2002:python/object:os.system is not known here",
        ),
        ("a: &x [*x]\n", "an alias stands for what it is in"),
        ("[" * 100 + "]" * 100, "nested too deeply"),
        ("? [a, b]\n: c\n", "a key must be a word"),
        (f"version: {'9' * 400}\n", "too long for a number"),
    ],
)
def test_what_is_no_spec_is_told_in_a_line(tmp_path: Path, text: str | bytes, fault: str) -> None:
    assert any(fault in found for found in faults(tmp_path, text))


def test_a_bomb_of_aliases_is_defused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    began = time.monotonic()
    assert any("aliases stand for more than" in fault for fault in faults(tmp_path, bomb))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("word", ["yes", "on", "2026-01-01", "0123", "1:30", "0x10", ".inf", "1_000", "NO"])
def test_only_the_scalars_of_json_are_anything_but_text(tmp_path: Path, word: str) -> None:
    assert load(write(tmp_path, GOOD + f"salt: {word}\n")).spec.salt == word


def test_aliases_and_merges_work(tmp_path: Path) -> None:
    text = GOOD.replace("    numbers", "    expect: &e {units: si}\n    numbers")
    text += "  - {project: b.prj, expect: {<<: *e, profiles: 3}}\n"
    expect = load(write(tmp_path, text)).spec.plans[1].expect
    assert (expect.units, expect.profiles) == ("si", 3)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "C:\\x", "\\\\h\\s\\x"])
def test_inputs_cannot_lead_out_of_the_project(tmp_path: Path, path: str) -> None:
    assert any("leads out" in f for f in faults(tmp_path, GOOD + f"    inputs: ['{path}']\n"))


@pytest.mark.parametrize("state", ["state: a/b.db", '"state": a/b.db', "x: {state: no}\nstate: a/b.db", ""])
def test_the_store_is_found_without_reading_the_rest(tmp_path: Path, state: str) -> None:
    expected = tmp_path / "a" / "b.db" if state else tmp_path / ".rasreconcile" / "spec.db"
    assert state_path(write(tmp_path, f"{state}\nplans: [{{state: wrong}}]\n")) == expected


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SpecError, match="name a spec file"):
            load(path)


def test_schema_and_reference_are_current() -> None:
    assert (REPOSITORY / "docs" / "spec.schema.json").read_text() == schema_json()
    assert (REPOSITORY / "docs" / "spec.md").read_text() == reference_markdown()


def test_looking_for_the_store_imports_nothing_heavy(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    code = (
        "import sys; from pathlib import Path; from rasreconcile.specfile.peek import state_path;"
        "state_path(Path('spec.yaml')); assert 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_loader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try:
        load(write(tmp_path_factory.getbasetemp(), data))
    except SpecError as error:
        assert error.faults


keys = st.sampled_from(
    [
        "version",
        "engine",
        "type",
        "workers",
        "plans",
        "project",
        "numbers",
        "expect",
        "state",
        "retries",
        "desk",
        "local",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(document=st.dictionaries(keys, values, max_size=6))
def test_no_document_breaks_the_loader(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, object]
) -> None:
    import json

    try:
        load(write(tmp_path_factory.getbasetemp(), json.dumps(document)))
    except SpecError as error:
        assert all(fault.line >= 1 for fault in error.faults)
