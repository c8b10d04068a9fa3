"""Whatever is put where a file is read: a pipe, a device, what /proc makes up, a file without end. It is said, at once."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rasreconcile.api.ras_commander import workers_from_json
from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import InputChanged, ProjectError, RasReconcileError, SpecError
from rasreconcile.jobs import Staged
from rasreconcile.plain_files import LARGEST, NotPlain, head, opened, whole
from rasreconcile.plans import Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.resolve.patterns import matches
from rasreconcile.resolve.search import Search
from rasreconcile.results.associations import associations
from rasreconcile.results.publish import digest_file
from rasreconcile.results.receipts import read_receipt, receipt_path
from rasreconcile.spec.base import Secret
from rasreconcile.specfile import load
from rasreconcile.workers.input_cache import reading
from rasreconcile.workers.openssh.known_hosts import known_hosts
from rasreconcile.workers.openssh.private_key import public_half
from rasreconcile.workers.secret import reveal

PACKAGE = Path(__file__).parents[1] / "rasreconcile"
LINUX = sys.platform == "linux"


pytestmark = pytest.mark.timeout(300)
"""What waits for a writer of a pipe waits for ever: then this test fails, and the next begins."""


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _endless(path: Path) -> None:
    with path.open("wb") as file:
        # Sparse: some file systems do not even take this size.
        file.truncate(LARGEST + 1)


SPECIAL: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (_pipe, "is not a regular file but a named pipe"),
    "socket": (_socket, "is not a regular file but a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file but a device"),
    "proc": (lambda path: path.symlink_to("/proc/self/maps"), "the system makes up what is in /proc"),
    "folder": (Path.mkdir, "Is a directory"),
    "endless": (_endless, "is larger than"),
}


def put(path: Path, what: str) -> str:
    """A special thing at this path; what is said of it."""
    make, said = SPECIAL[what]
    path.unlink(missing_ok=True)
    try:
        make(path)
    except OSError as error:
        pytest.skip(f"cannot be made here: {error}")
    return said


@pytest.mark.parametrize("what", SPECIAL)
def test_what_is_not_a_plain_file_is_never_read(tmp_path: Path, what: str) -> None:
    said = put(tmp_path / "x", what)
    for read in (opened, whole, digest_file, lambda path: head(path, 10)):
        with pytest.raises(OSError, match=said):
            read(tmp_path / "x")


def test_a_file_that_says_less_than_it_has_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 11)
    assert whole(tmp_path / "x", 11) == b"x" * 11
    with pytest.raises(NotPlain, match="is larger than"):
        whole(tmp_path / "x", 10)
    assert head(tmp_path / "x", 3) == b"xxx"


def test_an_input_that_grew_since_it_was_hashed_is_not_copied_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * (5 << 20))
    grown = Staged(source=tmp_path / "x", name="x", digest="0" * 64, size=1 << 20)
    with reading(grown) as read:
        read()
        with pytest.raises(InputChanged, match="changed after it was hashed"):
            read()


# ---- where a study is read


def study(folder: Path, demo: Path, project: str = "demo/Willow.prj", extra: str = "") -> Path:
    shutil.copytree(demo, folder / "demo")
    spec = folder / "spec.yaml"
    entry = f'{{project: {project}, numbers: ["01"], inputs: [{extra}]}}'
    spec.write_text(
        f"version: 1\nengine: {{type: steady}}\nworkers: {{desk: {{type: local}}}}\nplans: [{entry}]\n"
    )
    return spec


def plan_of(spec: Path) -> Plan:
    contents = Contents({}, time.time_ns, associations)
    (plan,) = resolve(load(spec), Digests({}, time.time_ns), engine_for, contents=contents).plans
    return plan


@pytest.mark.parametrize("what", SPECIAL)
def test_a_project_that_is_none_is_a_fault_of_the_spec(tmp_path: Path, demo: Path, what: str) -> None:
    spec = study(tmp_path, demo)
    said = put(tmp_path / "demo" / "Willow.prj", what)
    with pytest.raises(SpecError, match=said) as raised:
        plan_of(spec)
    assert "name the .prj of a HEC-RAS project" in str(raised.value)


@pytest.mark.parametrize("project", ["/dev/zero", "/dev/stdin", "/proc/kmsg", "/proc/kcore", "/dev/full"])
def test_a_project_of_the_systems_own_is_a_fault_of_the_spec(
    tmp_path: Path, demo: Path, project: str
) -> None:
    with pytest.raises(SpecError, match=r"plans\[0\].project"):
        plan_of(study(tmp_path, demo, project))


@pytest.mark.parametrize("what", SPECIAL)
@pytest.mark.parametrize("name", ["Willow.p01", "Willow.g01", "Willow.f01", "table.csv"])
def test_a_plan_whose_files_cannot_be_read_is_blocked(
    tmp_path: Path, demo: Path, name: str, what: str
) -> None:
    spec = study(tmp_path, demo, extra="table.csv")
    (tmp_path / "demo" / "table.csv").write_text("1,2\n")
    assert plan_of(spec).blocked_by == ()
    put(tmp_path / "demo" / name, what)
    assert name in " ".join(map(str, plan_of(spec).blocked_by))


@pytest.mark.parametrize("what", SPECIAL)
def test_a_spec_that_is_no_file_is_a_fault(tmp_path: Path, what: str) -> None:
    said = put(tmp_path / "spec.yaml", what)
    if what == "endless":
        said = "larger than"
    with pytest.raises(SpecError, match=said):
        load(tmp_path / "spec.yaml")


@pytest.mark.parametrize("what", SPECIAL)
def test_what_lies_beside_a_study_is_read_as_carefully(tmp_path: Path, what: str) -> None:
    readers: dict[str, Callable[[Path], object]] = {
        "Willow.p01.hdf.receipt.json": lambda path: read_receipt(path.with_name("Willow.p01.hdf")),
        "secret": lambda path: reveal(Secret(file=path.name), tmp_path),
        "RemoteWorkers.json": workers_from_json,
    }
    assert receipt_path(tmp_path / "Willow.p01.hdf").name in readers
    for name, read in readers.items():
        put(tmp_path / name, what)
        with pytest.raises(RasReconcileError) as raised:
            read(tmp_path / name)
        assert name in str(raised.value)
    put(tmp_path / "id", what)
    assert public_half(tmp_path / "id") is None
    put(tmp_path / "known_hosts", what)
    if what in {"proc", "endless"}:
        with pytest.raises(RasReconcileError, match="known_hosts"):
            known_hosts([tmp_path / "known_hosts"], "host")
    else:
        assert known_hosts([tmp_path / "known_hosts"], "host").keys == ()


def test_a_secret_that_is_empty_is_not_tried(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(RasReconcileError) as raised:
        reveal(Secret(file="secret"), tmp_path)
    assert str(raised.value) == f"{tmp_path / 'secret'} is empty; put the secret there, and nothing else"


# ---- searches


def test_a_search_ends_after_so_many_folders_and_says_where_it_was(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}").mkdir()
    search = Search("**/*.prj", most_folders=10)
    with pytest.raises(ProjectError, match="ended after more than 10 folders, the last was") as raised:
        matches(tmp_path, "**/*.prj", search=search)
    assert "name the folder that the projects are in" in str(raised.value)
    assert matches(tmp_path, "**/*.prj", search=Search("**/*.prj", most_folders=13)) == []


def test_a_search_ends_after_so_long(tmp_path: Path) -> None:
    ticks = iter(range(1000))
    for number in range(12):
        (tmp_path / f"{number:02}").mkdir()
    search = Search("**/*.prj", longest=5, clock=lambda: float(next(ticks)))
    with pytest.raises(ProjectError, match="ended after 7 folders in 5 s"):
        matches(tmp_path, "**/*.prj", search=search)


@pytest.mark.skipif(not LINUX, reason="these folders are those of Linux")
def test_a_search_leaves_out_what_the_system_makes_up() -> None:
    found: list[str] = []

    def listing(path: Path) -> None:
        found.append(str(path))

    matches(Path("/"), "**/*.prj", listing)
    assert found == ["/"] * len(found)
    for top in ("/proc", "/sys", "/dev"):
        with pytest.raises(ProjectError, match=f"is in {top}, which holds no files of a disk"):
            matches(Path(top), "**/*.prj")
    assert not any(Search("x").may_enter(Path(top), 2, 1) for top in ("/proc", "/sys", "/dev"))
    search = Search("x")
    search.may_enter(Path("/proc"), 2, 1)
    assert search.remark() is None


def test_a_search_stays_on_its_file_system_and_says_what_it_left_out(tmp_path: Path) -> None:
    search = Search("models/**/*.prj")
    assert search.may_enter(tmp_path / "a", 1, 1)
    assert not search.may_enter(tmp_path / "b", 2, 1)
    assert not search.may_enter(tmp_path / "c", 3, 1)
    assert str(search.remark()) == (
        f"models/**/*.prj: `**` did not look into {tmp_path / 'b'}, which is another file system and 1 more;"
        " name it in a pattern of its own"
    )


@pytest.mark.parametrize("inputs", ["dss/*.csv", "'**/*.csv'"])
def test_inputs_that_a_link_brings_from_outside_are_told(tmp_path: Path, demo: Path, inputs: str) -> None:
    spec = study(tmp_path, demo, extra=inputs)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "rain.csv").write_text("1,2\n")
    (tmp_path / "demo" / "dss").symlink_to(tmp_path / "outside")
    plan = plan_of(spec)
    assert "dss/rain.csv" in {one.name for one in plan.inputs}
    (told,) = (one for one in map(str, plan.warnings) if one.startswith("inputs: "))
    assert f"dss is a link to {tmp_path / 'outside'}, outside the project's folder" in told
    # A link within the project's folder is the project's own affair.
    (tmp_path / "demo" / "dss").unlink()
    (tmp_path / "outside").rename(tmp_path / "demo" / "data")
    (tmp_path / "demo" / "dss").symlink_to("data")
    assert [one for one in map(str, plan_of(spec).warnings) if one.startswith("inputs: ")] == []


# ---- the whole kind

OWN = {
    "engines/hec_ras/scripts.py": "scripts of the package",
    "workers/docker/scripts.py": "scripts of the package",
    "workers/rundir.py": "scripts of the package",
    "workers/windows/source.py": "the source of the package",
    "workers/slurm/scripts.py": "scripts of the package",
    "workers/aws_batch/submission.py": "the program of the package",
    "workers/psexec/desk.py": "a script of the package",
    "workers/aws_batch/in_container.py": "files of its own container",
    "workers/inspect.py": "files of /proc",
    "store/database.py": "a file of /proc",
    "workers/controls.py": "files of a run directory, with a reader of their own",
    "workers/input_cache.py": "files of its own cache",
    "edits/spool.py": "copies that it made itself",
    "report/html/render.py": "parts of the page, of the package",
    "workers/psexec/folder.py": "files of a share, part by part",
    "workers/windows_runner.py": "files of its own run directory, on the worker",
}
"""Modules that read files by other means than `plain_files`, and which files those are."""


def _reads(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in {"read_bytes", "read_text"}:
            yield node.lineno
        if node.func.attr == "open" and any(
            isinstance(word, ast.Constant) and word.value in {"r", "rb"} for word in node.args
        ):
            yield node.lineno


def test_foreign_files_have_one_reader() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if list(_reads(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == set(OWN)
