"""`init`: a first spec beside a HEC-RAS project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import close, say
from rasreconcile.cli.targets import NAMES
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.report.text import many

if TYPE_CHECKING:
    from rasreconcile.operations.init import EngineName


@verb(
    "init",
    examples=[
        ("init models/Muncie/Muncie.prj", "Write rasreconcile.yaml here, for one project."),
        ("init models", "For every project in a folder and its subfolders."),
        ("init 'models/*/Dam.prj' dams.yaml", "For all that a pattern matches, also those that come later."),
    ],
    exits={0: "written"},
)
@click.argument("words", nargs=-1, required=True, metavar="PROJECT... [SPEC]")
@click.option(
    "--engine",
    type=click.Choice(["hec-ras", "steady"]),
    help="Engine of the plans; left out: chosen from the project and the results beside it.",
)
def command(words: tuple[str, ...], engine: EngineName | None) -> int:
    """Write a first spec (rasreconcile.yaml) for PROJECT: a .prj of HEC-RAS, a folder, or a pattern.

    Beside it the JSON Schema of specs is written, for editors, and .gitignore gets the lines for what is made.
    """
    from rasreconcile.operations.init import init  # noqa: PLC0415  so that --help is quick

    specs = [Path(word) for word in words if word.lower().endswith((".yaml", ".yml"))]
    named = [word for word in words if Path(word) not in specs]
    if len(specs) > 1 or not named:
        raise UsageError("name one or more projects, and at most one spec", "rasreconcile init PROJECT.prj")
    found = init(named, specs[0] if specs else Path(NAMES[0]), engine, say)
    say(f"wrote {found.schema}: the schema by which editors complete and check the spec")
    if found.ignored:
        say(
            f"added {', '.join(line for line in found.ignored if not line.startswith('#'))} to {found.ignore}"
        )
    projects = f" of {many(found.projects, 'project')}" if found.plans and found.entries > 1 else ""
    spec = found.spec
    close(
        f"wrote {spec}: {many(found.plans, 'plan')}{projects}, {found.engine}; next: rasreconcile check {spec}"
    )
    return 0
