"""An SSH host: run directories at the end of a wire."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from rasreconcile.errors import Damaged, Refused, Trouble, Unreachable
from rasreconcile.failures import says_no_room
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.printable import printable
from rasreconcile.workers.cache_gc import batched, held, needless, trimmed
from rasreconcile.workers.host import ASK_SECONDS, LEAST_FREE
from rasreconcile.workers.inspect import parse_looks
from rasreconcile.workers.listing import LARGEST_LISTING, parse_listing
from rasreconcile.workers.long_answers import looked_at
from rasreconcile.workers.openssh.admission import LOGIN_SECONDS
from rasreconcile.workers.openssh.connection import (
    CHATTER,
    LARGEST_ANSWER,
    Connections,
    RemoteCommand,
)
from rasreconcile.workers.openssh.login import Login
from rasreconcile.workers.printed import quoted
from rasreconcile.workers.retry import patiently
from rasreconcile.workers.run_files import RunFiles
from rasreconcile.workers.ssh.download import Download
from rasreconcile.workers.ssh.host_commands import MARK, HostCommands
from rasreconcile.workers.ssh.upload import SshConduit
from rasreconcile.workers.upload import Upload

T = TypeVar("T")

LARGEST_CLOCK_DIFFERENCE = timedelta(minutes=2)
_CLEANING_SECONDS = 600.0
_KILLED = frozenset({128 + 9, 128 + 15})
_LARGEST_LIST = 64 << 20
"""Bytes in which a host tells of every file of its cache."""
_LONGEST_WORD = 300
"""Characters of what a host says that are told to the user."""
_MOST_PROBLEMS = 100
_DAMAGED = 65
"""Exit status of host.sh: a run directory holds what no run leaves there."""
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?", re.ASCII)
_NO_RIGHT = ("Permission denied", "Read-only file system", "Operation not permitted", "Not a directory")


class SshHost:
    """Implements `Host`. Any number of threads may use it: each has a connection of its own."""

    def __init__(self, name: str, login: Callable[[], Login], folder: str, commands: HostCommands) -> None:
        self._name = name
        self._folder = folder
        self._commands = commands
        self._connections = Connections(login)
        self._arrivals = Upload(SshConduit(self._dialogue))

    @property
    def platform(self) -> Literal["posix", "windows"]:
        return self._commands.platform

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        if not runs:
            return {}
        return looked_at(lambda some: parse_looks(_text(self._verb("look", *some)), some), runs)

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
        # A host may say more than it was asked for.
        return self._verb("part_of", run, name, str(offset), str(limit))[:limit]

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        return parse_listing(self._verb("files", run, patience=_CLEANING_SECONDS, limit=LARGEST_LISTING))

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        if not paths:
            return ()
        there = set(self._verb("found", *paths).decode(errors="replace").splitlines())
        return tuple(path for path in paths if path in there)

    def ask(self, script: str, words: Sequence[str]) -> str:
        return self._verb("ask", script, *words, patience=ASK_SECONDS).decode(errors="replace")

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

    def problems(self) -> list[Trouble]:
        before = time.time()
        told = self._verb("problems", secrets.token_hex(4)).decode(errors="replace")
        found = problems_of(told, self._folder, (before + time.time()) / 2)
        return found + self._commands.problems(told.splitlines())

    def close(self) -> None:
        self._connections.close()

    # ---- asking

    def _listed(self) -> str:
        return self._verb("list", patience=_CLEANING_SECONDS, limit=_LARGEST_LIST).decode(errors="replace")

    def _verb(self, verb: str, *words: str, patience: float = 0.0, limit: int = LARGEST_ANSWER) -> bytes:
        def once() -> bytes:
            connection = self._connections.mine()
            self._commands.make_ready(connection)
            command, text = self._commands.question(verb, words)
            with connection.talk(command) as talk:
                self._send(talk, text)
                talk.end_sending()
                self._reach_the_answer(talk)
                talk.wait(patience)
                answer = talk.rest(limit)
                self._see_the_end(talk)
                return answer

        return self._patiently(once)

    @contextmanager
    def _dialogue(self, verb: str, *words: str) -> Iterator[RemoteCommand]:
        """A verb that takes or gives bytes. Its script goes ahead of them, by the same way."""
        connection = self._connections.mine()
        self._commands.make_ready(connection)
        command, text = self._commands.dialogue(verb, words)
        with connection.talk(command) as talk:
            self._send(talk, text)
            self._reach_the_answer(talk)
            talk.wait()
            try:
                yield talk
            except Unreachable:
                # A command that gave up takes no more bytes: its own words say why.
                if talk.has_exited():
                    self._see_the_end(talk)
                raise
            self._see_the_end(talk)

    def _send(self, talk: RemoteCommand, text: bytes) -> None:
        """A command that ends before it takes its text is no cut link: its own words say why."""
        talk.wait(LOGIN_SECONDS)
        try:
            talk.send(text)
        except Unreachable:
            if not talk.has_exited():
                raise

    def _reach_the_answer(self, talk: RemoteCommand) -> None:
        """Behind the mark. Raises Refused with what was printed where there is none: no command runs there."""
        said = talk.skip_past(f"{MARK}\n".encode())
        if said is None:
            return
        words = quoted(said)
        if len(said) > CHATTER:
            raise Refused(
                f'{self._name}: its login script prints endlessly: "{words}"',
                "let it print only where there is a terminal (`[ -t 1 ]`)",
            )
        if (status := talk.exit_status()) in _KILLED:
            raise Unreachable(f"{self._name}: the shell was killed there", "it will be retried")
        words = quoted(said, talk.stderr()) or "nothing"
        if self._commands.platform == "windows":
            # Its program may be gone: it is put there again with the next try.
            raise Unreachable(
                f'{self._name}: no answer, it printed "{words}" (exit {status})', "it will be retried"
            )
        raise Refused(
            f'{self._name}: it runs no commands for this user: it printed "{words}" (exit {status})',
            "allow its user a shell there that runs `sh` (no ForceCommand, sftp only, nologin or "
            "restricted shell), and let login scripts neither exit nor read where there is no "
            "terminal",
        )

    def _see_the_end(self, talk: RemoteCommand) -> None:
        """Raises what the host's own words come to, where the command failed."""
        if talk.exit_status() == 0:
            return
        said = talk.stderr().decode(errors="replace").strip()
        last = quoted(said.splitlines()[-1].encode()) if said else "it did not say why"
        if talk.exit_status() == _DAMAGED and said:
            raise Damaged(f"{self._name}: {last}")
        if says_no_room(said):
            raise Refused(f"{self._name}: {last}", "free some space for worker_folder")
        if any(words in said for words in _NO_RIGHT):
            raise Refused(f"{self._name}: {last}", "set worker_folder to a folder its user may write to")
        raise Unreachable(f"{self._name}: {last}", "it will be retried")

    def _patiently(self, call: Callable[[], T]) -> T:
        def once() -> T:
            try:
                return call()
            except Unreachable:
                self._connections.drop_mine()
                self._commands.invalidate()
                raise

        return patiently(once)


