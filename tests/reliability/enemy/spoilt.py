"""Spoilt run directories, looked at and removed by the real workers: on this machine, and by a host's own scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from rasreconcile.errors import WorkerError
from rasreconcile.jobs import Absent, Ended, RunId
from rasreconcile.operations.fetch import fetch_run
from rasreconcile.results.log import Reading
from rasreconcile.studies.messages import read_on
from rasreconcile.workers import detached, retry
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.host import Host
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.ssh.host_commands import PosixCommands
from tests.reliability.enemy.channels import shell, ssh_host
from tests.reliability.enemy.directories import OUTPUT, SECRET, World, spoil
from tests.reliability.enemy.meanwhile import at_work
from tests.reliability.enemy.parsers import is_status
from tests.reliability.enemy.trial import Attempt, Kind


@contextmanager
def _spoilt(folder: Path, host_of: Callable[[Path], Host], looks: int) -> Iterator[Attempt]:
    world = World(folder)
    # Nobody waits for minutes in a trial: what does not end in two seconds here never does.
    detached.END_SECONDS, retry.PATIENCE_SECONDS = 2.0, 0.0
    host: Any = host_of(world.runs)
    worker = DetachedWorker("desk", host)
    sweep = host.sweep
    counted = iter(range(1 << 60))

    def attempt(chance: Random) -> str:
        run = RunId(f"r-{next(counted)}")
        spoil(chance, world, world.runs / run)
        # Of a run directory a sweep knows the name only, and looks at every process of the machine.
        host.sweep = sweep if chance.random() < 0.05 else lambda _: None
        seen = "nothing"
        try:
            with at_work(chance, world, world.runs / run) as busy:
                seen = is_status(worker.poll([run])[run])
                for look in chance.sample(LOOKS, min(looks, len(LOOKS))):
                    _looked(partial(look, worker, run, world))
        finally:
            _removed(worker, run, world)
            world.untouched()
            world.clear_here()
        return seen if busy == "nothing" else f"{seen} and {busy}"

    yield attempt
    worker.close()


def _looked(look: Callable[[], None]) -> None:
    """A look that is refused is no reason not to take the others; its words are those of an error of ours."""
    try:
        look()
    except WorkerError as error:
        assert error.trouble.remedy, f"a message without a remedy: {error}"
        assert len(str(error)) < 1500


def _removed(worker: DetachedWorker, run: RunId, world: World) -> None:
    """As `cancel` and `gc` do."""
    assert run in worker.runs() or not (world.runs / run).is_dir() or (world.runs / run).is_symlink()
    try:
        worker.cancel(run)
        worker.discard(run)
    except WorkerError as error:
        raise AssertionError(f"it cannot be removed: {error}") from error
    left = [path.name for path in world.runs.iterdir() if run in path.name.split(".")]
    assert left == [], left
    assert worker.poll([run])[run] == Absent()


def _log(worker: DetachedWorker, run: RunId, world: World) -> None:
    assert SECRET not in worker.read_log(run, 0, 1 << 16) or "log.txt" in world.hard
    read_on(partial(worker.read_log, run), Reading())


def _work(worker: DetachedWorker, run: RunId, world: World) -> None:
    said = worker.read_work(run, OUTPUT, 0, 1 << 16)
    assert SECRET not in said or OUTPUT in world.hard


def _files(worker: DetachedWorker, run: RunId, _: World) -> None:
    worker.files(run)


def _owner(worker: DetachedWorker, run: RunId, _: World) -> None:
    assert SECRET.decode() not in worker.owner(run)


def _output(worker: DetachedWorker, run: RunId, world: World) -> None:
    """What arrives is what was promised, or is seen to be something else."""
    status = worker.poll([run])[run]
    record = status.outputs.get(OUTPUT) if isinstance(status, Ended) else None
    into = world.here / "part"
    try:
        fetched = worker.fetch(run, OUTPUT, into)
    except OSError as error:
        # No such output, or no room here for what it claims to be.
        assert error.filename in {OUTPUT, str(into)}, error
        return
    finally:
        if into.exists():
            assert into.stat().st_size <= max(record.size if record else 0, 64 << 20)
    data = into.read_bytes()
    assert (fetched.size, fetched.digest) == (len(data), hashlib.sha256(data).hexdigest())
    assert SECRET not in data or OUTPUT in world.hard


def _all(worker: DetachedWorker, run: RunId, world: World) -> None:
    fetched = fetch_run(worker, run, world.here, existing="keep")
    for name in fetched.brought if fetched else ():
        place = world.here / run / name
        assert place.is_file() and not place.is_symlink()
        assert place.resolve().is_relative_to(world.here / run)


def _start(worker: DetachedWorker, run: RunId, _: World) -> None:
    """As a controller does whose start came to nothing: what the job has put there must not be written through."""
    if worker.poll([run])[run] == Absent():
        worker._host.launch(run)


LOOKS: tuple[Callable[[DetachedWorker, RunId, World], None], ...] = (
    _log,
    _work,
    _files,
    _owner,
    _output,
    _all,
)


def _by_scripts(folder: Path) -> Host:
    return ssh_host(shell, str(folder), PosixCommands(str(folder)))


DIRECTORIES: dict[str, Kind] = {
    "run-directory": Kind(
        "what lies in a run directory of this machine", partial(_spoilt, host_of=LocalHost, looks=6), 150
    ),
    "host-scripts": Kind(
        "the same, by the scripts that an SSH host runs", partial(_spoilt, host_of=_by_scripts, looks=2), 50
    ),
}
