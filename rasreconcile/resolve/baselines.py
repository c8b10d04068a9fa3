"""What plans must show, as a digest: with the bytes of the baselines that results are compared with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.errors import Trouble
from rasreconcile.plans import MISSING, Plan, digest_of
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.shown import shown
from rasreconcile.spec import Expectations


def expectation_digest(expect: Expectations) -> str:
    """sha256 of the expectations as canonical JSON, defaults written out: a default that changes, changes it.

    A baseline that is not asked for leaves no trace, so that results proven before there were any stay proven.
    """
    values = expect.model_dump(mode="json")
    if expect.baseline is None:
        del values["baseline"]
    return digest_of(json.dumps(values, sort_keys=True))


def with_baseline(plan: Plan, folder: Path, digests: Digests) -> Plan:
    """The plan with its baseline found and hashed; without it no run is worth its time, and none is started."""
    wanted = plan.expect.baseline
    if wanted is None:
        return plan
    path = folder / expanded(wanted.file)
    if path.is_dir():
        path /= plan.output.name
    try:
        found, blocked = digests.of(path, "baseline").raw, plan.blocked_by
    except OSError as error:
        reason = error.strerror or error
        what = f"its baseline {shown(path, folder)} cannot be read: {reason}"
        why = Trouble(what, "put it there, or leave `baseline` out")
        found, blocked = MISSING, (*plan.blocked_by, why)
    return replace(
        plan,
        baseline=path,
        expectation_digest=digest_of(f"{plan.expectation_digest} {found}"),
        blocked_by=blocked,
    )
