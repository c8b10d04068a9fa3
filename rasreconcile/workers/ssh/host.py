"""An SSH host: run directories at the end of a wire."""

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
from rasreconcile.workers.cache_gc import batched, held, needless, trimmed
from rasreconcile.workers.host import LEAST_FREE
from rasreconcile.workers.inspect import parse_looks
from rasreconcile.workers.openssh.connection import Connections, RemoteCommand
from rasreconcile.workers.openssh.login import Login
from rasreconcile.workers.retry import patiently
from rasreconcile.workers.rundir import RunFiles
from rasreconcile.workers.ssh.download import Download
from rasreconcile.workers.ssh.host_commands import MARK, HostCommands
from rasreconcile.workers.ssh.upload import Upload

T = TypeVar("T")

LARGEST_CLOCK_DIFFERENCE = timedelta(minutes=2)
_CLEANING_SECONDS = 600.0
_NO_ROOM = ("No space left on device", "Disk quota exceeded")
_NO_RIGHT = ("Permission denied", "Read-only file system", "Operation not permitted", "Not a directory")


class SshHost:
    """Implements `Host`. Any number of threads may use it: each has a connection of its own."""

    def __init__(self, name: str, login: Callable[[], Login], folder: str, commands: HostCommands) -> None:
        self._name = name
        self._folder = folder
        self._commands = commands
        self._connections = Connections(login)
        self._arrivals = Upload(self._dialogue)

    @property
    def platform(self) -> Literal["posix", "windows"]:
        return self._commands.platform

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        if not runs:
            return {}
        return parse_looks(self._verb("look", *runs).decode(errors="replace"), runs)

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
        return held(self._listed()).runs

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        found = held(self._listed())
        gone = needless(found.cached, now=found.now, unused_for=unused_for, at_most=at_most)
        if how == "remove":
            for names in batched([one.name for one in gone]):
                self._verb("drop", *names, patience=_CLEANING_SECONDS)
        return trimmed(gone)

    def problems(self) -> list[Problem]:
        before = time.time()
        told = self._verb("problems", secrets.token_hex(4)).decode(errors="replace")
        return [
            problem
            for line in told.splitlines()
            if (problem := _problem(line, self._folder, (before + time.time()) / 2)) is not None
        ] + self._commands.problems(told.splitlines())

    def close(self) -> None:
        self._connections.close()

    # ---- asking

    def _listed(self) -> str:
        return self._verb("list", patience=_CLEANING_SECONDS).decode(errors="replace")

    def _verb(self, verb: str, *words: str, patience: float = 0.0) -> bytes:
        def once() -> bytes:
            connection = self._connections.mine()
            self._commands.make_ready(connection)
            command, text = self._commands.question(verb, words)
            with connection.talk(command) as talk:
                if patience:
                    talk.wait(patience)
                talk.send(text)
                talk.end_sending()
                answer = talk.rest()
                self._see_the_end(talk)
                return _after_mark(answer)

        return self._patiently(once)

    @contextmanager
    def _dialogue(self, verb: str, *words: str) -> Iterator[RemoteCommand]:
        """A verb that takes or gives bytes. Its script goes ahead of them, by the same way."""
        connection = self._connections.mine()
        self._commands.make_ready(connection)
        command, text = self._commands.dialogue(verb, words)
        with connection.talk(command) as talk:
            talk.send(text)
            while (line := talk.line()) != MARK:
                if line is None:
                    self._see_the_end(talk)
                    raise Unreachable(f"{self._name}: it gave no answer; it is asked again")
            try:
                yield talk
            except Unreachable:
                # A command that gave up takes no more bytes: its own words say why.
                if talk.has_exited():
                    self._see_the_end(talk)
                raise
            self._see_the_end(talk)

    def _see_the_end(self, talk: RemoteCommand) -> None:
        """Raises what the host's own words come to, where the command failed."""
        if talk.exit_status() == 0:
            return
        said = talk.stderr().strip()
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
                self._commands.invalidate()
                raise

        return patiently(once)


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
