"""What changed in the water, in words and as values. PURE."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rasreconcile.records import WaterChange
from rasreconcile.report.text import many


def shortly(change: WaterChange) -> str:
    """For a line about a run: `up to 0.42 ft higher, up to 0.10 ft lower`; empty where nothing was compared."""
    if not change.compared:
        return ""
    if not change.changed:
        return "water as before"
    unit = f" {change.unit}" if change.unit else ""
    parts = [f"up to {change.rise:.2f}{unit} higher"] if _shows(change.rise) else []
    parts += [f"up to {change.fall:.2f}{unit} lower"] if _shows(change.fall) else []
    parts += [f"{change.wetted} wetted"] if change.wetted else []
    parts += [f"{change.dried} dried"] if change.dried else []
    return ", ".join(parts)


def lines(change: WaterChange) -> list[str]:
    """All that is known, a line each."""
    told = []
    unit = f" {change.unit}" if change.unit else ""
    if change.compared and not change.changed:
        told.append(f"as before within 0.01{unit}, at {many(change.compared, 'place')}")
    elif change.compared:
        told.append(f"changed at {change.changed} of {many(change.compared, 'place')}")
    if _shows(change.rise):
        told.append(f"up to {change.rise:.2f}{unit} higher: {change.rise_at}")
    if _shows(change.fall):
        told.append(f"up to {change.fall:.2f}{unit} lower: {change.fall_at}")
    if change.wetted or change.dried:
        told.append(f"{change.wetted} wetted, {change.dried} dried")
    if change.area_changed:
        square = f"{unit}²" if unit else ""
        told.append(
            f"area: {change.area_changed:,.0f}{square} changed, {change.area_wetted or 0:,.0f} wetted,"
            f" {change.area_dried or 0:,.0f} dried"
        )
    if change.not_compared:
        told.append(f"not compared: {change.not_compared}")
    return told


def values(change: WaterChange | None) -> dict[str, Any] | None:
    """For programs; None: no result was there before."""
    return None if change is None else asdict(change)


def _shows(number: float) -> bool:
    """What is within the solvers' tolerance is no change."""
    return number >= 0.01
