"""`diff`: what apply would do, and why."""

from __future__ import annotations

import click

from rasreconcile.cli.options import as_json, load_spec, say, tell, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import EXITS, invocation, verb
from rasreconcile.report import changeset
from rasreconcile.report.values import verdict_values

EXIT_HELP = (
    "Exit 0 if all plans are current, 2 if `apply` would do something, else 3 if plans have failed, 4 if"
    " plans are otherwise blocked."
)


@verb(
    "diff",
    examples=[
        ("diff", "What `apply` would do in the study of this folder."),
        ("diff study.yaml Muncie/p04", "One plan, and what it needs."),
        ("diff --detailed-exitcode -q", "For scripts: a line, and an exit code that says what is left."),
    ],
    exits=EXITS | {0: "always, or with --detailed-exitcode: all plans are current"},
)
@takes_plans()
@as_json
@click.option("--all", "show_all", is_flag=True, help="List current plans too.")
@click.option("--detailed-exitcode", is_flag=True, help=EXIT_HELP)
def command(target: Target, as_json: bool, show_all: bool, detailed_exitcode: bool) -> int:
    """Show what `apply` would do now, and why. Nothing is started, nothing is written."""
    return previewed(target, as_json=as_json, show_all=show_all, detailed_exitcode=detailed_exitcode)


def previewed(
    target: Target, *, as_json: bool, detailed_exitcode: bool = False, show_all: bool = False
) -> int:
    """Also what `apply --dry-run` does. Returns the exit code."""
    from rasreconcile.clock import Clock  # noqa: PLC0415  as above
    from rasreconcile.operations.diff import diff  # noqa: PLC0415

    loaded = load_spec(target.spec)
    seen = diff(loaded, Clock(), target.plans)
    decision = seen.decision
    work = changeset.has_work(decision)
    if as_json:
        write_json(
            {
                "spec": loaded.name,
                "work": work,
                "health": str(decision.health),
                "actions": changeset.actions_of(decision, seen.recalled),
                "plans": [verdict_values(v) for v in decision.verdicts],
                "proposal": {
                    "adopt": list(seen.proposal.adopt),
                    "run": [*seen.proposal.run, *seen.proposal.replace],
                    "look": list(seen.proposal.look),
                },
                "strays": [run.id for run in decision.strays],
            }
        )
    else:
        warnings = {plan.address: plan.warnings for plan in seen.plans if plan.warnings}
        told = changeset.lines(
            loaded.name,
            decision,
            show_all=show_all or invocation().verbose,
            warnings=warnings,
            proposal=seen.proposal,
            recalled=len(seen.recalled),
        )
        for line in told:
            tell(line)
        elsewhere = [name for name in loaded.spec.workers if not loaded.kind_of(name).here]
        if work and elsewhere:
            say(f"Not asked: {', '.join(elsewhere)}; `check` and `apply` look for HEC-RAS there.")
    if not detailed_exitcode:
        return 0
    from rasreconcile.controller.apply import exit_of  # noqa: PLC0415  the controller costs more than a small diff

    return int(exit_of(decision))
