"""What applying would take, in words and as values. PURE."""

from __future__ import annotations

from typing import Any

from rasreconcile.reconcile.forecast import Forecast
from rasreconcile.report.costs import Prices
from rasreconcile.report.text import many, roughly

UNKNOWN = "nothing tells how long it takes: no run of a plan has succeeded yet"


def in_words(found: Forecast, prices: Prices) -> str:
    """`about 3 h 20 min (2 h to 5 h) for 12 runs; 96 core-hours: cloud 60 (costs 1.2), desk 36`."""
    left = found.left
    words = f"about {roughly(left.likely)} ({roughly(left.low)} to {roughly(left.high)})"
    words += f" for {many(found.runs, 'run')}" if found.runs else ""
    parts = [
        f"{worker} {_few(hours)}" + (f" (costs {_few(hours * prices[worker])})" if worker in prices else "")
        for worker, hours in sorted(found.core_hours.items())
    ]
    total = sum(found.core_hours.values())
    words += f"; {_few(total)} core-hours: {', '.join(parts)}" if parts else ""
    if found.unplaced:
        words += f"; {many(len(found.unplaced), 'plan')} that no worker can take not counted"
    return words


def values(found: Forecast | None, prices: Prices) -> dict[str, Any] | None:
    """For programs: seconds, core-hours and money by worker; None: nothing tells."""
    if found is None:
        return None
    return {
        "runs": found.runs,
        "seconds": found.left.likely.total_seconds(),
        "seconds_low": found.left.low.total_seconds(),
        "seconds_high": found.left.high.total_seconds(),
        "core_hours": dict(found.core_hours),
        "cost": {
            worker: hours * prices[worker] for worker, hours in found.core_hours.items() if worker in prices
        },
        "unplaced": list(found.unplaced),
    }


def _few(number: float) -> str:
    """As exact as an estimate is: `0.0047`, `0.35`, `214`."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"
