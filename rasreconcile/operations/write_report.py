"""A page about a study, written as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.clock import Clock
from rasreconcile.errors import UsageError
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.operations.report import Details, study_page
from rasreconcile.report.costs import NO_PRICES, Prices
from rasreconcile.report.html.render import rendered

if TYPE_CHECKING:
    from rasreconcile.store.reader import Missing


@dataclass(frozen=True, slots=True)
class Written:
    """A page."""

    path: Path
    plans: int
    size: int
    """Bytes."""


def write_report(  # noqa: PLR0913  a study, where the page goes, and what is told
    spec: Path,
    state: Path,
    named: NamedPlans = EVERY_PLAN,
    output: Path = Path("report.html"),
    *,
    details: Details = "some",
    prices: Prices = NO_PRICES,
    missing: Missing = "refuse",
) -> Written:
    """Raises UsageError, StoreError; UsageError too where the page cannot be written."""
    page = study_page(spec, state, named, now=Clock().now(), details=details, prices=prices, missing=missing)
    data = rendered(page).encode(errors="replace")
    temporary = output.with_name(f".{output.name}.new")
    try:
        temporary.write_bytes(data)
        temporary.replace(output)
    except OSError as error:
        raise UsageError(
            f"{output}: {error.strerror or error}", "name a file that can be written: -o FILE"
        ) from error
    return Written(output, len(page.rows), len(data))
