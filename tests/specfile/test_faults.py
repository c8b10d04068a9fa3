"""Specs that are wrong: every fault at once, each at its line, with what to do."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rasreconcile.errors import SpecError
from rasreconcile.specfile import load

Faults = Callable[[str | bytes], list[str]]
Place = tuple[str | int, ...]
REPOSITORY = Path(__file__).parents[2]

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


def test_ten_faults_are_ten_lines_in_one_go(faults: Faults) -> None:
    assert faults(TEN_FAULTS) == [
        "2: engine.type: must be one of 'hec-ras', 'steady', 'command'; did you mean steady?",
        "3: placemnt: unknown key; did you mean placement?",
        "4: max_concurrent: is not a whole number; write digits without quotes",
        "9: workers.desk.cores_per_plan: 4 is more than cores_total (2), so no run would fit; lower it",
        "14: workers.lab.session_id: HEC-RAS hangs without a desktop; give the number that `query session` shows,"
        " mostly 2",
        "15: workers.lab.credentials.password: a secret is named, never written; give {env: NAME} or {file: PATH}",
        "16: workers.desk: is repeated, first on line 6; keep one",
        '20: plans[0].numbers: \'4\' is not a plan number; write two digits, "04", or a range, "06-12"',
        "21: plans[0].only_on[0]: 'dsk' is not a worker of this spec; did you mean desk?",
        "22: plans[1].project: is missing; add it",
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("salt: 1.5", "8: salt: is not text; put it in quotes"),
        ("salt: null", "8: salt: is empty; fill it in, or leave it out"),
        ("salt: [a]", "8: salt: is not text but a list; write one value"),
        ("max_concurrent: {a: 1}", "8: max_concurrent: is not a whole number but a mapping; write one value"),
        ("autoclean: yes", "8: autoclean: is neither true nor false; write true or false"),
        ("placement: best", "8: placement: must be 'prefer' or 'strict'; change it"),
        ("retries: [3]", "8: retries: is not a mapping; write {attempts: NUMBER}"),
        (
            "results: $OUT/a",
            "8: results: $OUT is not replaced in a spec; write the whole path; `~` is the home folder",
        ),
        ("results: a/${OUT}", "8: results: ${OUT} is not replaced in a spec; write the whole path;"),
        ("results: '%OUT%\\a'", "8: results: %OUT% is not replaced in a spec; write the whole path;"),
        (
            "results: file:///out",
            "8: results: file:///out is a URL; write the path that the file has on this machine",
        ),
        ("retries: {attempts: 0}", "8: retries.attempts: must be at least 1; change it"),
        ("state: ''", "8: state: is empty; fill it in, or leave it out"),
        (
            "state: ~nosuchuser/x.db",
            "8: state: ~nosuchuser is not a home folder of this machine; write the whole path",
        ),
        ("path_map: {Models: x}", "8: path_map: 'Models' is not an absolute path; write a drive,"),
        ("Salt: x", "8: Salt: unknown key; did you mean salt?"),
        (
            "colour: x",
            "8: colour: unknown key; known are: autoclean, engine, max_concurrent, max_fails, path_map, placement, plans,"
            " results, retries, salt, stalled_after, state, stop_when, strict_cores, strict_platform, version, workers",
        ),
        ('"a\\nb\\e[31m": 1', "8: a\\nb\\x1b[31m: unknown key; known are:"),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(faults: Faults, good: str, line: str, fault: str) -> None:
    (found,) = faults(f"{good}{line}\n")
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("worker", "fault"),
    [
        (
            "{type: locl}",
            "workers.w.type: must be one of 'local', 'psexec', 'ssh', 'docker', 'slurm', 'aws-batch'; did you mean local?",
        ),
        ("{}", "workers.w: `type` is missing; say which type it is"),
        ("{typ: local}", "workers.w.typ: unknown key; did you mean type?"),
        ("{worker_type: local}", "workers.w.worker_type: unknown key; did you mean type?"),
        (
            "{type: local, worker_id: a}",
            "workers.w.worker_id: unknown key; a worker's name is the key above it",
        ),
        ("{type: local, local: a}", "workers.w.local: unknown key; known are: cores_per_plan,"),
        ("desk", "workers.w: is not a mapping; write its keys below it, indented"),
        (
            "{type: psexec, hostname: h, share_path: //h/s, sesion_id: 2}",
            "workers.w.sesion_id: unknown key; did you mean session_id?",
        ),
        (
            "{type: psexec, hostname: h, share_path: //h/s}",
            "workers.w.session_id: is missing; add the number that `query session /server:HOST` shows, mostly 2",
        ),
        (
            "{type: psexec, hostname: h, share_path: //h/s, session_id: 2, system_account: true}",
            "workers.w.system_account: unknown key; leave it out, HEC-RAS hangs under the system account",
        ),
        (
            "{type: docker, docker_image: i, memory_limit: '8'}",
            "workers.w.memory_limit: is less than the 6m that Docker needs; write an amount with its unit, such as 8g",
        ),
        ("{type: ssh, hostname: 'h:22'}", "workers.w.hostname: holds a port; write hostname: h and port: 22"),
        (
            "{type: ssh, hostname: 'h '}",
            "workers.w.hostname: is not the name of a host; write it without blanks, and with nothing before it",
        ),
        ("{type: ssh, hostname: '\\\\h'}", "workers.w.hostname: is not the name of a host; write it"),
        (
            "{type: docker, docker_image: i, memory_limit: lots}",
            "workers.w.memory_limit: must be an amount of memory such as 8g or 512m; change it",
        ),
        (
            "{type: slurm, through: desk}",
            "workers.w.through: 'desk' is not a worker of type ssh of this spec; there are: none",
        ),
    ],
)
def test_a_fault_of_a_worker_names_its_field_and_its_line(
    faults: Faults, good: str, worker: str, fault: str
) -> None:
    (found,) = faults(good.replace("  desk:", f"  w: {worker}\n  desk:"))
    assert found.startswith(f"4: {fault}")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{type: steady}", "steady", '2: engine: is not a mapping; write {type: steady}, or {type: hec-ras, version: "6.6"}'),
        ("{type: steady}", "{type: HEC-RAS}", "2: engine.type: must be one of 'hec-ras', 'steady', 'command'; did you mean hec-ras?"),
        ("{type: steady}", "", "2: engine: is empty; fill it in"),
        ("  desk: {", "  - {", "3: workers: is not a mapping; write each below it with a name of its own, as `desk: {type: local}`"),
        ("type: local,", "type: ssh, hostname: h, worker_folder: $SCRATCH/runs,", "4: workers.desk.worker_folder: $SCRATCH is not replaced"),
        ("  - project: a.prj\n    numbers", "  project: a.prj\n  numbers", "5: plans: is not a list; begin each entry below it with `- project: `"),
        ("project: a.prj\n    numbers: [\"04\", 06-08, 3]", "a.prj", "6: plans[0]: is not a mapping; write {project: FILE.prj}"),
        ("project: a.prj\n    numbers: [\"04\", 06-08, 3]", "project:a.prj", "6: plans[0]: is not a mapping; put a blank after the colon"),
        ("a.prj", "", "6: plans[0].project: is empty; fill it in"),
        ('["04", 06-08, 3]', "[]", "7: plans[0].numbers: is empty; leave it out to take every plan the .prj lists"),
        ('["04", 06-08, 3]', "all", "7: plans[0].numbers: 'all' is not a plan number; leave it out to take every plan the .prj lists"),
        ('["04", 06-08, 3]', "01, 02", "7: plans[0].numbers: '01, 02' is not a plan number; write a list, [\"04\", \"06\"]"),
        ('["04", 06-08, 3]', "{01, 02}", '7: plans[0].numbers: is not a list; write ["04", "06-12"]'),
        ('["04", 06-08, 3]', "[100]", "7: plans[0].numbers: 100 is not a plan number; they run from 01 to 99"),
        ('["04", 06-08, 3]', "[~]", "7: plans[0].numbers: null is not a plan number; write two digits"),
        ('["04", 06-08, 3]', "[\u201c04\u201d]", "7: plans[0].numbers[0]: has curly quotes"),
        ('["04", 06-08, 3]', "[0]", "7: plans[0].numbers: 0: plan numbers run from 01 to 99; begin with 01"),
        ("numbers:", "max_runtime_minutes: 2h #", "7: plans[0].max_runtime_minutes: is not a number; write minutes, a number without a unit"),
    ],
)  # fmt: skip
def test_a_value_of_another_shape_is_told_with_what_to_write(
    faults: Faults, good: str, old: str, new: str, fault: str
) -> None:
    assert old in good
    (found,) = faults(good.replace(old, new))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("version: 1\n", "version: 1\njobs: 4\n", "2: jobs: unknown key; did you mean max_concurrent?"),
        ("workers:", "services:", "3: services: unknown key; did you mean workers?"),
        ("cores_total: 4", "kind: x", "4: workers.desk.kind: unknown key; did you mean type?"),
        ("cores_total: 4", "timeout: 4", "4: workers.desk.timeout: unknown key; did you mean max_runtime_minutes?"),
        ("type: local", "type: ssh, ip: x", "4: workers.desk.ip: unknown key; did you mean hostname?"),
        ("type: local", "type: docker, image: x", "4: workers.desk.image: unknown key; did you mean docker_image?"),
        ("type: local", "type: slurm, queue: x", "4: workers.desk.queue: unknown key; did you mean partition?"),
        ("type: local", "kind: local", "4: workers.desk.kind: unknown key; did you mean type?"),
        ("numbers:", "plan:", "7: plans[0].plan: unknown key; did you mean numbers?"),
        ("numbers:", "workers: [desk] #", "7: plans[0].workers: unknown key; did you mean only_on?"),
        ("numbers:", "depends_on: [x] #", "7: plans[0].depends_on: unknown key; did you mean needs?"),
        ("cores_total: 4", "price_per_core_hour: $1", "4: workers.desk.price_per_core_hour: is not a number; write"),
    ],
)  # fmt: skip
def test_a_key_of_another_program_is_answered_with_ours(
    faults: Faults, good: str, old: str, new: str, fault: str
) -> None:
    assert old in good
    assert any(found.startswith(fault) for found in faults(good.replace(old, new, 1)))


@pytest.mark.parametrize("name", ["my desk", "-desk", "", "dësk", "d" * 64])
def test_a_worker_has_a_plain_name(faults: Faults, good: str, name: str) -> None:
    (found,) = faults(good.replace("desk:", f"{json.dumps(name, ensure_ascii=False)}:"))
    assert found.endswith(
        "takes letters, digits, `.`, `_` and `-`, at most 63, a letter or digit first; change it"
    )
    assert found.startswith("4: workers")


def test_what_is_missing_is_told_with_what_to_write(faults: Faults, good: str) -> None:
    assert faults(good.replace("version: 1\n", "").replace("steady", "hec-ras")) == [
        "1: version: is missing; write version: 1",
        '1: engine.version: is missing; add it, as in version: "6.6"',
    ]


def test_a_field_named_like_its_type_does_not_mislead(faults: Faults, good: str) -> None:
    found = faults(
        good.replace("{type: steady}", "\n  type: command\n  command: [x]\n  version: 5\n  verson: 3")
    )
    assert found == [
        "5: engine.version: is not text; put it in quotes",
        "6: engine.verson: unknown key; did you mean version?",
    ]


def test_what_yaml_could_not_read_is_told_once(faults: Faults, good: str) -> None:
    assert faults(good + "max_fails: !!python/name:x\n") == [
        "8: max_fails: has a tag, and tags are not supported; put what begins with ! in quotes"
    ]


def test_neither_nobody_nor_a_circle_keeps_other_faults_from_being_told(faults: Faults, good: str) -> None:
    text = good + "    expect: &a {<<: *a, profils: 3}\nmax_fails: 0\n"
    assert faults(text) == [
        "8: plans[0].expect.<<: an alias refers to the value that contains it; take it out",
        "8: plans[0].expect.profils: unknown key; did you mean profiles?",
        "9: max_fails: must be at least 1; change it",
    ]


# From here on every field of a large spec is made wrong in turn, and its line is known from how it was written.


WRONG = {"wrong": 7}


def whole() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "specs" / "all-workers.yaml").read_text())


def lines_of(value: Any, place: Place = (), indent: int = 0) -> Iterator[tuple[Place, str]]:
    """The spec with a key or an item on each line; JSON's scalars."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        head = f"{' ' * indent}{json.dumps(key) + ':' if isinstance(value, dict) else '-'}"
        if isinstance(inner, dict | list) and inner and inner != WRONG:
            yield (*place, key), head
            yield from lines_of(inner, (*place, key), indent + 2)
        else:
            yield (*place, key), f"{head} {json.dumps(inner)}"


