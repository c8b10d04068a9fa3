"""`explain PLAN`: why a plan is, or is not, current, with what changed from what to what."""

from __future__ import annotations

import click

from rasreconcile.cli.options import (
    as_json,
    load_spec,
    one_plan,
    say,
    spec_and_plans,
    words_argument,
    write_json,
)


@click.command(name="explain")
@words_argument
@as_json
def command(words: tuple[str, ...], as_json: bool) -> int:
    """Show why PLAN is, or is not, current: every component of its fingerprint, before and after.

    For text inputs the difference itself is shown, even months after the run.
    """
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.diff import diff  # noqa: PLC0415
    from rasreconcile.operations.explain import explain  # noqa: PLC0415
    from rasreconcile.report import explanation  # noqa: PLC0415

    spec, plans = spec_and_plans(words)
    loaded = load_spec(spec)
    seen = diff(loaded, Clock())
    address = one_plan(plans, [plan.address for plan in seen.plans])
    found = explain(loaded, seen, address)
    if as_json:
        write_json(explanation.values(found))
    else:
        for line in explanation.lines(found):
            say(line)
    return 0
