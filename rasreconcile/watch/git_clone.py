"""A clone that follows one ref of a repository, by git itself. Nothing of the repository is executed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rasreconcile.errors import RasReconcileError
from rasreconcile.file_locks import try_lock
from rasreconcile.operations.followed import NOTE, Followed
from rasreconcile.printable import printable

LONGEST = 1800.0
"""Seconds that git may take for one command; a connection on which nothing arrives is given up long before."""
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    "gc.auto=0",
)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class GitTrouble(RasReconcileError):
    """git, or the repository, did not do what was asked."""


@dataclass(slots=True)
class GitClone:
    """In `folder`, whose tracked files are the clone's alone: a person's changes of them are overwritten."""

    folder: Path
    note: Followed
    _lock: int | None = None
    """Held for as long as this process, or a git that it started, goes on."""

    @classmethod
    def opened(cls, folder: Path, url: str, ref: str) -> GitClone:
        """There already, or begun. Raises GitTrouble where something else is in the folder."""
        if url.startswith("-") or ref.startswith("-") or not url.strip() or not ref.strip():
            raise GitTrouble(f"{url} {ref}: no address and name of a ref", "name a repository and a branch")
        note = Followed.read(folder)
        if note is not None:
            if note.url != url:
                raise GitTrouble(f"{folder} follows {note.url}", "name another folder: --into")
            found = cls(folder, replace(note, ref=ref))
            found._alone()
            return found
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise GitTrouble(
                f"{folder} exists, and is no clone that `watch --git` made",
                "name another folder: --into; its files would be overwritten",
            )
        folder.mkdir(parents=True, exist_ok=True)
        found = cls(folder, Followed(url, ref))
        (folder / ".git").mkdir()
        found._alone()
        found._git("init", "--quiet")
        found._git("remote", "add", "origin", url)
        found._keep(found.note)
        return found

    def _alone(self) -> None:
        """Raises GitTrouble where another process follows the repository in this folder."""
        place = self.folder / ".git" / "rasreconcile.lock"
        self._lock = os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        if not try_lock(self._lock):
            raise GitTrouble(
                f"{self.folder} is followed by another `watch --git`", "end that one, or name another --into"
            )
        # Of a git that was killed: whoever else might hold it would hold the lock above.
        (self.folder / ".git" / "index.lock").unlink(missing_ok=True)
        (self.folder / ".git" / "shallow.lock").unlink(missing_ok=True)

    def fetch(self) -> str:
        """The commit that the ref is at now, which is in the clone from then on. Raises GitTrouble."""
        self._git(
            "fetch", "--quiet", "--force", "--no-tags", "--depth=1", "--no-recurse-submodules",
            "origin", self.note.ref,
        )  # fmt: skip
        commit = self._git("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
        if not _COMMIT.fullmatch(commit):
            raise GitTrouble(f"git named {printable(commit)[:80]} as a commit", "is it git that is called?")
        if commit != self.note.wanted:
            self._keep(replace(self.note, wanted=commit, refused=""))
        return commit

    def take(self, commit: str) -> None:
        """The tracked files become those of the commit; results and store, which are not tracked, stay.

        Raises GitTrouble.
        """
        # Noted first: a checkout that was cut off is done again.
        self._keep(replace(self.note, taken=commit))
        self._git("checkout", "--quiet", "--force", "--detach", commit)
        self._fetch_large_files()

    def refuse(self, why: str, good: str) -> None:
        """The wanted commit is not taken, and `good` (empty: none) is what stays."""
        self._keep(replace(self.note, refused=why, good=good))

    def trust(self, commit: str) -> None:
        """It is the one to go back to."""
        self._keep(replace(self.note, refused="", good=commit))

    def verify(self, commit: str) -> None:
        """Raises GitTrouble where it bears no signature that the user's git trusts."""
        self._git(
            "verify-commit", commit, remedy="sign it, or trust its key: `git verify-commit` must accept it"
        )

    def subject(self, commit: str) -> str:
        """The first line of its message, as it may be shown."""
        return printable(self._git("log", "-1", "--format=%s", commit).strip())[:120]

    def _fetch_large_files(self) -> None:
        """Git LFS: what stands for a large file is replaced by it. Raises GitTrouble where git-lfs is not installed."""
        names = self._git("ls-files", "-z")
        said = self._git("check-attr", "-z", "--stdin", "filter", given=names).split("\0")
        large = [
            name for name, _, kind in zip(said[::3], said[1::3], said[2::3], strict=False) if kind == "lfs"
        ]
        if not large:
            return
        remedy = "install git-lfs for the user who runs this"
        self._git("lfs", "version", remedy=remedy, what=f"{large[0]} is kept by Git LFS")
        self._git("lfs", "install", "--local", "--skip-smudge", "--skip-repo", remedy=remedy)
        self._git("lfs", "pull", "origin", remedy="look at `git lfs pull` in that folder")

    def _keep(self, note: Followed) -> None:
        self.note = note
        path = self.folder / ".git" / NOTE
        temporary = path.with_name(f"{NOTE}.new")
        temporary.write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)

    def _inherited(self) -> tuple[int, ...]:
        """Whoever gets the lock knows that no git of ours goes on; Windows inherits no descriptors so."""
        if self._lock is None or sys.platform == "win32":
            return ()
        return (self._lock,)

    def _git(self, *words: str, given: str | None = None, remedy: str = "", what: str = "") -> str:
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        command = ["git", *settings, "-C", os.fspath(self.folder), *words]
        try:
            done = subprocess.run(
                command,
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=_environment(),
                timeout=LONGEST,
                check=False,
                pass_fds=self._inherited(),
            )
        except FileNotFoundError as error:
            raise GitTrouble("git is not there", "install git") from error
        except subprocess.TimeoutExpired as error:
            raise GitTrouble(f"git {words[0]} took longer than {LONGEST:.0f} s", "try it by hand") from error
        if done.returncode != 0:
            raise GitTrouble(
                f"{what or f'git {words[0]}'}: {_said(done.stderr, done.returncode)}", remedy or _ADVICE
            )
        return done.stdout


_ADVICE = "try it by hand as the user who runs this"


def _environment() -> dict[str, str]:
    """Nobody is there to be asked for a password."""
    # Of a hook or an alias that started this: they name another repository.
    inherited = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    ssh = {} if "GIT_SSH_COMMAND" in inherited else {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    return {**inherited, **ssh, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


_ELSEWHERE = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}
)


def _said(stderr: str, code: int) -> str:
    lines: Sequence[str] = [line for line in printable(stderr).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or [f"exit code {code}"])[0].strip()[:300]
