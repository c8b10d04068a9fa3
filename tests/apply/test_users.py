"""Two users and one folder; a user without a name or a home; what is printed where letters are few."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st
from services import Service, absent
from waiting import LONGEST

import rasreconcile
from rasreconcile.printable import but_colours, plain, printable

ALICE, BOB, GROUP = 40711, 40712, 40700
SPEC = """\
version: 1
results: results
engine: {type: command, command: [cp, READY, "{output}"]}
workers:
  desk: {type: local, worker_folder: "~/runs", cores_total: 1, cores_per_plan: 1}
plans: [{project: Willow.prj, expect: {completed: false}}]
"""
Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def project(demo: Path) -> Iterator[Path]:
    """A folder of a group, made for sharing: setgid, and every file the group's too."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        absent(Service.USERS, "only root can be two users")
    # pytest's own folders are closed to others, again and again.
    with tempfile.TemporaryDirectory(prefix="rasusers-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        folder = Path(name, "shared")
        shutil.copytree(demo, folder)
        with h5py.File(folder / "ready.hdf", "w") as file:
            file["x"] = [1.0]
        (folder / "rasreconcile.yaml").write_text(SPEC.replace("READY", str(folder / "ready.hdf")))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 0, GROUP)
            path.chmod(0o2775 if path.is_dir() else 0o664)
        yield folder


@pytest.fixture
def as_user(project: Path) -> Callable[..., Ran]:
    """The real program, run by a user whom this machine has no name for, in the shared folder."""
    packages = Path(h5py.__file__).parents[1]
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{Path(rasreconcile.__file__).parents[1]}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(user: int, *words: str, umask: str = "002", home: bool = True, **more: str) -> Ran:
        place = project.parent / f"home-{user}"
        if home:
            place.mkdir(exist_ok=True)
            os.chown(place, user, GROUP)
            more["HOME"] = str(place)
        who = ["setpriv", f"--reuid={user}", f"--regid={GROUP}", "--clear-groups", "--"]
        command = [*who, "sh", "-c", f'umask {umask} && exec "$@"', "sh", interpreter(who, environ), "-m"]
        done = subprocess.run(
            [*command, "rasreconcile", *words],
            cwd=project,
            env=environ | more,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def interpreter(who: list[str], environ: dict[str, str]) -> str:
    """A Python of this version that the user may run: this one may lie in somebody's home."""
    asked = f"import sys, rasreconcile, pydantic; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"

    def runs(python: str) -> bool:
        tried = [*who, "sh", "-c", 'exec "$@"', "sh", python, "-c", asked]
        return subprocess.run(tried, env=environ, check=False, capture_output=True).returncode == 0

    found = next(filter(runs, (sys.executable, "/usr/bin/python3")), None)
    return found or absent(Service.USERS, "no Python here can be run by another user")


def test_a_store_in_a_folder_of_a_group_is_the_groups_and_says_whose_it_is(project, as_user) -> None:
    done = as_user(ALICE, "apply")
    assert done.returncode == 0, done.stderr
    for path in (*(project / ".rasreconcile").iterdir(), *(project / "results").rglob("*")):
        found = path.stat()
        assert found.st_gid == GROUP, path
        assert found.st_mode & 0o070 >= 0o060, path
    for verb in ("status", "diff", "check"):
        assert as_user(BOB, *verb.split()).returncode == 0, verb
    assert f"the store belongs to user {ALICE}" in as_user(BOB, "status").stdout
    assert "belongs to" not in as_user(ALICE, "status").stdout
    flow = project / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    done = as_user(BOB, "apply")
    assert done.returncode == 0, done.stderr
    assert f"rasreconcile.db belongs to user {ALICE}" in done.stderr
    assert as_user(ALICE, "apply").returncode == 0


def test_a_store_of_one_user_is_read_by_nobody_else_and_says_what_to_do(project, as_user) -> None:
    project.chmod(0o777)
    assert as_user(ALICE, "apply", umask="022").returncode == 0
    assert (project / ".rasreconcile" / "rasreconcile.db").stat().st_mode & 0o777 == 0o600
    for verb, code in (("status", 1), ("apply", 1)):
        done = as_user(BOB, verb)
        assert done.returncode == code
        assert f"it belongs to user {ALICE}, and user {BOB} may not" in done.stderr
        assert re.search(r"have user \d+ run `chmod g\+rw .*\*`|set `state:`", done.stderr)


def test_a_store_that_the_group_may_only_read_serves_the_reading_verbs(project, as_user) -> None:
    assert as_user(ALICE, "apply", umask="027").returncode == 0
    for verb in ("status", "diff"):
        assert as_user(BOB, verb).returncode == 0, verb
    done = as_user(BOB, "apply")
    assert done.returncode == 1
    assert f"user {BOB} may not write it" in done.stderr


def test_runs_of_another_user_are_not_started_again_beside_those_that_are_going(project, as_user) -> None:
    spec = project / "rasreconcile.yaml"
    waits = f'[sh, -c, "while [ ! -e {project}/go ]; do sleep 0.1; done; cp {project}/ready.hdf \\"$0\\"", '
    spec.write_text(re.sub(r"\[cp, [^ ]+, ", lambda _: waits, spec.read_text()))
    assert as_user(ALICE, "apply", "--detach").returncode == 2
    done = as_user(BOB, "apply")
    assert done.returncode == 5
    assert f"1 run of user {ALICE} is not collected yet; let user {ALICE} run `apply`" in done.stderr
    (project / "go").touch()
    assert as_user(ALICE, "apply").returncode == 0
    assert as_user(BOB, "apply").returncode == 0


def test_a_user_without_a_name_or_a_home_is_told_what_is_missing(project, as_user) -> None:
    for verb in ("apply", "check"):
        done = as_user(ALICE, verb, home=False)
        assert done.returncode in {1, 64}, (verb, done.stdout, done.stderr)
        said = done.stderr + done.stdout
        assert "set HOME, or write the whole path" in said or "~ is not a home folder" in said, said
    spec = project / "rasreconcile.yaml"
    spec.write_text(spec.read_text().replace("~/runs", "runs"))
    done = as_user(ALICE, "apply", home=False)
    assert done.returncode == 0, done.stderr
    assert f"asked by user {ALICE}@" in as_user(ALICE, "history", "--events", home=False).stdout


# ---- what a terminal gets


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
    ],
    ids=str,
)
def test_no_verb_fails_for_letters_that_the_output_cannot_write(study, monkeypatch, environ) -> None:
    study.command()
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    name: 'Überlauf 水 \U0001f30a'\n", encoding="utf-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = study.run("apply", "spec.yaml", check=None)
    if "PYTHONUTF8" in environ:
        # Not even a file of that name can be made.
        assert done.returncode == 1
        assert "set LC_ALL=C.UTF-8" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    for words in (["status", "--all"], ["diff"], ["history", "--events"], ["results"]):
        study.run(words[0], "spec.yaml", *words[1:])
    study.run("logs", "spec.yaml", "Überlauf 水 \U0001f30a/p01")
    study.run("explain", "spec.yaml", "nowhere/p\N{OHM SIGN}", check=64)
    plans = study.json("status", "spec.yaml")["plans"]
    assert {plan["plan"].partition("/")[0] for plan in plans} == {"Überlauf 水 \U0001f30a"}


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b2J\r\u202e\x00end"


