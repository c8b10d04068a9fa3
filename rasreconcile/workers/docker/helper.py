"""A helper container: the run's own image, by which a worker looks at files that only the daemon can see."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.failures import says_no_room
from rasreconcile.workers.docker.container import Container, End, Image, Mounted, Ran
from rasreconcile.workers.docker.daemon import Daemon, Gone
from rasreconcile.workers.docker.error_messages import other_processor, reason_of
from rasreconcile.workers.paths_there import LOOK, those_there
from rasreconcile.workers.printed import quoted

HELPER_LABEL = "rasreconcile.helper"
_QUICK = 30.0
_DEATH = 3.0
"""Seconds within which one that cannot live has ended."""
_REBUILD = "use an image for that machine (`docker build --platform`), or let the machine emulate the image's"
_LIFE = """\
n=0
while [ "$n" -lt 20 ]; do
    sleep 30
    n=$((n + 1))
    if [ -e "$TMPDIR/used" ]; then
        rm -f "$TMPDIR/used"
        n=0
    fi
done"""
"""Ten minutes after it was last used it goes by itself: whoever made it may have been killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperKind:
    """What a helper is made of."""

    worker: str
    image: str
    found: Image
    """What its name meant when it was looked up."""
    user: str
    mount: Mounted


def remove_unborn(daemon: Daemon, worker: str, before: float) -> None:
    """Removes the worker's helpers that were made before this moment (seconds since the epoch) and never started.

    One that was started goes by itself; these would stay for ever.
    """
    for name, seen in daemon.containers(f"{HELPER_LABEL}={worker}").items():
        if seen.state == "created" and seen.made < before:
            daemon.remove(name)


_NEVER_BEGAN = frozenset({126, 127})
"""Exit codes by which a daemon tells that a program could not be started in a container."""


class Helper:
    """Made when it is first needed, and again where it went. Any number of threads."""

    def __init__(self, daemon: Daemon, kind: HelperKind) -> None:
        self._daemon = daemon
        self.kind = kind
        self._lock = threading.Lock()
        self._name: str | None = None

    def run(
        self, script: str, *words: str, env: Mapping[str, str] | None = None, seconds: float = _QUICK
    ) -> Ran:
        """Runs a shell script with arguments."""
        command = ("sh", "-c", f'umask 077\n: >"$TMPDIR/used"\n{script}', "sh", *words)
        name = self._made()
        try:
            return self._ran(name, command, env or {}, seconds)
        except Gone:
            self._forget(name)
        name = self._made()
        try:
            return self._ran(name, command, env or {}, seconds)
        except Gone as error:
            self._forget(name)
            raise self._why_it_died(error) from error

    def _ran(self, name: str, command: Sequence[str], env: Mapping[str, str], seconds: float) -> Ran:
        """Raises Gone also where the daemon began it in a container that was about to end."""
        ran = self._daemon.run(name, command, env, seconds=seconds)
        if ran.exit_code in _NEVER_BEGAN and not ran.err and self._ends(name):
            raise Gone(f"{self._daemon.address}: {name} has ended", "it will be retried")
        return ran

    def do(
        self, script: str, *words: str, env: Mapping[str, str] | None = None, seconds: float = _QUICK
    ) -> str:
        """The same, for what must go well; what it printed. Raises Refused where the disk is full, else Unreachable."""
        ran = self.run(script, *words, env=env, seconds=seconds)
        if ran.exit_code == 0:
            return ran.out.decode(errors="replace")
        said = quoted(ran.err.strip().replace(b"\n", b"; ")) or f"exit code {ran.exit_code}"
        if says_no_room(said):
            raise Refused(
                f"{self._daemon.address}: {said}", "free some space where the daemon keeps its volumes"
            )
        raise Unreachable(f"{self._daemon.address}: {said}", "it will be retried")

    def find(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` that are in the image."""
        if not paths:
            return ()
        return those_there(paths, self.do(LOOK, *paths))

    def put(self, folder: str, archive: Iterable[bytes]) -> None:
        """Unpacks an archive. Raises Gone where the helper went away: what was unpacked may then be there or not."""
        name = self._made()
        try:
            self._daemon.put(name, folder, archive)
        except Unreachable as error:
            # A container that ends meanwhile is a folder that is not there, to some daemons.
            if not isinstance(error, Gone) and not self._ends(name):
                raise
            self._forget(name)
            raise self._why_it_died(Gone(error.trouble)) from error

    def get(self, path: str) -> Iterator[bytes]:
        """A file as an archive, in pieces."""
        return self._daemon.get(self._made(), path)

    def close(self) -> None:
        """Removes it. A daemon that does not answer is no reason to complain: the helper goes by itself."""
        with self._lock:
            name, self._name = self._name, None
        if name is not None:
            with suppress(Unreachable, Refused):
                self._daemon.remove(name)

    def _made(self) -> str:
        with self._lock:
            if self._name is None:
                self._name = self._begun("goes when it ends")
            return self._name

    def _begun(self, ends: Literal["goes when it ends", "is asked why it ended"]) -> str:
        name = f"rasreconcile-helper-{secrets.token_hex(6)}"
        self._daemon.create(
            Container(
                name=name,
                image=self.kind.found.digest,
                command=("sh", "-c", _LIFE),
                user=self.kind.user,
                mount=self.kind.mount,
                labels={HELPER_LABEL: self.kind.worker},
                ends=ends,
            )
        )
        try:
            self._daemon.start(name)
        except BaseException:
            with suppress(Unreachable, Refused):
                self._daemon.remove(name)
            raise
        return name

    def _why_it_died(self, gone: Gone) -> Unreachable | Refused:
        """What one more says before it ends: the last words of one that died went with it."""
        name = self._begun("is asked why it ended")
        try:
            end, until = self._daemon.end_of(name), time.monotonic() + _DEATH
            while end is not None and end.state == "running" and time.monotonic() < until:
                time.sleep(0.1)
                end = self._daemon.end_of(name)
            if end is None or end.state == "running":
                return gone
            return self._told(end, " ".join(self._daemon.last_words(name).split()))
        finally:
            self._daemon.remove(name)

    def _ends(self, name: str) -> bool:
        """Whether it is about to end, or has: one whose first program cannot live fails others first."""
        until = time.monotonic() + _DEATH
        while True:
            seen = self._daemon.container(name)
            if seen is None or not seen.goes_on:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.1)

    def _told(self, end: End, words: str) -> Refused:
        where, image = self._daemon.address, self.kind.image
        known = reason_of(words)
        if other_processor(words):
            machine = self._daemon.about().architecture
            of = f"is for {self.kind.found.architecture or 'another kind of processor'}"
            return Refused(
                f"{where}: the image {image} {of}, and the daemon's machine is {machine}", _REBUILD
            )
        if known is not None:
            return Refused(f"{where}: {image}: {known.what}", known.remedy)
        said = f", saying: {quoted(words.encode())}" if words else " without a word"
        how = "for lack of memory" if end.out_of_memory else f"with exit code {end.exit_code}"
        what = f"{where}: a container of {image} that only waits ended {how}{said}"
        return Refused(what, f"try `docker run --rm --entrypoint sh {image} -c 'sleep 1'` there")

    def _forget(self, name: str) -> None:
        with self._lock:
            if self._name == name:
                self._name = None
        with suppress(Unreachable, Refused):
            self._daemon.remove(name)
