"""What a spec says about trying again and placing, in a room of its own: a look must not load what an apply needs."""

from __future__ import annotations

from rasreconcile.reconcile.policy import Policy, Share
from rasreconcile.spec import Spec

KEPT_FAILURES = 3
"""Run directories of failed runs of a plan that are kept."""


def policy_of(spec: Spec) -> Policy:
    """What the spec says about trying again and placing."""
    return Policy(
        attempts=spec.retries.attempts,
        wait=spec.retries.wait,
        at_most=spec.retries.at_most,
        placement=spec.placement,
        max_concurrent=spec.max_concurrent,
        max_fails=_max_fails(spec.max_fails),
        strict_platform=spec.strict_platform,
        strict_cores=spec.strict_cores,
    )


def _max_fails(value: int | str | None) -> int | Share | None:
    return Share(float(value.removesuffix("%"))) if isinstance(value, str) else value
