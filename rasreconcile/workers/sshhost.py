"""An SSH host: run directories at the end of a wire, with nothing but a POSIX shell there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Fetched, Problem, RunId, Staged, Trimmed
from rasreconcile.workers import rundir
from rasreconcile.workers.arrivals import Arrivals
from rasreconcile.workers.connection import Connections, Talk
from rasreconcile.workers.download import Download
from rasreconcile.workers.hosts import LEAST_FREE
from rasreconcile.workers.login import Login
from rasreconcile.workers.look import parse_looks
from rasreconcile.workers.patient import patiently
from rasreconcile.workers.rundir import Found
from rasreconcile.workers.trimming import batched, held, needless, trimmed

T = TypeVar("T")

MARK = "@rasreconcile"
"""The line after which the answer begins: what a login script prints before is none."""
LARGEST_CLOCK_DIFFERENCE = timedelta(minutes=2)
_CLEANING_SECONDS = 600.0
_NO_ROOM = ("No space left on device", "Disk quota exceeded")
_NO_RIGHT = ("Permission denied", "Read-only file system", "Operation not permitted", "Not a directory")


class SshHost:
    """Implements `hosts.Host`. Any number of threads may use it: each has a connection of its own."""

    def __init__(self, name: str, login: Callable[[], Login], folder: str) -> None:
        self._name = name
        self._folder = folder
        self._connections = Connections(login)
        self._arrivals = Arrivals(self._dialogue)

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, Found | None]:
        if not runs:
            return {}
        text = (
            f"echo {MARK}\nset -- {folder_word(self._folder)} {' '.join(runs)}\n"
            'if [ ! -e "$1" ]; then shift; printf "run %s\\n" "$@"; exit 0; fi\n'
        )
        printed = self._ask(text + rundir.script("look.sh"))
        return parse_looks(printed.decode(errors="replace"), runs)

    def stage(self, inputs: Collection[Staged]) -> None:
        self._patiently(lambda: self._arrivals.bring(inputs))

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        self._patiently(lambda: self._arrivals.deliver(run, inputs, controls))

    def launch(self, run: RunId) -> None:
        self._verb("launch", run)

    def mark(self, run: RunId, name: str) -> None:
        self._verb("mark", run, name)

    def sweep(self, run: RunId) -> None:
        self._verb("sweep", run)

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        download = Download(run, name, into)
        return self._patiently(lambda: download.go_on(self._dialogue))

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        return self._verb("part_of", run, name, str(offset), str(limit))

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        if not paths:
            return ()
        there = set(self._verb("found", *paths).decode(errors="replace").splitlines())
        return tuple(path for path in paths if path in there)

    def remove(self, run: RunId) -> None:
        self._verb("remove", run, secrets.token_hex(4), patience=_CLEANING_SECONDS)

    def runs(self) -> Mapping[RunId, datetime]:
        return held(self._upkeep("list")).runs

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        found = held(self._upkeep("list"))
        gone = needless(found.cached, now=found.now, unused_for=unused_for, at_most=at_most)
        if how == "remove":
            for names in batched([one.name for one in gone]):
                self._upkeep("drop", *names)
        return trimmed(gone)

    def problems(self) -> list[Problem]:
        before = time.time()
        told = self._verb("problems", secrets.token_hex(4)).decode(errors="replace")
        return [
            problem
            for line in told.splitlines()
            if (problem := _problem(line, self._folder, (before + time.time()) / 2)) is not None
        ]

    def close(self) -> None:
        self._connections.close()

    # ---- asking

    def _upkeep(self, verb: str, *names: str) -> str:
        words = " ".join(rundir.quoted(word) for word in (verb, *names))
        script = f"echo {MARK}\nset -- {folder_word(self._folder)} {words}\n{rundir.script('upkeep.sh')}"
        return self._ask(script, _CLEANING_SECONDS).decode(errors="replace")

    def _verb(self, verb: str, *words: str, patience: float = 0.0) -> bytes:
        return self._ask(self._script(verb, *words), patience)

    def _script(self, verb: str, *words: str) -> str:
        spoken = " ".join(rundir.quoted(word) for word in words)
        call = f"host {verb} {folder_word(self._folder)} {spoken}"
        return f"{rundir.script('host.sh')}\n{call}\n"

    def _ask(self, script: str, patience: float = 0.0) -> bytes:
        # In braces, so that a script that was cut short does nothing; and nobody in it reads what is left of it.
        whole = f"{{\n{script}\nexit\n}} </dev/null\n"

        def once() -> bytes:
            with self._connections.mine().talk("exec sh") as talk:
                if patience:
                    talk.wait(patience)
                talk.send(_bytes(whole))
                talk.end_sending()
                answer = talk.rest()
                self._see_the_end(talk)
                return _after_mark(answer)

        return self._patiently(once)

    @contextmanager
    def _dialogue(self, verb: str, *words: str) -> Iterator[Talk]:
        """A verb that takes or gives bytes. Its script goes ahead of them, by the same way."""
        script = _bytes(self._script(verb, *words))
        # Read byte by byte: a shell that reads its own script from a pipe would take some of the bytes behind it.
        eat = f"""exec sh -c 'eval "$(dd bs=1 count={len(script)} 2>/dev/null)"'"""
        with self._connections.mine().talk(eat) as talk:
            talk.send(script)
            while (line := talk.line()) != MARK:
                if line is None:
                    self._see_the_end(talk)
                    raise Unreachable(f"{self._name}: it gave no answer; it is asked again")
            try:
                yield talk
            except Unreachable:
                # A command that gave up takes no more bytes: its own words say why.
                if talk.is_over():
                    self._see_the_end(talk)
                raise
            self._see_the_end(talk)

    def _see_the_end(self, talk: Talk) -> None:
        """Raises what the host's own words come to, where the command failed."""
        if talk.exit_status() == 0:
            return
        said = talk.complaints().strip()
        last = said.splitlines()[-1] if said else "it did not say why"
        if any(words in said for words in _NO_ROOM):
            raise Refused(f"{self._name}: {last}; free some room for worker_folder")
        if any(words in said for words in _NO_RIGHT):
            raise Refused(f"{self._name}: {last}; set worker_folder to a folder its user may write to")
        raise Unreachable(f"{self._name}: {last}; it is tried again")

    def _patiently(self, call: Callable[[], T]) -> T:
        def once() -> T:
            try:
                return call()
            except Unreachable:
                self._connections.drop_mine()
                raise

        return patiently(once)


