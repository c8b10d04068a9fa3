"""What would stop a run on this cluster, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rasreconcile.errors import Trouble
from rasreconcile.workers.slurm.messages import trial_problem
from rasreconcile.workers.slurm.submission import Asked, ClusterLimits, parse_limits

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol")
_ASSOCIATION = re.compile(r"assoc ([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|(.*)")

CHECK = """\
for program in sbatch squeue scancel scontrol; do
    command -v "$program" >/dev/null 2>&1 || echo "lacks $program"
done
if command -v sbatch >/dev/null 2>&1; then
    limits
    if said=$(printf '#!/bin/sh\\ntrue\\n' | clean sbatch --test-only --job-name=rasreconcile --nodes=1 --ntasks=1 \
        --chdir=/ --output=/dev/null "$@" 2>&1); then
        echo 'trial well'
    else
        printf '%s\\n' "$said" | sed 's/^/trial /'
    fi
    clean sacctmgr --noheader --parsable2 show assoc "user=$(id -un)" \
        format=account,partition,qos,maxsubmit,maxjobs 2>/dev/null | sed 's/^/assoc /'
fi
"""
"""Slurm itself says by --test-only whether it would take a job: nothing is submitted."""


def question(options: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The script, and its words."""
    return CHECK, tuple(options)


def problems_in(printed: str, asked: Asked, slots: int) -> list[Trouble]:
    """What the answer comes to; `slots`: the most runs that may be in the queue."""
    words: dict[str, list[str]] = {}
    for line in printed.splitlines():
        word, _, rest = line.partition(" ")
        words.setdefault(word, []).append(rest)
    if lacks := [name for name in words.get("lacks", ()) if name in COMMANDS]:
        remedy = "name the host where jobs are submitted as `through`, or add Slurm's commands to its PATH"
        return [Trouble(f"{', '.join(lacks)}: not found where jobs are submitted", remedy)]
    limits = parse_limits(printed, asked.partition)
    if (found := _of_partitions(limits)) or "trial" not in words:
        return found or [Trouble("sbatch did not answer", "run `sbatch --test-only` there")]
    if words["trial"] != ["well"] and (trial := trial_problem("\n".join(words["trial"]))) is not None:
        return [trial]
    return _of_accounts(words, asked, slots)


def _of_partitions(limits: ClusterLimits) -> list[Trouble]:
    found = [
        Trouble(f"there is no partition {name}", "`sinfo -s` shows those there are; correct partition")
        for name in limits.unknown
    ]
    return found + [
        Trouble(f"partition {name} is {state}", "wait until it is up, or choose another partition")
        for name, state in limits.closed
    ]


def _of_accounts(words: Mapping[str, Sequence[str]], asked: Asked, slots: int) -> list[Trouble]:
    """What sacctmgr says of this user, where there are accounts."""
    rows = [
        found.groups()
        for rest in words.get("assoc", ())
        if (found := _ASSOCIATION.fullmatch(f"assoc {rest}"))
    ]
    ours = [row for row in rows if asked.account in {None, row[0]} and row[1] in {"", asked.partition}]
    most = [int(row[3]) for row in ours if row[3].isdecimal()]
    if most and max(most) < slots:
        remedy = (
            f"lower cores_total so that at most {max(most)} runs fit, or set max_parallel_plans: {max(most)}"
        )
        return [
            Trouble(f"the account allows {max(most)} jobs in the queue, the worker has {slots} slots", remedy)
        ]
    return []
