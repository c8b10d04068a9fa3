"""`explain PLAN`: why a plan is, or is not, current, with what changed from what to what."""

from __future__ import annotations

from rasreconcile.cli.options import as_json, close, load_spec, write_json
from rasreconcile.cli.targets import Target, takes_one_plan
from rasreconcile.cli.verb import verb


@verb(
    "explain",
    examples=[
        ("explain Muncie/p04", "Why it is stale: each input before and after."),
        ("explain 04", "The same, where only one plan has this number."),
        ("explain study.yaml Muncie/p04 --json", "For programs."),
    ],
    exits={0: "the plan was explained, whatever its state"},
)
@takes_one_plan
@as_json
def command(target: Target, as_json: bool) -> int:
    """Show why PLAN is, or is not, current: every component of its fingerprint, before and after.

    For text inputs the difference itself is shown, even months after the run.
    """
    from rasreconcile.operations.explain import explain  # noqa: PLC0415  so that --help is quick
    from rasreconcile.report import explanation  # noqa: PLC0415

    found = explain(load_spec(target.spec), target.plans)
    if as_json:
        write_json(explanation.values(found))
    else:
        for line in explanation.lines(found):
            close(line)
    return 0
