"""`schema`: the JSON Schema of the spec."""

from __future__ import annotations

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of the spec: `rasreconcile schema > spec.schema.json`."""
    from rasreconcile.specfile.schema import schema_json  # noqa: PLC0415  pydantic is only needed here

    click.echo(schema_json(), nl=False)