def folder_word(folder: str) -> str:
    """The worker's folder as a shell reads it. `~` is the home there; so is a path without a slash in front."""
    if folder == "~":
        return '"$HOME"'
    if folder.startswith("~/"):
        return f'"$HOME"/{rundir.quoted(folder[2:])}'
    return rundir.quoted(folder) if folder.startswith("/") else f'"$HOME"/{rundir.quoted(folder)}'


def _bytes(script: str) -> bytes:
    return script.encode("utf-8", "surrogateescape")


def _after_mark(answer: bytes) -> bytes:
    _, _, rest = (b"\n" + answer).partition(f"\n{MARK}\n".encode())
    return rest


def _problem(line: str, folder: str, now: float) -> Problem | None:
    word, _, rest = line.partition(" ")
    match word:
        case "lacks":
            return Problem(f"`{rest}` is not there", f"install the package that has `{rest}` on the host")
        case "folder":
            return Problem(f"{folder}: {rest}", "set worker_folder to a folder that can be written there")
        case "links":
            return Problem(
                f"{folder}: it takes no hard links", "set worker_folder to a folder on another disk"
            )
        case "clock" if abs(float(rest) - now) > LARGEST_CLOCK_DIFFERENCE.total_seconds():
            return Problem(f"its clock is {float(rest) - now:+.0f} s off this one's", "set both by NTP")
        case "free" if rest.isdigit() and int(rest) << 10 < LEAST_FREE:
            return Problem(f"{folder}: only {int(rest) >> 10} MB are free", "free some room")
        case _:
            return None
