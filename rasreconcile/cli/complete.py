"""What a shell is offered while a verb's words are typed: plan addresses, and spec files. Never prints or raises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from click.shell_completion import CompletionItem

from rasreconcile.cli.targets import spec_and_plans
from rasreconcile.errors import RasReconcileError
from rasreconcile.operations.addresses import known_plans
from rasreconcile.plans import Address


def words(typed: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """Addresses that begin so, or whose last part does; and the specs in the folder that is being typed."""
    low = incomplete.lower()
    found = [
        CompletionItem(address, help=state)
        for address, state in _plans(typed)
        if address.lower().startswith(low) or (low and f"/{low}" in address.lower())
    ]
    return found + [CompletionItem(name) for name in _specs(incomplete)]


def _plans(typed: Sequence[str]) -> Iterator[tuple[Address, str]]:
    try:
        spec, _ = spec_and_plans([str(word) for word in typed])
        yield from known_plans(spec)
    except (RasReconcileError, OSError):
        # Whoever presses Tab wants to go on typing; the verb itself says what is wrong.
        return


def _specs(incomplete: str) -> Iterator[str]:
    head, slash, last = incomplete.rpartition("/")
    folder = Path(head or slash or ".")
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        # A folder that is not there has no specs.
        return
    for entry in entries:
        if entry.name.startswith(last) and entry.suffix.lower() in {".yaml", ".yml"}:
            yield f"{head}{slash}{entry.name}"