def at(value: Any, place: Place) -> Any:
    for part in place:
        value = value[part]
    return value


def written(place: Place) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).removeprefix(".")


def check(tmp_path: Path, spec: dict[str, Any]) -> tuple[list[tuple[str, int]], dict[str, int], str]:
    """Places and lines of the faults; the line of every place; the faults as text."""
    written_lines = list(lines_of(spec))
    path = tmp_path / "spec.yaml"
    path.write_text("\n".join(line for _, line in written_lines) + "\n")
    known = {written(place): n for n, (place, _) in enumerate(written_lines, start=1)}
    try:
        load(path)
    except SpecError as error:
        return [(fault.path, fault.line) for fault in error.faults], known, str(error)
    return [], known, ""


PLACES = [place for place, _ in lines_of(whole())]


def test_the_large_spec_is_right_as_it_is_written_here(tmp_path: Path) -> None:
    assert check(tmp_path, whole())[0] == []
    assert len(PLACES) > 100


@pytest.mark.parametrize("place", PLACES, ids=written)
def test_a_wrong_value_is_told_at_its_line(tmp_path: Path, place: Place) -> None:
    spec = copy.deepcopy(whole())
    value = at(spec, place)
    at(spec, place[:-1])[place[-1]] = 7 if isinstance(value, dict) else WRONG
    found, lines, said = check(tmp_path, spec)
    list_of_numbers = (written(place[:-1]), lines[written(place[:-1])]) if "numbers" in place[:-1] else None
    assert (written(place), lines[written(place)]) in found or list_of_numbers in found, said
    assert all(line == lines.get(name, line) for name, line in found)


@pytest.mark.parametrize(
    "place",
    [p for p in PLACES if isinstance(p[-1], str) and p[-2:-1] not in {("workers",), ("datasets",)}],
    ids=written,
)
def test_a_typo_is_told_at_its_line_with_what_was_meant(tmp_path: Path, place: Place) -> None:
    spec = copy.deepcopy(whole())
    around, key = at(spec, place[:-1]), str(place[-1])
    typo = key[0] + key[2:] if len(key) > 2 else key * 2
    renamed = {(typo if k == key else k): v for k, v in around.items()}
    around.clear()
    around.update(renamed)
    found, lines, said = check(tmp_path, spec)
    name = written((*place[:-1], typo))
    if place[-2:-1] == ("password",):
        name = written(place[:-1])  # a key below a secret may be the secret
    assert (name, lines[name]) in found
    assert f":{lines[name]}: {name}: unknown key; " in said
    others = {
        "workers",
        "type",
        "share_path",
        "remote_staging_path",
        "cores_total",
        "env",
    }  # what others rest on
    assert len(found) == 1 or place[-1] in others, said
    if len(key) > 3 and place[-2:-1] != ("password",):
        assert f"{name}: unknown key; did you mean {key}?" in said
