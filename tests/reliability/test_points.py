"""What is counted as a point: every effect, by whatever way of the standard library, and what each scenario comes to."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.results import publish
from tests.reliability.points import MARK, Points
from tests.reliability.wires import KINDS

REPOSITORY = Path(__file__).parents[2]


def reached(act: Callable[[], object]) -> list[str]:
    """The points of a process that does nothing else."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            Points(tell).install()
            act()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  told by the exit code
            os.write(2, repr(error).encode())
            os._exit(1)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        names = pipe.read().split(MARK)[:-1]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return [name.decode() for name in names]


def written(path: Path) -> None:
    with path.open("w") as file:
        file.write("x")


def by_descriptor(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"x")
    os.pwrite(descriptor, b"x", 0)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    fcntl.lockf(descriptor, fcntl.LOCK_UN)
    os.ftruncate(descriptor, 0)
    os.fsync(descriptor)


def with_sendfile(path: Path) -> None:
    with path.open("rb") as read, path.with_name("copied").open("wb") as write:
        os.copy_file_range(read.fileno(), write.fileno(), 1)
        os.sendfile(write.fileno(), read.fileno(), 0, 1)
        write.truncate(0)


def reflinked(path: Path) -> None:
    with path.open("rb") as read, path.with_name("copied").open("wb") as write:
        try:
            fcntl.ioctl(write.fileno(), 0x40049409, read.fileno())
        except OSError as error:
            assert error.errno, "whether the file system can do it is not the question"


def temporary(path: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent) as file:
        file.write(b"x")


def stored(path: Path) -> None:
    connection = sqlite3.connect(path.with_name("store"))
    connection.execute("CREATE TABLE t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    connection.commit()
    connection.executescript("UPDATE t SET x = 3;")
    with connection:
        connection.execute("DELETE FROM t")
    connection.backup(sqlite3.connect(path.with_name("backup")))


def killed(path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    os.kill(child.pid, 0)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


EFFECTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "open": (written, "before open, after open, within write, after write, after close"),
    "write_bytes": (
        lambda p: p.write_bytes(b"x"),
        "before open, after open, within write, after write, after close",
    ),
    "touch": (lambda p: p.with_name("new").touch(), "before open, after open"),
    "touch what is there": (lambda p: p.touch(), "before utime, after utime"),
    "descriptor": (
        by_descriptor,
        "before open, after open, before write, after write, before pwrite, after pwrite, before flock, after flock,"
        " before lockf, after lockf, before ftruncate, after ftruncate, before fsync, after fsync",
    ),
    "rename": (lambda p: p.rename(p.with_name("to")), "before rename, after rename"),
    "replace": (lambda p: p.replace(p.with_name("to")), "before replace, after replace"),
    "move": (lambda p: shutil.move(p, p.with_name("to")), "before rename, after rename"),
    "hard link": (lambda p: p.with_name("to").hardlink_to(p), "before link, after link"),
    "symlink": (lambda p: p.with_name("to").symlink_to(p), "before symlink, after symlink"),
    "unlink": (lambda p: p.unlink(), "before unlink, after unlink"),
    "remove": (lambda p: os.remove(p), "before remove, after remove"),  # noqa: PTH107  that very function
    "chmod": (lambda p: p.chmod(0o600), "before chmod, after chmod"),
    "chown": (lambda p: os.chown(p, -1, -1), "before chown, after chown"),
    "truncate": (lambda p: os.truncate(p, 0), "before truncate, after truncate"),
    "mkdir": (lambda p: p.with_name("d").mkdir(), "before mkdir, after mkdir"),
    "rmtree": (
        lambda p: shutil.rmtree(p.parent),
        "before unlink, after unlink, before rmdir, after rmdir",
    ),
    "copyfile": (
        lambda p: shutil.copyfile(p, p.with_name("to")),
        "before open, after open, before sendfile, after sendfile, before sendfile, after sendfile, after close",
    ),
    "kernel copies": (
        with_sendfile,
        "before open, after open, before copy_file_range, after copy_file_range, before sendfile, after sendfile,"
        " before truncate, after truncate, after close",
    ),
    "reflink": (reflinked, "before open, after open, before ioctl"),
    "temporary": (
        temporary,
        "before open, after open, within write, after write, before unlink, after unlink",
    ),
    "publication": (
        lambda p: publish.replace(p, p.with_name("to")),
        "before replace, after replace",
    ),
    "process": (killed, "before _execute_child, after _execute_child, before kill, after kill"),
    "store": (
        stored,
        "before CREATE, after CREATE, before INSERT, after INSERT, before commit, after commit, before executescript,"
        " after executescript, before DELETE, after DELETE, before __exit__, after __exit__, before backup, after backup",
    ),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_is_a_point_by_whatever_way_it_is_made(name: str, tmp_path: Path) -> None:
    act, points = EFFECTS[name]
    path = tmp_path / "below" / "file"
    path.parent.mkdir()
    path.write_bytes(b"some bytes")
    names = reached(lambda: act(path))
    found = iter(names)
    # In this order, whatever comes between.
    assert all(point in found for point in points.split(", ")), names


ALWAYS = "BEGIN COMMIT INSERT flock mkdir open"
APPLY = f"{ALWAYS} DELETE RELEASE SAVEPOINT UPDATE _execute_child fsync close write"
RUNS = f"{APPLY} replace start fetch discard read_log"
LOCAL = f"{RUNS} link rename rmdir unlink"
WIRE = "start_client exec_command send end_sending"
DAEMON = "image containers create start run remove"
REACHED = {
    ("local", "mixed"): LOCAL,
    ("local", "chain"): LOCAL,
    ("local", "hec-ras"): f"{LOCAL} utime",
    ("local", "adopt"): f"{APPLY} replace CREATE ALTER",
    ("local", "stopped"): f"{ALWAYS} cancel discard",
    ("local", "cancel"): f"{ALWAYS} cancel",
    ("memory", "mixed"): RUNS,
    ("ssh", "mixed"): f"{RUNS} {WIRE} truncate",
    ("ssh", "cancel"): f"{ALWAYS} {WIRE} cancel",
    ("docker", "mixed"): f"{LOCAL} {DAEMON} chmod chown".replace(" link", ""),
    ("volume", "mixed"): f"{RUNS} {DAEMON} volume put get piece",
    ("aws-batch", "mixed"): f"{RUNS} submit_job put_object get_object delete_objects describe_jobs",
}
"""Of each kind of worker and scenario, what a controller that nobody kills comes to: `before X`, `within X` or `after X`."""


@pytest.mark.parametrize("kind", dict.fromkeys(kind for kind, _ in REACHED))
def test_an_apply_comes_to_all_the_kinds_of_points_it_should(kind: str) -> None:
    if (missing := KINDS[kind].missing()) is not None:
        absent({"ssh": Service.SSH, "aws-batch": Service.AWS}.get(kind, Service.DOCKER), missing)
    names = [scenario for one, scenario in REACHED if one == kind]
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability", "--kind", kind, "--points", "--scenario", *names],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for scenario in names:
        told = re.findall(rf"^{kind} {scenario}: \S+ (\S+)", done.stdout, re.MULTILINE)
        assert set(REACHED[kind, scenario].split()) - set(told) == set(), scenario


def test_what_only_looks_is_no_point(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    assert reached(lambda: (path.read_bytes(), path.stat(), list(tmp_path.iterdir()), path.exists())) == []
