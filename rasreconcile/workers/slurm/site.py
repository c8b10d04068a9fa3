"""Where jobs are submitted: this machine, or the host of an ssh worker; and its folder that all nodes see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from rasreconcile.jobs import RunId
from rasreconcile.workers import rundir
from rasreconcile.workers.host import Host
from rasreconcile.workers.inspect import look_here, parse_looks
from rasreconcile.workers.run_files import RunFiles
from rasreconcile.workers.slurm.queue import COLUMNS
from rasreconcile.workers.slurm.scripts import script

Claims = Literal["alive", "dead"]
"""What is taken of a run that is claimed: which node's process that is cannot be seen from here."""


class Site(Protocol):
    """May be used by several threads. Raises Unreachable, Refused."""

    @property
    def host(self) -> Host:
        """All about run directories but the looking at them."""

    def look(self, runs: Collection[RunId], claims: Claims) -> Mapping[RunId, RunFiles | None]:
        """What lies in each run directory; None: there is none."""

    def look_and_queue(self, runs: Collection[RunId]) -> tuple[Mapping[RunId, RunFiles | None], str]:
        """The same with claims taken for alive, and after it what `queue` of slurm.sh prints, in one round trip."""

    def slurm(self, text: str, words: Sequence[str]) -> str:
        """What a script prints that knows `folder`, `columns` and the functions of slurm.sh, run with these words."""


class LocalSite:
    """This machine: run directories are looked at without a shell."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self._folder = folder

    def look(self, runs: Collection[RunId], claims: Claims) -> Mapping[RunId, RunFiles | None]:
        return look_here(self._folder, runs, lambda *_: claims == "alive")

    def look_and_queue(self, runs: Collection[RunId]) -> tuple[Mapping[RunId, RunFiles | None], str]:
        found = self.look(runs, "alive")
        # Nothing was ever prepared, and so nothing submitted.
        is_idle = all(files is None for files in found.values())
        return found, "queue whole" if is_idle else self.slurm("queue", ())

    def slurm(self, text: str, words: Sequence[str]) -> str:
        return self.host.ask(_with_slurm(text), [str(self._folder), *words])


class RemoteSite:
    """A host that is asked by scripts."""

    def __init__(self, host: Host, folder: str) -> None:
        self.host = host
        self._folder = folder

    def look(self, runs: Collection[RunId], claims: Claims) -> Mapping[RunId, RunFiles | None]:
        return parse_looks(self.slurm(_look(claims), tuple(runs)), runs) if runs else {}

    def look_and_queue(self, runs: Collection[RunId]) -> tuple[Mapping[RunId, RunFiles | None], str]:
        printed = self.slurm(f"{_look('alive')}\necho '{_QUEUE}'\nqueue", tuple(runs))
        files, _, queue = printed.partition(f"\n{_QUEUE}\n")
        return parse_looks(files, runs), queue

    def slurm(self, text: str, words: Sequence[str]) -> str:
        return self.host.ask(_with_slurm(text), [self._folder, *words])


_QUEUE = "@queue"
_NOBODY = """\
if [ ! -d "$folder" ]; then
    for run; do printf 'run %s\\n' "$run"; done
else
    (
        set -- "$folder" "$@"
"""


def _look(claims: Claims) -> str:
    running = '"$*"' if claims == "alive" else "''"
    return f"running={running}\n{_NOBODY}{rundir.script('inspect.sh')}\n    )\nfi"


def _with_slurm(text: str) -> str:
    return f"{script('slurm.sh')}\ncolumns='{COLUMNS}'\nat \"$1\"\nshift\n{text}\n"
