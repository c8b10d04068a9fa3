"""`check`: what every plan reads, and what would stop a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.options import as_json, load_spec, say, spec_argument, spec_path, write_json
from rasreconcile.plans import MISSING, InputFile
from rasreconcile.report.text import bytes_in_words, many

if TYPE_CHECKING:
    from rasreconcile.specfile import LoadedSpec


@click.command(name="check")
@spec_argument
@as_json
@click.option("--read", "read", is_flag=True, help="Read every published result again, and nothing else.")
def command(spec: Path | None, as_json: bool, read: bool) -> int:
    """List what each plan reads and what is missing, and ask every worker what would stop a run there.

    With --read compare every published result, byte by byte, with what was published.
    """
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.check import check  # noqa: PLC0415

    loaded = load_spec(spec_path(spec))
    if read:
        return _read_again(loaded, as_json=as_json)
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
                        "blocked_by": list(plan.stopped_by),
                        "runs_nowhere": list(found.nowhere(plan)),
                        "warnings": list(plan.warnings),
                        "needs": list(plan.needs),
                        "side_outputs": list(plan.side_outputs),
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
        stopped = (*plan.stopped_by, *found.nowhere(plan))
        say(f"{plan.address}  {'blocked' if stopped else 'ready'}")
        for line in _table(plan.inputs):
            say(f"    {line}")
        for name in plan.side_outputs:
            say(f"    writes {name}, which another plan restarts from")
        for line in stopped:
            say(click.style(f"    {line}", fg="red"))
        for line in plan.warnings:
            say(click.style(f"    {line}", fg="yellow"))
    for name, problems in found.workers.items():
        say(f"worker {name}: {'ready' if not problems else 'unfit'}")
        for problem in problems:
            say(click.style(f"    {problem}", fg="red"))
    return 0 if found.fit else 4


def _read_again(loaded: LoadedSpec, *, as_json: bool) -> int:
    """4 where a result is not what was published."""
    from rasreconcile.operations.reread import published_of, reread  # noqa: PLC0415  as above

    found = []
    for one in reread(published_of(loaded)):
        found.append(one)
        if one.trouble is not None and not as_json:
            say(click.style(f"{one.published.address}  {one.trouble}", fg="red"))
    damaged = [one for one in found if one.trouble is not None]
    if as_json:
        rows = [
            {
                "plan": one.published.address,
                "output": str(one.published.path),
                "size": one.published.size,
                "what": one.trouble.what if one.trouble else None,
                "remedy": one.trouble.remedy if one.trouble else None,
            }
            for one in found
        ]
        write_json({"spec": loaded.name, "read": rows})
    else:
        size = bytes_in_words(sum(one.published.size for one in found))
        told = f"{many(len(damaged), 'result')} damaged" if damaged else "all are what was published"
        say(f"{loaded.name}: {many(len(found), 'result')} read again, {size}: {told}")
    return 4 if damaged else 0


def _table(files: Sequence[InputFile]) -> Iterator[str]:
    """One line a file: kind, name, size and digest, whether it counts, and who names it."""
    rows = [("kind", "file", "bytes", "sha256", "fingerprint", "named by")]
    rows += [
        (
            file.kind,
            file.name,
            "" if file.raw == MISSING else f"{file.size:,}",
            MISSING if file.raw == MISSING else file.raw[:12],
            "counts" if file.counts else "staged only",
            file.named_by,
        )
        for file in files
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:{'>' if n == 2 else '<'}{widths[n]}}" for n, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()


def _input(file: InputFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "kind": file.kind,
        "size": file.size,
        "digest": file.raw,
        "missing": file.raw == MISSING,
        "counts": file.counts,
        "named_by": file.named_by,
        "references": [r for r in (file.reference, *file.aliases) if r],
        "source": str(file.source),
    }
