"""`report`: the study as one page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import as_json, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb

if TYPE_CHECKING:
    from rasreconcile.operations.report import Details


@verb(
    "report",
    examples=[
        ("report", "Writes report.html beside the spec."),
        (
            "report study.yaml 'Muncie/*' -o muncie.html",
            "Of one project, with a section for each of its plans.",
        ),
        ("report --details none", "Sums and tables alone; no result is read."),
    ],
    exits={0: "written"},
)
@takes_plans()
@as_json
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file; by default report.html beside the spec.",
)
@click.option(
    "--details",
    type=click.Choice(["none", "some"]),
    default="some",
    show_default=True,
    help="Sections for plans that were named, failed, or whose water changed.",
)
def command(target: Target, as_json: bool, output: Path | None, details: Details) -> int:
    """Write one HTML page about the study: it opens from a mail and on a phone, and needs no network.

    It shows what `status`, `results`, `history` and `explain` show, from the store; the project is not read.
    """
    from rasreconcile.cli.results import prices_of  # noqa: PLC0415  so that --help is quick
    from rasreconcile.operations.write_report import write_report  # noqa: PLC0415
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    spec = target.spec
    written = write_report(
        spec,
        state_path(spec),
        target.plans,
        output or spec.parent / "report.html",
        details=details,
        prices=prices_of(spec),
    )
    if as_json:
        write_json(
            {"report": os.fspath(written.path.absolute()), "plans": written.plans, "bytes": written.size}
        )
    else:
        say(f"wrote {written.path}: {written.plans} plans, {written.size // 1000:,} kB")
    return 0
