"""What Slurm's commands say when they say no, and what to do about it: the one place that knows their words. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.workers.printed import quoted

_LATER = re.compile(
    r"unable to contact slurm controller|socket timed out|zero bytes were transmitted|connection refused"
    r"|connection timed out|communication connection failure|resource temporarily unavailable"
    r"|temporarily unable to accept job|unexpected message received|transport endpoint is not connected"
    r"|munge|protocol authentication error|nodes? .*not respond|backup controller|standby mode"
    r"|maxsubmitjob|submitted jobs limit|slurmdbd|no route to host",
    re.IGNORECASE,
)
"""Perhaps it was submitted all the same: the queue is asked for its name before it is submitted again."""

_TABLE: Sequence[tuple[str, str, str]] = (
    (
        r"invalid account|account/partition combination",
        "the account is not known, or may not use the partition",
        "see `sacctmgr show assoc user=$USER format=account,partition,qos`; correct account and partition",
    ),
    (
        r"invalid partition|partition name",
        "there is no such partition",
        "`sinfo -s` shows those there are; correct partition",
    ),
    (
        r"invalid qos|qos specification",
        "there is no such qos for this account",
        "`sacctmgr show assoc user=$USER format=account,qos` shows those there are; correct qos",
    ),
    (
        r"qos policy|accounting/qos|violates",
        "a limit of the account or the qos does not allow it",
        "see `sacctmgr show assoc user=$USER`; lower cores_per_plan, memory_per_plan or max_runtime_minutes",
    ),
    (
        r"time limit",
        "the time limit is more than the partition or the account allows",
        "lower max_runtime_minutes, or choose another partition or qos",
    ),
    (
        r"memory specification|memory required",
        "no node has so much memory",
        "lower memory_per_plan, or choose a partition with larger nodes",
    ),
    (
        r"node configuration is not available|more processors|cpu count|processors? requested",
        "no node of the partition fits what is asked for",
        "lower cores_per_plan or memory_per_plan, correct `options`, or choose another partition",
    ),
    (
        r"group not permitted|access.* denied|permission denied|not authorized",
        "this user may not use the partition",
        "choose another partition, or ask whoever runs the cluster",
    ),
    (r"unrecognized option|invalid option|ambiguous", "sbatch does not take an option", "correct `options`"),
    (
        r"required partition not available|partition .*(down|inactive)",
        "the partition takes no jobs now",
        "wait until it is up, or choose another partition",
    ),
    (
        r"not found",
        "sbatch is not there",
        "write the host where jobs are submitted as `through`, or add sbatch to the PATH of its login shell",
    ),
)
_NO_NODES = re.compile(r"required node not available|nodes required .*(down|drain)|resources", re.IGNORECASE)


def refusal(said: str) -> Refused | Unreachable:
    """What sbatch, squeue or scancel came to that failed with these words."""
    words = _last_words(said)
    if _LATER.search(said):
        return Unreachable(f"Slurm does not take it now: {words}", "it will be retried")
    for pattern, what, remedy in _TABLE:
        if re.search(pattern, said, re.IGNORECASE):
            return Refused(f'{what} (sbatch: "{words}")', remedy)
    return Refused(f'sbatch says no: "{words}"', "try `sbatch --test-only` with the same options there")


def trial_problem(said: str) -> Trouble | None:
    """What `sbatch --test-only` found; None: it only found every node busy, drained or down, which is waited for."""
    if _NO_NODES.search(said):
        return None
    return refusal(said).trouble


def _last_words(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Try ")]
    return quoted(" ".join(lines[-2:]).encode()) or "it printed nothing"
