"""`apply`: compute what is missing or stale, prove it, publish it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.interrupts import stopping
from rasreconcile.cli.options import FORMAT_VERSION, as_json, close, load_spec, write_line
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import EXITS, invocation, verb
from rasreconcile.errors import UsageError
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.operations.requester import asking, commit_of

if TYPE_CHECKING:
    from rasreconcile.controller.apply import Outcome, Stay
    from rasreconcile.report.live import Quiet
    from rasreconcile.runs import Run
    from rasreconcile.specfile import LoadedSpec


WORK_TO_DO = 2
"""Of controller.apply.Exit, whose import `--help` does without."""


@verb(
    "apply",
    examples=[
        ("apply", "Compute what is missing or stale in the study of this folder."),
        ("apply Muncie/p04", "Only this plan, and what it needs."),
        ("apply study.yaml 'Muncie/p0*' -x 09", "A pattern, without plan 09."),
        ("apply --dry-run", "As `diff`: what it would do, and why."),
        ("apply --detach", "From cron: collect, start what fits, and end."),
    ],
    exits=EXITS
    | {2: "with --detach: call it again; with --dry-run --detailed-exitcode: there is something to do"},
)
@takes_plans()
@as_json
@click.option("--dry-run", is_flag=True, help="Start nothing, write nothing: the same as `diff`.")
@click.option("--detailed-exitcode", is_flag=True, help="With --dry-run: the exit code says what is left.")
@click.option(
    "--detach",
    is_flag=True,
    help="Publish what has ended, start what fits now, leave it running, and end: 0 once all plans are current, "
    "2 while runs are still running or waiting (call it again), 3 and 4 as without it.",
)
def command(target: Target, as_json: bool, dry_run: bool, detailed_exitcode: bool, detach: bool) -> int:
    """Run what is missing or stale, verify and publish its results, until everything has converged.

    Runs are detached: the first Ctrl-C stops dispatching and leaves them running, a second one, a moment later,
    cancels them. SIGTERM or closing the terminal acts like one Ctrl-C. Apply again to collect what has ended.
    """
    if dry_run:
        return _previewed(target, detach=detach, as_json=as_json, detailed_exitcode=detailed_exitcode)
    if detailed_exitcode:
        raise UsageError("--detailed-exitcode says what is left to do", "give it with --dry-run")
    from rasreconcile.report.live import Lines, Quiet, Stream  # noqa: PLC0415  so that --help is quick

    loaded = load_spec(target.spec)
    if as_json:
        write_line({"version": FORMAT_VERSION, "verb": "apply", "spec": loaded.name})
        reporter: Quiet = Stream(write_line)
    else:
        reporter = Quiet() if invocation().quiet else Lines(sys.stderr, invocation().shown)
    with reporter:
        outcome = applied(loaded, reporter, stay="detach" if detach else "converge", named=target.plans)
    _close(loaded, outcome, as_json=as_json)
    return int(outcome.exit)


def _previewed(target: Target, *, detach: bool, as_json: bool, detailed_exitcode: bool) -> int:
    if detach:
        raise UsageError("--dry-run starts nothing that could be detached", "leave --detach out")
    from rasreconcile.cli.diff import previewed  # noqa: PLC0415  an apply does without

    return previewed(target, form="json" if as_json else "text", detailed_exitcode=detailed_exitcode)


def applied(
    loaded: LoadedSpec, reporter: Quiet, *, stay: Stay = "converge", named: NamedPlans = EVERY_PLAN
) -> Outcome:
    """One apply with the signals in hand."""
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.controller.apply import Apply, Exit, Requester  # noqa: PLC0415
    from rasreconcile.reconcile.selection import select_named  # noqa: PLC0415
    from rasreconcile.workers.secret import hide  # noqa: PLC0415

    hide(loaded.spec.workers.values())  # before git is asked, which is a child as well
    asked = Requester(by=asking(), commit=commit_of(loaded.folder))
    clock = Clock()
    apply = Apply(loaded, asked, reporter.event, reporter.progress, clock, stay, select_named(named))
    with stopping(apply, reporter.notice, clock.monotonic):
        outcome = apply.run()
    # An interrupt that came when everything was over must not be lost on whoever would go on: `watch`.
    return replace(outcome, exit=Exit.INTERRUPTED) if apply.interrupted else outcome


def closing_lines(loaded: LoadedSpec, outcome: Outcome) -> Iterator[str]:
    """What was done, and what stands in the way by cause."""
    from rasreconcile.report import summary  # noqa: PLC0415  pydantic only where needed

    return summary.lines(
        loaded.name, outcome, lambda run: loaded.directory_of(run.worker, run.id), loaded.spec.prices
    )


def _close(loaded: LoadedSpec, outcome: Outcome, *, as_json: bool) -> None:
    from rasreconcile.report.values import run_directory_values, verdict_values  # noqa: PLC0415

    def where(run: Run) -> str | None:
        return loaded.directory_of(run.worker, run.id)

    if as_json:
        plans = [verdict_values(v) for v in outcome.decision.verdicts]
        told = {v.address for v in outcome.decision.verdicts}
        failed = [run_directory_values(r, where(r)) for a, r in outcome.failed.items() if a in told]
        end = {"kind": "end", "exit": int(outcome.exit), "counts": dict(outcome.counts)}
        write_line({**end, "plans": plans, "failed": failed})
        return
    for line in closing_lines(loaded, outcome):
        close(line)
