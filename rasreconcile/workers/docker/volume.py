"""Run directories in a volume of the daemon, reached through its API: inputs travel once, outputs come as archives."""

from __future__ import annotations

import errno
import hashlib
import secrets
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from rasreconcile.errors import Damaged, Unreachable
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.cache_gc import batched, held, needless, trimmed
from rasreconcile.workers.docker.archives import Sent, Text, folder_entry, pack, unpack_one
from rasreconcile.workers.docker.container import Mounted
from rasreconcile.workers.docker.helper import Helper
from rasreconcile.workers.docker.run_storage import FIXED_ID, INSIDE
from rasreconcile.workers.docker.scripts import script
from rasreconcile.workers.inspect import parse_looks
from rasreconcile.workers.listing import parse_listing
from rasreconcile.workers.long_answers import looked_at
from rasreconcile.workers.run_files import RunFiles

_RUNS = "runs"
_FOLDER = f"{INSIDE}/{_RUNS}"
_SLOWEST = 10 << 20
"""Bytes a second at which a digest is taken at the least."""
_DAMAGED = 65
"""Exit code: there is something, and no plain file."""
_READ = f"""\
[ -e "$1" ] || [ -L "$1" ] || exit 0
if [ -L "$1" ] || [ ! -f "$1" ] || [ ! -r "$1" ]; then exit {_DAMAGED}; fi
case $(cd -P -- "${{1%/*}}" && pwd -P)/ in "$4"/*) ;; *) exit {_DAMAGED} ;; esac
tail -c "+$2" "$1" 2>/dev/null | head -c "$3\""""
_MARK = """\
[ -d "$1" ] && [ ! -L "$1" ] || exit 0
if [ -L "$1/$2" ] || { [ -e "$1/$2" ] && [ ! -f "$1/$2" ]; }; then rm -rf "$1/$2"; fi
: >>"$1/$2\""""
_REMOVE = """\
cd "$1" || exit 1
if [ -e "$2" ] || [ -L "$2" ]; then mv "$2" ".$2.$3.gone"; fi
chmod -R u+rwX ".$2".*.gone 2>/dev/null
rm -rf ".$2".*.gone ".$2".*.new"""


