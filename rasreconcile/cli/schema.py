"""`schema`: the JSON Schema of the spec."""

from __future__ import annotations

import click

from rasreconcile.cli.verb import verb


@verb("schema", examples=[("schema > spec.schema.json", "Write it where an editor finds it.")])
def command() -> int:
    """Print the JSON Schema of the spec, by which editors complete and check it."""
    from rasreconcile.specfile.schema import schema_json  # noqa: PLC0415  pydantic is only needed here

    click.echo(schema_json(), nl=False)
    return 0
