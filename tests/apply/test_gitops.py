"""A study that a branch of a repository describes: real git, on disk."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from waiting import LONGEST, until

from rasreconcile.errors import StoreError
from rasreconcile.operations.followed import Followed, commits_of
from rasreconcile.store.reader import Reader

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


@dataclass
class Repository:
    """Where the study's files are written and committed, and a `watch --git` that follows it elsewhere."""

    folder: Path
    study: Any
    said: list[str] = field(default_factory=list)
    program: subprocess.Popen[str] | None = None

    @property
    def clone(self) -> Path:
        return self.folder.parent / "clone"

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message: str, *, more: tuple[str, ...] = ()) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message, *more)
        return self.git("rev-parse", "HEAD")

    def change(self, name: str, old: str, new: str) -> str:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return self.commit(f"{old.strip()} becomes {new.strip()}")

    def watch(self, *words: str) -> None:
        started = self.study.start(
            "watch", "--git", str(self.folder), "--path", "spec.yaml", "--interval", "1s", "--into",
            str(self.clone), *words,
        )  # fmt: skip
        self.said, self.program = [], started
        threading.Thread(target=lambda: self.said.extend(started.stderr), daemon=True).start()
        threading.Thread(target=lambda: list(started.stdout), daemon=True).start()

    def hears(self, words: str) -> None:
        until(lambda: words in "".join(self.said) or self._ended(), f"it never said {words!r}")
        assert words in "".join(self.said), "".join(self.said)

    def _ended(self) -> bool:
        return self.program is not None and self.program.poll() is not None

    def forget(self) -> None:
        """What was said so far."""
        self.said.clear()

    def converged(self, commit: str) -> None:
        until(lambda: self.last_converged() == commit, f"it was never current at {commit}", every=0.1)

    def last_converged(self) -> str:
        """From the store: asking the program for it would keep a core busy."""
        if not (self.clone / "state.db").exists():
            return ""
        try:
            with Reader(self.clone / "state.db") as reader:
                found = commits_of(self.clone / "spec.yaml", reader)
        except StoreError:
            # It is just being made.
            return ""
        return found.converged if found else ""

    def status(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(
            self.study.run("status", str(self.clone / "spec.yaml"), "--json").stdout
        )["commits"]
        return found

    def interrupt(self) -> None:
        assert self.program is not None
        self.program.send_signal(signal.SIGINT)
        assert self.program.wait(LONGEST) == 130

    def runs(self) -> list[str]:
        done = self.study.run("history", str(self.clone / "spec.yaml"), "--json")
        return [run["plan"] for run in json.loads(done.stdout)["runs"]]


@pytest.fixture
def repository(study, tmp_path: Path) -> Iterator[Repository]:
    folder = tmp_path / "repository"
    folder.mkdir()
    for path in study.folder.glob("Willow.*"):
        shutil.copy(path, folder)
    shutil.copy(study.folder / "spec.yaml", folder)
    found = Repository(folder, study)
    found.git("init", "--quiet", "--initial-branch", "main")
    found.git("config", "user.email", "modeller@example.org")
    found.git("config", "user.name", "A modeller")
    found.git("config", "commit.gpgsign", "false")
    found.commit("The study")
    yield found
    if found.program is not None and found.program.poll() is None:
        found.program.kill()
        found.program.wait()


def test_four_commits_run_verify_do_nothing_and_keep_the_last_good_one(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.watch()
    repository.converged(first)
    assert len(repository.runs()) == 4

    flow = repository.change("Willow.f02", "6200", "7200")
    repository.converged(flow)
    repository.hears(f"main is at commit {flow[:10]}: 6200 becomes 7200")
    assert sorted(repository.runs()) == sorted(
        ["Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04", "Willow/p02", "Willow/p04"]
    )

    repository.forget()
    expect = repository.change("spec.yaml", "expect: {}", "expect: {units: english}")
    repository.converged(expect)
    assert len(repository.runs()) == 6
    assert "verified" in "".join(repository.said)

    repository.forget()
    worker = repository.change("spec.yaml", "cores_total: 2", "cores_total: 3")
    repository.converged(worker)
    assert len(repository.runs()) == 6

    broken = repository.change("spec.yaml", "workers:", "wrokers:")
    repository.hears(f"commit {broken[:10]}: ")
    repository.hears("wrokers: unknown key; did you mean workers?")
    repository.hears(f"keeping commit {worker[:10]}")
    known = repository.status()
    assert (known["wanted"], known["taken"], known["converged"]) == (broken, worker, worker)
    assert "did you mean workers?" in known["refused"]
    told = repository.study.run("status", str(repository.clone / "spec.yaml")).stdout
    assert f"main: commit {broken[:10]} is wanted and not taken: " in told

    mended = repository.change("spec.yaml", "wrokers:", "workers:")
    repository.converged(mended)
    assert len(repository.runs()) == 6
    repository.interrupt()


def test_history_that_was_rewritten_is_followed_and_results_stay(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    flow = repository.change("Willow.f02", "6200", "7200")
    repository.watch()
    repository.converged(flow)
    repository.git("reset", "--quiet", "--hard", first)
    rewritten = repository.change("Willow.f02", "6200", "6300")
    repository.converged(rewritten)
    assert len(repository.runs()) == 6
    assert len(list(repository.clone.glob("**/*.p0?.hdf"))) == 4
    repository.interrupt()


def test_a_repository_that_is_away_is_told_once_and_what_was_taken_is_kept_current(
    repository: Repository,
) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.watch()
    repository.converged(first)
    away = repository.folder.with_name("away")
    repository.folder.rename(away)
    repository.hears("until it answers, what was taken last is kept current")
    (result,) = repository.clone.glob("**/Willow.p01.hdf")
    result.unlink()
    until(result.exists, "what was removed was not computed again")
    assert "".join(repository.said).count("until it answers") == 1
    away.rename(repository.folder)
    repository.hears("answers again")
    flow = repository.change("Willow.f02", "6200", "7200")
    repository.converged(flow)
    repository.interrupt()


def test_a_watch_that_was_killed_goes_on_where_it_was(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.watch()
    repository.converged(first)
    assert repository.program is not None
    repository.program.kill()
    repository.program.wait()
    # As of a git that was killed with it, in the middle of its writing.
    (repository.clone / ".git" / "index.lock").write_text("")
    (repository.clone / "Willow.f01").write_text("half")
    flow = repository.change("Willow.f02", "6200", "7200")
    repository.watch()
    repository.converged(flow)
    assert (repository.clone / "Willow.f01").read_text() == (repository.folder / "Willow.f01").read_text()
    assert len(repository.runs()) == 6
    repository.interrupt()


def test_nothing_of_a_repository_is_executed_that_was_not_allowed(repository: Repository) -> None:
    ran = repository.folder.parent / "ran"
    script = repository.folder / "solve.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncp Willow.g01 Willow.p01.hdf\n")
    script.chmod(0o755)
    hooks = repository.folder / ".githooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (hooks / "post-checkout").chmod(0o755)
    (repository.folder / ".gitattributes").write_text("*.f02 filter=evil\n")
    (repository.folder / ".gitmodules").write_text(
        f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch {ran}"\n'
    )
    solve = f"{repository.clone}/solve.sh"
    theirs = f"engine: {{type: command, command: [sh, {solve}]}}"
    repository.change("spec.yaml", "engine: {type: steady}", theirs)
    repository.watch()
    repository.hears("engine: sh solve.sh is not allowed here")
    repository.hears("--allow 'sh solve.sh'")
    assert not ran.exists()
    good = repository.change("spec.yaml", theirs, "engine: {type: steady}")
    repository.converged(good)
    assert not ran.exists()
    repository.interrupt()
    repository.change("spec.yaml", "engine: {type: steady}", theirs)
    repository.watch("--allow", "sh solve.*")
    until(ran.exists, "what was allowed was not executed")


def test_only_signed_commits_are_taken_where_that_is_asked(repository: Repository, monkeypatch) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen")
    home = repository.folder.parent
    key = home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    trusted = home / "trusted"
    trusted.write_text(f"modeller@example.org {key.with_suffix('.pub').read_text()}")
    config = home / "gitconfig"
    config.write_text(f'[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tallowedSignersFile = {trusted}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    repository.git("config", "user.signingkey", str(key))
    (repository.folder / "README").write_text("signed\n")
    signed = repository.commit("Signed", more=("-S",))
    repository.watch("--verify-signatures")
    repository.converged(signed)
    unsigned = repository.change("Willow.f02", "6200", "7200")
    repository.hears(f"commit {unsigned[:10]}: git verify-commit: ")
    repository.hears(f"keeping commit {signed[:10]}")
    assert "6200" in (repository.clone / "Willow.f02").read_text()
    repository.interrupt()


def test_large_files_of_git_lfs_are_fetched(repository: Repository) -> None:
    if subprocess.run(["git", "lfs", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("there is no git-lfs")
    repository.git("lfs", "install", "--local")
    repository.git("lfs", "track", "Willow.f02")
    repository.git("add", "--renormalize", ".")
    large = repository.commit("Willow.f02 is kept by Git LFS")
    assert repository.git("show", "HEAD:Willow.f02").startswith("version https://git-lfs")
    repository.watch()
    repository.converged(large)
    assert "6200" in (repository.clone / "Willow.f02").read_text()
    repository.interrupt()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--into", "{folder}"),
            "exists, and is no clone that `watch --git` made; name another folder: --into",
        ),
        (("--path", "../x.yaml"), "--path ../x.yaml leads out of the repository"),
        (("--interval", "soon"), "--interval soon is no length of time"),
        (("other.yaml",), "--git and other.yaml are two specs; name it with --path other.yaml"),
        (("--ref", "--upload-pack=x"), "no address and name of a ref"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    repository: Repository, words: tuple[str, ...], said: str
) -> None:
    given = [word.format(folder=repository.folder) for word in words]
    done = repository.study.run(
        "watch", "--git", str(repository.folder), "--into", str(repository.clone), *given, check=None
    )
    assert said in done.stderr
    assert done.returncode != 0


def test_a_branch_that_is_not_there_is_told_and_waited_for(repository: Repository) -> None:
    repository.watch("--ref", "release")
    repository.hears("couldn't find remote ref release")
    repository.git("branch", "release")
    repository.converged(repository.git("rev-parse", "HEAD"))
    repository.interrupt()


def test_a_folder_is_followed_by_one_at_a_time(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.watch()
    repository.converged(first)
    done = repository.study.run(
        "watch",
        "--git",
        str(repository.folder),
        "--path",
        "spec.yaml",
        "--into",
        str(repository.clone),
        check=None,
    )
    assert "is followed by another `watch --git`; end that one, or name another --into" in done.stderr
    repository.interrupt()


def test_a_note_that_somebody_damaged_is_no_clone_of_ours(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for text in ("", "[]", "{", '{"url": 3}', "{}"):
        (tmp_path / ".git" / "rasreconcile.json").write_text(text)
        assert Followed.read(tmp_path) is None