def test_what_a_program_prints_does_not_command_the_terminal(study) -> None:
    pty = pytest.importorskip("pty")
    study.command("sh", "-c", f"printf '%s\\n' '{HOSTILE.replace(chr(0), '')}'; exit 3")
    study.run("apply", "spec.yaml", check=3)
    for words in (["logs", "spec.yaml", "p01"], ["status", "spec.yaml"], ["history", "spec.yaml"]):
        main, end = pty.openpty()
        shown = subprocess.run(
            [sys.executable, "-m", "rasreconcile", *words],
            cwd=study.folder,
            stdout=end,
            stderr=end,
            check=False,
        )
        os.close(end)
        said = b""
        while True:
            try:
                said += os.read(main, 65536)
            except OSError:
                break
        os.close(main)
        text = said.decode()
        assert shown.returncode == 0
        assert "owned" not in text or "\x1b]" not in text
        ours = re.sub(r"\x1b\[[0-9;]*m", "", text.replace("\r\n", "\n"))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", ours), (words, ours)
    assert study.run("logs", "spec.yaml", "p01").stdout.strip().startswith("\x1b]0;owned"), "a pipe gets all"


@given(st.text(st.characters() | st.sampled_from("\x1b[]m0;\x07\r\n\x9b\u202e")))
def test_no_text_commands_a_terminal(text) -> None:
    control = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
    assert not control.search(printable(text))
    assert not control.search(plain(text))
    assert not control.search(re.sub(r"\x1b\[[0-9;]*m", "", but_colours(text)))
    printable(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_a_text_without_such_characters_stays_as_it_is(text) -> None:
    assert printable(text) == plain(text) == but_colours(text) == text


def test_a_name_with_an_escape_is_spelled_in_every_message(tmp_path) -> None:
    said = str(rasreconcile_error(f"{tmp_path}/a\x1b[31m\udcff.prj: not there"))
    assert r"a\x1b[31m\udcff.prj" in said


def rasreconcile_error(what: str) -> Exception:
    from rasreconcile.errors import ProjectError

    return ProjectError(what, "look")
