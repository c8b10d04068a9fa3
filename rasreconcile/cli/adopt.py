"""`adopt`: adopt existing results without re-running them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.options import as_json, close, load_spec, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.operations.requester import asking
from rasreconcile.reconcile.adoption import doubts
from rasreconcile.report.values import reasons_values

if TYPE_CHECKING:
    from rasreconcile.operations.adopt import Answer


@verb(
    "adopt",
    examples=[
        ("adopt --dry-run", "What would be adopted, and why the rest would not."),
        ("adopt --all", "Every result that is above suspicion."),
        ("adopt Muncie/p04", "This one, also where it is suspicious."),
    ],
    exits={
        0: "adopted, or left as it was",
        3: "some results were refused",
        5: "a controller is running on the store",
    },
)
@takes_plans()
@as_json
@click.option("--all", "everything", is_flag=True, help="Every result that may be adopted.")
@click.option("--suspicious", is_flag=True, help="Also suspicious results that are not named one by one.")
@click.option("--dry-run", is_flag=True, help="Show what would be adopted, and why the rest would not.")
def command(target: Target, as_json: bool, everything: bool, suspicious: bool, dry_run: bool) -> int:
    """Adopt the existing results of PLANs without re-running them.

    Each is read whole and verified against its expectations; a receipt is written beside it, and nothing else. It is
    always recorded as adopted, never as computed. Suspicious results are adopted only if they are named one by one.
    """
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.adopt import Adoption, choosing  # noqa: PLC0415  so that --help is quick

    if not target.plans.words and not everything and not dry_run:
        raise UsageError(
            "name the plans to adopt (`Muncie/p04`, `Muncie/*`), or say --all", "--dry-run only looks"
        )
    choose = choosing(target.plans, everything=everything, suspicious=suspicious)
    answers = []
    adopting = Adoption(load_spec(target.spec), choose, Clock(), asking())
    for answer in adopting.look() if dry_run else adopting.run():
        answers.append(answer)
        if not as_json:
            _print(answer)
    if as_json:
        write_json({"dry_run": dry_run, "plans": [_values(answer) for answer in answers]})
    else:
        counts = Counter(answer.what for answer in answers)
        close(", ".join(f"{count} {what}" for what, count in counts.items()) or "nothing to adopt")
    return 3 if any(answer.what == "refused" for answer in answers) else 0


def _print(answer: Answer) -> None:
    if answer.what == "under control" or (answer.what == "left" and answer.assessment is None):
        say(click.style(f"{answer.address}  {answer.what}: {answer.why}", dim=True))
        return
    colour = {"adopted": "green", "would adopt": "cyan", "refused": "red"}.get(answer.what, "yellow")
    why = f": {answer.why}" if answer.why else ""
    say(f"{answer.address}  {click.style(answer.what, fg=colour)}{why}")
    for reason in answer.assessment.reasons if answer.assessment else ():
        say(f"    {reason}")


def _values(answer: Answer) -> dict[str, Any]:
    assessment = answer.assessment
    return {
        "plan": answer.address,
        "what": answer.what,
        "why": str(answer.why or ""),
        "fitness": str(assessment.fitness) if assessment else None,
        "reasons": reasons_values(doubts(assessment)) if assessment else [],
    }
