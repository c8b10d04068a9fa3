"""A helper container: the run's own image, by which a worker looks at files that only the daemon can see."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.failures import says_no_room
from rasreconcile.workers.docker.daemon import Container, Daemon, Gone, Mounted, Ran

HELPER_LABEL = "rasreconcile.helper"
_QUICK = 30.0
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
_FIND = """\
n=0
for path; do
    case $path in "~/"*) path=$HOME/${path#"~/"} ;; esac
    [ -e "$path" ] && echo "$n"
    n=$((n + 1))
done
true"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperKind:
    """What a helper is made of."""

    worker: str
    image: str
    digest: str
    """Of the image, as it was when its name was looked up."""
    user: str
    mount: Mounted


def remove_unborn(daemon: Daemon, worker: str, before: float) -> None:
    """Removes the worker's helpers that were made before this moment (seconds since the epoch) and never started.

    One that was started goes by itself; these would stay for ever.
    """
    for name, seen in daemon.containers(f"{HELPER_LABEL}={worker}").items():
        if seen.state == "created" and seen.made < before:
            daemon.remove(name)


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
        command = ("sh", "-c", f': >"$TMPDIR/used"\n{script}', "sh", *words)
        name = self._made()
        try:
            return self._daemon.run(name, command, env or {}, seconds=seconds)
        except Gone:
            self._forget(name)
            return self._daemon.run(self._made(), command, env or {}, seconds=seconds)

    def do(
        self, script: str, *words: str, env: Mapping[str, str] | None = None, seconds: float = _QUICK
    ) -> str:
        """The same, for what must go well; what it printed. Raises Refused where the disk is full, else Unreachable."""
        ran = self.run(script, *words, env=env, seconds=seconds)
        if ran.exit_code == 0:
            return ran.out.decode(errors="replace")
        said = (
            ran.err[-2000:].decode(errors="replace").strip().replace("\n", "; ")
            or f"exit code {ran.exit_code}"
        )
        if says_no_room(said):
            raise Refused(
                f"{self._daemon.address}: {said}", "free some space where the daemon keeps its volumes"
            )
        raise Unreachable(f"{self._daemon.address}: {said}", "it will be retried")

    def find(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` that are in the image."""
        if not paths:
            return ()
        said = set(self.do(_FIND, *paths).split())
        return tuple(path for n, path in enumerate(paths) if str(n) in said)

    def put(self, folder: str, archive: Iterable[bytes]) -> None:
        """Unpacks an archive. Raises Gone where the helper went away: what was unpacked may then be there or not."""
        name = self._made()
        try:
            self._daemon.put(name, folder, archive)
        except Gone:
            self._forget(name)
            raise

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
                name = f"rasreconcile-helper-{secrets.token_hex(6)}"
                self._daemon.create(
                    Container(
                        name=name,
                        image=self.kind.digest,
                        command=("sh", "-c", _LIFE),
                        user=self.kind.user,
                        mount=self.kind.mount,
                        labels={HELPER_LABEL: self.kind.worker},
                        ends="goes when it ends",
                    )
                )
                try:
                    self._daemon.start(name)
                except BaseException:
                    with suppress(Unreachable, Refused):
                        self._daemon.remove(name)
                    raise
                self._name = name
            return self._name

    def _forget(self, name: str) -> None:
        with self._lock:
            if self._name == name:
                self._name = None
        with suppress(Unreachable, Refused):
            self._daemon.remove(name)
