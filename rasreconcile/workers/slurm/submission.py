"""Submitting: what is asked of sbatch for a run; and which runs go together, as an array of jobs. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import RunId
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.slurm.messages import refusal
from rasreconcile.workers.slurm.queue import ARRAY, elapsed

ARRAY_FROM = 200
"""So many runs of one size that are to be submitted at once make an array; fewer are jobs of their own."""
LARGEST_ARRAY = 1000
"""Where the cluster does not say MaxArraySize."""
MARGIN = timedelta(minutes=5)
"""Slurm's limit comes so much later than the runner's, which records why the run ended."""

_WORD = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every job of a worker asks for."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    memory: str | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """What a run needs."""

    cores: int
    time_limit: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLimits:
    """What a cluster allows; None: it does not say, or there is none."""

    array: int | None = None
    """Elements of an array."""
    time: timedelta | None = None
    """Of a job in the partition."""
    closed: tuple[tuple[str, str], ...] = ()
    """Partitions that take no jobs, with their state."""
    unknown: tuple[str, ...] = ()
    """Partitions that were named and are not there."""


def size_of(text: str) -> Size:
    """What the run of this job.json needs. Raises Unfit."""
    cores, _ = run_files.work_of(text)
    seconds = controls.document(text).get("time_limit_seconds")
    longest = timedelta(days=366).total_seconds()
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= longest:
        raise controls.Unfit(f"says time limit {controls.shown(seconds)}")
    return Size(cores, timedelta(seconds=seconds))


def sbatch_options(size: Size, asked: Asked, longest: timedelta | None) -> tuple[str, ...]:
    """The words for sbatch; `longest`: what the partition allows, of which no job asks for more."""
    limit = size.time_limit + MARGIN
    if longest is not None:
        limit = min(limit, longest)
    named = {
        "partition": asked.partition,
        "account": asked.account,
        "qos": asked.qos,
        "mem": asked.memory,
    }
    return (
        f"--cpus-per-task={size.cores}",
        f"--time={max(1, ceil(limit / timedelta(minutes=1)))}",
        *(f"--{name}={value}" for name, value in named.items() if value is not None),
        *asked.options,
    )


def batches(
    wanted: Mapping[RunId, Size], largest: int
) -> tuple[Mapping[Size, Sequence[RunId]], Sequence[tuple[Size, Sequence[RunId]]]]:
    """The runs that become jobs of their own, by size, and the arrays."""
    by_size: dict[Size, list[RunId]] = {}
    for run, size in wanted.items():
        by_size.setdefault(size, []).append(run)
    alone = {size: runs for size, runs in by_size.items() if len(runs) < ARRAY_FROM or largest < 2}
    arrays = [
        (size, runs[start : start + largest])
        for size, runs in by_size.items()
        if size not in alone
        for start in range(0, len(runs), largest)
    ]
    return alone, arrays


def script_for_jobs(runs: Sequence[RunId], options: Sequence[str], body: str) -> tuple[str, Sequence[str]]:
    """The question that submits a job for each run, and its words."""
    text = (
        "for run; do\n"
        'rm -f "$folder/$run/unclaimed"\n'
        'logged_at "$folder/$run/slurm.log"\n'
        f'submit "$run" "$(job_text "$run" "" {rundir.quoted(body)})" "--output=$log" {_spoken(options)}\n'
        "done"
    )
    return text, runs


def script_for_array(
    token: str, runs: Sequence[RunId], options: Sequence[str], body: str
) -> tuple[str, Sequence[str]]:
    """The question that submits an array of these runs, and its words. Which run is which is written down before."""
    text = (
        f"tidy_arrays\narray={token}\n"
        'mkdir -p "$folder/.arrays/$array" && printf \'%s\\n\' "$@" >"$folder/.arrays/$array/runs" || exit 1\n'
        'for run; do if [ -e "$folder/$run/unclaimed" ]; then rm -f "$folder/$run/unclaimed"; fi; done\n'
        'logged_at "$folder/.arrays/$array/log."\n'
        f'submit "{ARRAY}$array" "$(job_text "" "$array" {rundir.quoted(body)})" "--output=$log%a" '
        f'"--array=0-$(($# - 1))" {_spoken(options)}'
    )
    return text, runs


def parse_submitted(printed: str, names: Sequence[str]) -> Mapping[str, Refused | Unreachable]:
    """Of those names that were not submitted, why. Raises Unreachable where one is not mentioned."""
    mentioned: set[str] = set()
    refused: dict[str, Refused | Unreachable] = {}
    for line in printed.splitlines():
        word, _, rest = line.partition(" ")
        name, _, said = rest.partition(" ")
        if word == "submitted":
            mentioned.add(name)
        elif word == "refused":
            mentioned.add(name)
            refused[name] = refusal(said.replace("\t", "\n"))
    if missing := [name for name in names if name not in mentioned]:
        raise Unreachable(f"the answer of sbatch does not mention {missing[0]}", "it is asked again")
    return refused


def parse_limits(printed: str, partition: str | None) -> ClusterLimits:
    """From what `limits` of slurm.sh prints; `partition`: as the spec names it, perhaps several with commas."""
    array, partitions = None, {}
    for line in printed.splitlines():
        word, _, rest = line.partition(" ")
        if word == "MaxArraySize" and rest.isdecimal():
            array = int(rest)
        elif word == "partition":
            values = dict(_WORD.findall(rest))
            partitions[values.get("PartitionName", "")] = values
    names = (
        partition.split(",") if partition else [n for n, v in partitions.items() if v.get("Default") == "YES"]
    )
    ours = {name: partitions[name] for name in names if name in partitions}
    times = [time for values in ours.values() if (time := elapsed(values.get("MaxTime", ""))) is not None]
    return ClusterLimits(
        array=array,
        time=min(times, default=None),
        closed=tuple((n, v["State"]) for n, v in ours.items() if v.get("State", "UP") != "UP"),
        unknown=tuple(name for name in names if partitions and name not in partitions),
    )


def _spoken(words: Sequence[str]) -> str:
    return " ".join(rundir.quoted(word) for word in words)
