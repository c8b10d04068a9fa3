"""`check`: what every plan reads, and what would stop a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.options import as_json, close, load_spec, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.plans import MISSING, BroughtBack, InputFile, Plan
from rasreconcile.report.text import bytes_in_words, many
from rasreconcile.report.values import troubles_values

if TYPE_CHECKING:
    from rasreconcile.errors import Trouble
    from rasreconcile.operations.check import Findings
    from rasreconcile.specfile import LoadedSpec


@verb(
    "check",
    examples=[
        ("check", "What every plan reads, and whether every worker is ready."),
        ("check --problems", "Only what is wrong."),
        ("check study.yaml Muncie/p04", "One plan, and the workers."),
        ("check --fix-script > fix.ps1", "What an administrator runs on the Windows hosts."),
    ],
    exits={0: "every plan can run and every worker is ready", 4: "a plan is blocked, or a worker is unfit"},
)
@takes_plans()
@as_json
@click.option("--problems", is_flag=True, help="Only what is wrong, not what is well.")
@click.option(
    "--fix-script", is_flag=True, help="Print the PowerShell that prepares Windows hosts, and nothing else."
)
@click.option("--read", "read", is_flag=True, help="Read every published result again, and nothing else.")
def command(target: Target, as_json: bool, problems: bool, fix_script: bool, read: bool) -> int:
    """List what each plan reads and what is missing, and ask every worker what would stop a run there.

    With --read compare every published result, byte by byte, with what was published.
    """
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.check import check  # noqa: PLC0415

    loaded = load_spec(target.spec)
    if fix_script:
        return _fix_script(loaded, as_json=as_json)
    if read:
        return _read_again(loaded, as_json=as_json)
    found = check(loaded, Clock(), target.plans)
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
                        "blocked_by": troubles_values(plan.stopped_by),
                        "runs_nowhere": troubles_values(found.nowhere(plan)),
                        "warnings": troubles_values(plan.warnings),
                        "needs": list(plan.needs),
                        "side_outputs": list(plan.side_outputs),
                    }
                    for plan in found.plans
                ],
                "results": troubles_values(found.results),
                "workers": {name: troubles_values(troubles) for name, troubles in found.workers.items()},
            }
        )
        return 0 if found.fit else 4
    for plan in found.plans:
        if not problems or found.stops(plan) or plan.warnings:
            _print(plan, found.stops(plan), whole=not problems)
    for trouble in found.results:
        say(click.style(str(trouble), fg="red"))
    for name, troubles in found.workers.items():
        if troubles or not problems:
            say(f"worker {name}: {'ready' if not troubles else 'unfit'}")
        for trouble in troubles:
            say(click.style(f"    {trouble}", fg="red"))
    close(f"{loaded.name}: {_sum(found)}")
    return 0 if found.fit else 4


def _fix_script(loaded: LoadedSpec, *, as_json: bool) -> int:
    scripts = {
        name: script
        for name, worker in loaded.spec.workers.items()
        if (write := loaded.kind_of(name).fix_script) is not None and (script := write(worker))
    }
    if as_json:
        write_json({"spec": loaded.name, "scripts": scripts})
        return 0
    for name, script in scripts.items():
        say(
            f"# For the administrator of worker {name}. Read it first; run it in an elevated PowerShell on that host.\n"
        )
        say(script)
    if not scripts:
        close(f"{loaded.name}: no worker needs anything to be allowed on a Windows host")
    return 0


def _print(plan: Plan, stopped: Sequence[Trouble], *, whole: bool) -> None:
    say(f"{plan.address}  {'blocked' if stopped else 'ready'}")
    if whole:
        for line in _table(plan.inputs):
            say(f"    {line}")
        for one in plan.brought_back:
            say(f"    {_written(one)}")
    for trouble in stopped:
        say(click.style(f"    {trouble}", fg="red"))
    for trouble in plan.warnings:
        say(click.style(f"    {trouble}", fg="yellow"))


def _sum(found: Findings) -> str:
    """`4 plans: 3 ready, 1 blocked; 2 workers: 1 ready, 1 unfit`."""
    blocked = sum(bool(found.stops(plan)) for plan in found.plans)
    unfit = sum(bool(troubles) for troubles in found.workers.values())
    warned = sum(bool(plan.warnings) for plan in found.plans)
    plans = f"{many(len(found.plans), 'plan')}: {_parts(len(found.plans), blocked, 'blocked')}"
    warnings = f", {warned} with warnings" if warned else ""
    places = f", {many(len(found.results), 'result path')} blocked" if found.results else ""
    workers = f"{many(len(found.workers), 'worker')}: {_parts(len(found.workers), unfit, 'unfit')}"
    return f"{plans}{warnings}{places}; {workers}"


def _parts(total: int, bad: int, word: str) -> str:
    ready = [f"{total - bad} ready"] if total > bad or not bad else []
    return ", ".join([*ready, *([f"{bad} {word}"] if bad else [])])


def _written(one: BroughtBack) -> str:
    why = "which `outputs` names" if one.read_by is None else f"which {one.read_by} reads"
    if one.read_by is not None and one.name.endswith(".rst"):
        why = "which another plan restarts from"
    place = "" if one.published_as == one.name else f"; published as {one.published_as}"
    return f"writes {one.name}, {why}{place}"


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
        close(f"{loaded.name}: {many(len(found), 'result')} read again, {size}: {told}")
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
