"""`check`: what every plan reads, and what would stop a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rasreconcile.cli.options import as_json, spec_argument, spec_path, write_json


@click.command(name="check")
@spec_argument
@as_json
def command(spec: Path | None, as_json: bool) -> int:
    """List what each plan reads and what is missing, and ask every worker what would stop a run there."""
    from rasreconcile.controller.checking import check  # noqa: PLC0415
    from rasreconcile.controller.clock import Clock  # noqa: PLC0415
    from rasreconcile.specfile import load  # noqa: PLC0415

    loaded = load(spec_path(spec))
    found = check(loaded, Clock())
    if as_json:
        write_json(
            {
                "spec": loaded.name,
                "fit": found.fit,
                "plans": [
                    {
                        "plan": plan.address,
                        "inputs": [_input(i) for i in plan.inputs],
                        "output": str(plan.output),
                        "blocked_by": list(plan.blocked_by),
                        "warnings": list(plan.warnings),
                    }
                    for plan in found.plans
                ],
                "workers": {
                    name: [{"what": p.what, "remedy": p.remedy} for p in problems]
                    for name, problems in found.workers.items()
                },
            }
        )
        return 0 if found.fit else 4
    for plan in found.plans:
        click.echo(f"{plan.address}  {'blocked' if plan.blocked_by else 'ready'}")
        for i in plan.inputs:
            size = "MISSING" if i.raw == "MISSING" else f"{i.size} bytes  {i.raw[:12]}"
            click.echo(f"    {i.kind:<9} {i.name}  {size}")
        for line in plan.blocked_by:
            click.echo(click.style(f"    {line}", fg="red"))
        for line in plan.warnings:
            click.echo(click.style(f"    {line}", fg="yellow"))
    for name, problems in found.workers.items():
        click.echo(f"worker {name}: {'ready' if not problems else 'unfit'}")
        for problem in problems:
            click.echo(click.style(f"    {problem.what}; {problem.remedy}", fg="red"))
    return 0 if found.fit else 4


def _input(file: Any) -> dict[str, Any]:
    return {
        "name": file.name,
        "kind": file.kind,
        "size": file.size,
        "digest": file.raw,
        "source": str(file.source),
    }
