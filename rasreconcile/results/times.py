"""The times HEC-RAS writes, read without the locale of this machine. Pure; no time has a zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = r"(\d{1,2})([A-Za-z]{3})(\d{4})"
_MOMENT = re.compile(rf"{_DAY}[ ,]+(\d{{2}}):?(\d{{2}})(?::?(\d{{2}})(?:[.:]\d+)?)?", re.ASCII)
_STARTED = re.compile(
    rf"Simulation started at:[ \t]*{_DAY}[ \t]+(\d{{1,2}}):(\d{{2}}):(\d{{2}})[ \t]*([^\s]*)[ \t\r]*$",
    re.IGNORECASE | re.MULTILINE,
)
_EDITED = re.compile(
    r"^Node Last Edited Time=([A-Za-z]{3})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})",
    re.MULTILINE | re.ASCII,
)


def last_edited(geometry_text: str) -> datetime | None:
    """The latest `Node Last Edited Time=Mar/13/2026 13:47:57` of a geometry: copies and clones do not reset it."""
    times = (
        _at(day, month, year, timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds)))
        for month, day, year, hours, minutes, seconds in _EDITED.findall(geometry_text)
    )
    return max((at for at in times if at is not None), default=None)


def moment(text: str | None) -> datetime | None:
    """`03Jan1900 24:00:00`, `31Dec2023 2400`, `01JAN2020 08:00:00:000`; 24:00 is the next day's midnight."""
    found = _MOMENT.fullmatch((text or "").strip())
    if found is None:
        return None
    day, month, year, hours, minutes, seconds = found.groups()
    return _at(day, month, year, timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0)))


def window(text: str | None) -> tuple[datetime, datetime] | None:
    """`06AUG2025 08:40:49 to 06AUG2025 08:40:50`."""
    first, _, last = (text or "").partition(" to ")
    start, end = moment(first), moment(last)
    return (start, end) if start and end else None


_INTERVAL = re.compile(r"(\d+(?:\.\d+)?)\s*(SEC|MIN|HOUR|DAY|WEEK)S?", re.IGNORECASE)
_SECONDS = {"SEC": 1, "MIN": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 604800}


def interval(text: str | None) -> timedelta | None:
    """`15MIN`, `1HOUR`, `6SEC`; None for months and years, which are of no fixed length."""
    found = _INTERVAL.fullmatch((text or "").strip())
    if found is None or len(found[1]) > 9:
        return None
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2].upper()]) or None


_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def simulation(text: str) -> tuple[datetime, datetime] | None:
    """A plan file's `Simulation Date`: `01JAN1900,0000,03JAN1900,2400`, in old files `02/18/1999,0000,...`."""
    words = [word.strip() for word in text.split(",")]
    if len(words) != 4:
        return None
    start, end = moment(_spelled(*words[:2])), moment(_spelled(*words[2:]))
    return (start, end) if start and end else None


def _spelled(day: str, clock: str) -> str:
    american = _AMERICAN.fullmatch(day)
    if american and 1 <= int(american[1]) <= 12:
        day = f"{american[2]}{_MONTHS[int(american[1]) - 1]}{american[3]}"
    return f"{day} {clock.zfill(4)}"


def started(messages: str) -> datetime | None:
    """When the run that wrote these messages began. None where they do not say so in a way that can be trusted."""
    lines = list(_STARTED.finditer(messages))
    if not lines:
        return None
    day, month, year, hours, minutes, seconds, half = lines[-1].groups()
    hour = int(hours)
    if half.upper() in {"AM", "PM"}:
        # By locale HEC-RAS writes `08:16:24 PM` or `20:16:24 PM`.
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    elif half:
        return None
    return _at(day, month, year, timedelta(hours=hour, minutes=int(minutes), seconds=int(seconds)))


def _at(day: str, month: str, year: str, clock: timedelta) -> datetime | None:
    if month.lower() not in _MONTHS:
        return None
    try:
        return datetime(int(year), _MONTHS.index(month.lower()) + 1, int(day)) + clock  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
