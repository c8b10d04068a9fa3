"""`diff`: what apply would do, and why."""

from __future__ import annotations

from collections.abc import Sequence

import click

from rasreconcile.cli.options import as_json, close, load_spec, say, tell, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import EXITS, invocation, verb
from rasreconcile.printable import but_colours
from rasreconcile.report import changeset, forecast, markdown
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
        (
            "diff --what-if workers.cloud.cores_total=64",
            "How long it would take, and what it would cost, then.",
        ),
        ("diff --format markdown", "For a comment on a pull request."),
        ("diff --detailed-exitcode -q", "For scripts: a line, and an exit code that says what is left."),
    ],
    exits=EXITS | {0: "always, or with --detailed-exitcode: all plans are current"},
)
@takes_plans()
@as_json
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default=None,
    help="Output format; markdown is for comments on a pull request.",
)
@click.option("--all", "show_all", is_flag=True, help="List current plans too.")
@click.option("--detailed-exitcode", is_flag=True, help=EXIT_HELP)
@click.option(
    "--what-if",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="As if the spec had this value; may be given several times.",
)
def command(
    target: Target,
    as_json: bool,
    form: str | None,
    show_all: bool,
    detailed_exitcode: bool,
    changes: tuple[str, ...],
) -> int:
    """Show what `apply` would do now, and why, and how long it may take. Nothing is started, nothing is written.

    How long, and with price_per_core_hour for how much, follows from the runs that have succeeded; of more than a
    thousand plans it is said with -v or --what-if.
    """
    return previewed(
        target,
        form="json" if as_json else form or "text",
        show_all=show_all,
        detailed_exitcode=detailed_exitcode,
        changes=changes,
    )


def previewed(
    target: Target,
    *,
    form: str,
    detailed_exitcode: bool = False,
    show_all: bool = False,
    changes: Sequence[str] = (),
) -> int:
    """Also what `apply --dry-run` does. Returns the exit code."""
    from rasreconcile.clock import Clock  # noqa: PLC0415  as above
    from rasreconcile.operations.diff import diff  # noqa: PLC0415
    from rasreconcile.specfile import what_if  # noqa: PLC0415

    as_it_is = load_spec(target.spec)
    loaded = what_if(as_it_is, changes) if changes else as_it_is
    seen = diff(loaded, Clock(), target.plans)
    # Of no use to who is told nothing of it.
    asked = bool(changes) or form != "text" or not invocation().quiet
    found = seen.forecast(of_many=bool(changes) or invocation().verbose) if asked else None
    before = diff(as_it_is, Clock(), target.plans).forecast() if changes else None
    decision = seen.decision
    work = changeset.has_work(decision)
    if form == "markdown":
        words = forecast.in_words(found, loaded.spec.prices) if found else None
        text = markdown.changes(loaded.name, decision, changeset.outlook(decision, len(seen.recalled)), words)
        for line in text.splitlines():
            click.echo(but_colours(invocation().shown(line)))
    elif form == "json":
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
                "forecast": forecast.values(found, loaded.spec.prices),
                "what_if": list(changes),
                "forecast_as_it_is": forecast.values(before, as_it_is.spec.prices),
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
        unknown = forecast.UNKNOWN if work else "nothing to run"
        if changes:
            then = forecast.in_words(before, as_it_is.spec.prices) if before else unknown
            now = forecast.in_words(found, loaded.spec.prices) if found else unknown
            close(f"As the spec is: {then}.")
            close(f"With {', '.join(changes)}: {now}.")
        elif found:
            say(f"It may take {forecast.in_words(found, loaded.spec.prices)}.")
        elsewhere = [name for name in loaded.spec.workers if not loaded.kind_of(name).here]
        if work and elsewhere:
            say(f"Not asked: {', '.join(elsewhere)}; `check` and `apply` look for HEC-RAS there.")
    if not detailed_exitcode:
        return 0
    from rasreconcile.controller.apply import exit_of  # noqa: PLC0415  the controller costs more than a small diff

    return int(exit_of(decision))
