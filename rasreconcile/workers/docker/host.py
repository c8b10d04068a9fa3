"""A Docker daemon as a host of runs: a container for each, whose state is the truth about who is alive."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from rasreconcile.errors import Damaged, Refused, Trouble, Unreachable
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.docker.check import problems_of
from rasreconcile.workers.docker.choose_storage import DockerSettings, choose_storage
from rasreconcile.workers.docker.container import Container, ContainerSeen, End
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.run_storage import RunStorage
from rasreconcile.workers.host import ASK_SECONDS
from rasreconcile.workers.run_files import RunFiles

RUN_LABEL = "rasreconcile.run"
PLACE_LABEL = "rasreconcile.place"
_SHARES = {"normal": 1024, "below normal": 512, "low": 128}
_NAME_SECONDS = 20.0
IMAGE = "RASRECONCILE_IMAGE"
"""By this variable the runner knows the image, and writes it down."""
_RUN = (
    'umask 077; rm -rf "$1/runner.err"; set -C; '
    'exec sh "$1/runner.sh" "$1" </dev/null >/dev/null 2>"$1/runner.err"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run's container may take."""

    cpus: float | None = None
    """None: the cores of the run."""
    memory: str | None = None


class DockerHost:
    """Implements `Host`. Where run directories lie is found out when it is first asked."""

    platform: Final = "posix"

    def __init__(
        self, daemon: Daemon, settings: DockerSettings, limits: Limits, labels: Mapping[str, str]
    ) -> None:
        self._daemon = daemon
        self._site = settings
        self._limits = limits
        self._labels = labels
        self._lock = threading.Lock()
        self._found: RunStorage | None = None
        self._prepared: dict[RunId, bytes] = {}
        """The job.json of runs that are about to be launched: it need not be read back."""

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        if not runs:
            return {}
        containers = self._daemon.containers(RUN_LABEL)
        found = dict(self._storage.look(runs, _going_on(containers, runs)))
        # It may have been started, or have ended, between the two looks: those are looked at once more, in an order
        # that cannot err. Who had a claim had a container, and who has no container any more has written its end.
        doubtful = [run for run in runs if _is_doubtful(found[run], containers.get(run))]
        if doubtful:
            containers = self._daemon.containers(RUN_LABEL)
            found.update(self._storage.look(doubtful, _going_on(containers, doubtful)))
        return {run: self._judged(run, found[run], containers.get(run)) for run in runs}

    def stage(self, inputs: Collection[Staged]) -> None:
        """Puts what can be shared where `prepare` finds it. Raises InputChanged. May be repeated."""
        self._storage.stage(inputs)

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        self._storage.prepare(run, inputs, controls)
        self._prepared[run] = controls[rundir.JOB]

    def launch(self, run: RunId) -> None:
        asked = self._prepared.pop(run, b"") or self._storage.read(run, rundir.JOB, 0, controls.LARGEST + 1)
        try:
            cores, priority = run_files.work_of(asked.decode(errors="replace"))
        except Unfit as error:
            raise Damaged(f"{run}: {rundir.JOB} {error}", "it is not started") from error
        mount = self._storage.mount(run)
        wanted = Container(
            name=run,
            image=self.image(),
            command=("sh", "-c", _RUN, "sh", mount.target),
            env={IMAGE: self.image()},
            user=self._storage.user,
            mount=mount,
            labels={**self._labels, RUN_LABEL: run, PLACE_LABEL: mount.source},
            cpus=self._limits.cpus or float(cores),
            memory=self._limits.memory,
            shares=_SHARES[priority],
        )
        self._make(wanted)
        self._daemon.start(run)

    def image(self) -> str:
        """Its digest: the same for all runs that this process starts, whatever its name comes to mean meanwhile."""
        return self._storage.helper.kind.found.digest

    def mark(self, run: RunId, name: str) -> None:
        self._storage.mark(run, name)

    def sweep(self, run: RunId) -> None:
        if self._is_ours(self._daemon.container(run)):
            self._daemon.kill(run)

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        return self._storage.get(run, name, into)

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        return self._storage.read(run, name, offset, limit)

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        return self._storage.files(run)

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Inside the image."""
        return self._storage.helper.find(tuple(paths))

    def ask(self, script: str, words: Sequence[str]) -> str:
        """Inside the image, with its environment."""
        return self._storage.helper.do(script, *words, seconds=ASK_SECONDS)

    def remove(self, run: RunId) -> None:
        if self._is_ours(self._daemon.container(run)):
            self._daemon.remove(run)
        self._storage.remove(run)

    def runs(self) -> Mapping[RunId, datetime]:
        return self._storage.runs()

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        return self._storage.trim_cache(unused_for=unused_for, at_most=at_most, how=how)

    def problems(self) -> list[Trouble]:
        about = self._daemon.about()
        if about.system != "linux":
            return [Trouble(f"the daemon runs {about.system} containers", "switch it to Linux containers")]
        found = []
        if self._limits.memory and not about.limits_memory:
            found.append(
                Trouble("the daemon cannot limit memory", "switch on the memory cgroup, or drop memory_limit")
            )
        if not about.limits_cpus:
            found.append(Trouble("the daemon cannot limit processors", "switch on CFS quotas in the kernel"))
        try:
            helper = self._storage.helper
        except Refused as error:
            return [
                *found,
                error.trouble.or_else("correct the spec"),
            ]
        found += problems_of(helper, time.time())
        engine = self._site.engine
        if engine is not None and not helper.find([engine]):
            remedy = "ras_exe_path is a path inside the image: correct it, or the image"
            found.append(Trouble(f"{engine} is not in {self._site.image}", remedy))
        return found

    def close(self) -> None:
        with self._lock:
            found, self._found = self._found, None
        if found is not None:
            found.helper.close()
        self._daemon.close()

    @property
    def _storage(self) -> RunStorage:
        with self._lock:
            if self._found is None:
                self._found = choose_storage(self._daemon, self._site)
            return self._found

    def _judged(self, run: RunId, found: RunFiles | None, container: ContainerSeen | None) -> RunFiles | None:
        """What lies there, and what the daemon knows beyond it: who was killed, and whether for want of memory."""
        if found is None or found.started is None:
            return self._unclaimed(run, found, container)
        ended = run_files.ended_of(found.done) if found.done else None
        if ended is not None and (ended.cause != "exited" or ended.exit_code == 0):
            return found
        if container is not None and container.goes_on:
            # A failure is told when the container is over: only then the daemon says whether memory was the cause.
            return replace(found, done=None, alive=True)
        end = self._daemon.end_of(run) if container is not None else None
        if end is not None and end.out_of_memory:
            return replace(found, done=_out_of_memory(found, end))
        return found if ended is not None else replace(found, evidence=_evidence(end))

    def _unclaimed(
        self, run: RunId, found: RunFiles | None, container: ContainerSeen | None
    ) -> RunFiles | None:
        """A container that goes on is about to claim its run; one that was made and not started is started again."""
        if found is None or found.done is not None or container is None or container.state == "created":
            return found
        if container.goes_on:
            return replace(found, queued=True)
        said = self._storage.read(run, rundir.COMPLAINTS, 0, run_files.LONGEST_COMPLAINT)
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        return replace(found, lost_start=run_files.lost_start("ended", last))

    def _make(self, wanted: Container) -> None:
        """The container of the run is there, made now or before. Raises Refused where another has its name."""
        until = time.monotonic() + _NAME_SECONDS
        while self._daemon.create(wanted) == "there":
            there = self._daemon.container(wanted.name)
            if there is not None and not self._is_ours(there):
                raise Refused(
                    f"{self._daemon.address}: a container {wanted.name} exists that rasreconcile did not "
                    "create",
                    f"`docker rm {wanted.name}` if it is not needed",
                )
            if there is not None and (there.labels.get(PLACE_LABEL) == wanted.mount.source or there.goes_on):
                return
            if time.monotonic() > until:
                late = f"{self._daemon.address}: the name {wanted.name} is taken by a container that does not appear"
                raise Unreachable(f"{late}", "it will be retried")
            if there is None:
                # Somebody is making it at this moment: a name is taken before its container is there.
                time.sleep(0.05)
            else:
                # Made when worker_folder, or the way of staging, was another.
                self._daemon.remove(wanted.name)

    @staticmethod
    def _is_ours(container: ContainerSeen | None) -> bool:
        return container is not None and RUN_LABEL in container.labels


def _going_on(containers: Mapping[str, ContainerSeen], runs: Collection[RunId]) -> list[RunId]:
    return [run for run in runs if run in containers and containers[run].goes_on]


def _is_doubtful(found: RunFiles | None, container: ContainerSeen | None) -> bool:
    is_open = found is not None and found.started is not None and found.done is None
    return is_open and not (container is not None and container.goes_on)


def _out_of_memory(found: RunFiles, end: End) -> str:
    """The done.json of a run whose processes the kernel killed: the runner's own, or one in its place."""
    own: dict[str, Any] | None = (
        json.loads(found.done) if found.done and run_files.ended_of(found.done) else None
    )
    if own is not None:
        return json.dumps({**own, "cause": "out of memory"})
    claim = run_files.claim_of(found.started or "")
    began = claim.at.timestamp() if claim else 0.0
    at = end.at.timestamp() if end.at else began
    document = {
        "exit_code": end.exit_code,
        "cause": "out of memory",
        "started": began,
        "ended": at,
        "outputs": {},
    }
    return json.dumps(document)


def _evidence(end: End | None) -> str:
    if end is None:
        return "its container is gone without recording an exit status: it was removed"
    when = f" at {end.at:%Y-%m-%d %H:%M:%S} UTC" if end.at else ""
    return (
        f"its container is gone without recording an exit status: {end.state} with {end.exit_code}{when};"
        " it was killed from outside, or the daemon or its machine was restarted"
    )