def _text(said: bytes) -> str:
    return said.decode(errors="replace")


def problems_of(told: str, folder: str, now: float) -> list[Trouble]:
    """What a host says that stops runs there; `now` in seconds since the epoch."""
    found = (
        _problem(printable(line)[:_LONGEST_WORD], folder, now) for line in told.splitlines()[:_MOST_PROBLEMS]
    )
    return [problem for problem in found if problem is not None]


def _problem(line: str, folder: str, now: float) -> Trouble | None:
    word, _, rest = line.partition(" ")
    match word:
        case "lacks":
            return Trouble(f"`{rest}` is not there", f"install the package that has `{rest}` on the host")
        case "folder":
            return Trouble(f"{folder}: {rest}", "set worker_folder to a folder that can be written there")
        case "links":
            return Trouble(
                f"{folder}: it does not support hard links", "set worker_folder to a folder on another disk"
            )
        case "clock" if not _SECONDS.fullmatch(rest):
            remedy = "see what `date -u +%s` prints there"
            return Trouble(f"it reports the time as `{rest}`, which is not a number", remedy)
        case "clock" if abs(float(rest) - now) > LARGEST_CLOCK_DIFFERENCE.total_seconds():
            return Trouble(
                f"its clock is {float(rest) - now:+.0f} s off this one's", "synchronise both clocks by NTP"
            )
        case "free" if _NUMBER.fullmatch(rest) and int(rest) << 10 < LEAST_FREE:
            return Trouble(f"{folder}: only {int(rest) >> 10} MB are free", "free some space")
        case _:
            return None