class VolumeStorage:
    """Implements `RunStorage`."""

    def __init__(self, behind: str, helper: Helper) -> None:
        """`behind`: the volume's folder, as the daemon calls it."""
        self._behind = behind
        self.helper = helper
        self.user = helper.kind.user

    def make(self) -> None:
        """The folder of runs, which belongs to the user of the containers; the volume itself is root's."""
        self.helper.put(INSIDE, [folder_entry(_RUNS, owner=FIXED_ID)])

    def mount(self, run: RunId) -> Mounted:
        return Mounted("bind", f"{self._behind}/{_RUNS}/{run}", INSIDE)

    def look(self, runs: Collection[RunId], running: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        if not runs:
            return {}
        env = {"running": " ".join(running)}

        def look(some: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
            return parse_looks(self.helper.do(rundir.script("inspect.sh"), _FOLDER, *some, env=env), some)

        return looked_at(look, runs)

    def stage(self, inputs: Collection[Staged]) -> None:
        shared = [staged for staged in inputs if staged.writable == "read only"]
        if shared:
            # No run is called so: `begin` finds nothing that is whole.
            self._receive(RunId("-"), shared, {}, "keep")

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        self._receive(run, inputs, controls, "end")

    def _receive(
        self,
        run: RunId,
        inputs: Collection[Staged],
        controls: Mapping[str, bytes],
        last: Literal["keep", "end"],
    ) -> None:
        aside = f".{run}.{secrets.token_hex(4)}.new"
        words = (_FOLDER, aside, run)
        shared = {staged.digest: staged for staged in inputs if staged.writable == "read only"}
        asked = [word for staged in shared.values() for word in (str(staged.size), staged.digest)]
        said = self.helper.do(script("receive.sh"), *words, "begin", *asked).splitlines()
        if "whole" in said:
            return
        wanted = (line.removeprefix("missing ") for line in said if line.startswith("missing "))
        # Each once, and nothing that was not offered.
        missing = [shared[digest] for digest in dict.fromkeys(wanted) if digest in shared]
        try:
            self.helper.put(_FOLDER, pack(_parts(aside, inputs, missing, controls), owner=FIXED_ID))
            sent = sum(s.size for s in (*missing, *inputs) if s in missing or s.writable == "own copy")
            self.helper.do(script("receive.sh"), *words, last, seconds=60 + sent / _SLOWEST)
        except Unreachable:
            whole = "whole" in self.helper.do(script("receive.sh"), *words, "begin").splitlines()
            self._drop(aside)
            if not whole:
                raise
            # Another starter was quicker, and has cleared away what it took for the rest of one that died.
        except BaseException:
            self._drop(aside)
            raise

    def mark(self, run: RunId, name: str) -> None:
        self.helper.do(_MARK, f"{_FOLDER}/{run}", name)

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        place = f"{_FOLDER}/{run}"
        done = self.read(run, rundir.DONE, 0, controls.LARGEST + 1).decode(errors="replace")
        ended = run_files.ended_of(done) if done else None
        record = ended.outputs.get(name) if ended else None
        if record is None:
            raise FileNotFoundError(errno.ENOENT, f"{run} has no output of this name", name)
        return unpack_one(self.helper.get(f"{place}/{rundir.WORK}/{name}"), name, record.size, into)

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        place = f"{_FOLDER}/{run}"
        ran = self.helper.run(_READ, f"{place}/{name}", str(offset + 1), str(limit), place)
        if ran.exit_code == _DAMAGED:
            raise Damaged(f"{run}: {name} is not a plain file in the run directory that can be read")
        return ran.out[:limit]

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        said = self.helper.do(rundir.script("files.sh"), _FOLDER, run, seconds=600)
        return parse_listing(said.encode("utf-8", "surrogateescape"))

    def remove(self, run: RunId) -> None:
        self.helper.do(_REMOVE, _FOLDER, run, secrets.token_hex(4))

    def runs(self) -> Mapping[RunId, datetime]:
        return held(self._upkeep("list")).runs

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        found = held(self._upkeep("list"))
        gone = needless(found.cached, now=found.now, unused_for=unused_for, at_most=at_most)
        if how == "remove":
            for names in batched([one.name for one in gone]):
                self._upkeep("drop", *names)
        return trimmed(gone)

    def _upkeep(self, verb: str, *names: str) -> str:
        return self.helper.do(rundir.script("upkeep.sh"), _FOLDER, verb, *names, seconds=600)

    def _drop(self, aside: str) -> None:
        """What was sent of a run that is not to be; where it cannot be asked for, `remove` of the run takes it."""
        try:
            self.helper.do('rm -rf "$1"', f"{_FOLDER}/{aside}")
        except Unreachable:
            return


def _parts(
    aside: str, inputs: Collection[Staged], missing: Collection[Staged], controls: Mapping[str, bytes]
) -> Iterator[Text | Sent]:
    """All that is sent for a run, and by what it is proven there."""
    sums: list[str] = []
    links: list[str] = []
    for control, data in controls.items():
        name = f"{aside}/{control}"
        sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        yield Text(name, data)
    for staged in missing:
        name = f"{aside}/new/{staged.digest}"
        sums.append(f"{staged.digest}  {name}\n")
        yield Sent(name, staged)
    for staged in inputs:
        name = f"{aside}/{rundir.WORK}/{staged.name}"
        if staged.writable == "own copy":
            sums.append(f"{staged.digest}  {name}\n")
            yield Sent(name, staged)
        else:
            links.append(f"{staged.digest} {staged.name}\n")
    yield Text(f"{aside}/sums", "".join(sums).encode("utf-8", "surrogateescape"))
    yield Text(f"{aside}/links", "".join(links).encode("utf-8", "surrogateescape"))
