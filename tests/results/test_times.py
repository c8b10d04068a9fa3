"""The times HEC-RAS writes."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.results import times

NOON = datetime(2023, 12, 31, 12)  # noqa: DTZ001
MIDNIGHT = datetime(2024, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("31DEC2023 12:00:00", NOON),
        ("31Dec2023 1200", NOON),
        ("31Dec2023,1200", NOON),
        ("31DEC2023 12:00:00:000", NOON),
        (" 31DEC2023 12:00 ", NOON),
        ("31Dec2023 2400", MIDNIGHT),
        ("31Dec2023 24:00:00", MIDNIGHT),
        ("01Jan0100 00:00:00", datetime(100, 1, 1)),  # noqa: DTZ001
        ("31Dez2023 12:00:00", None),
        ("00Jan0000 00:00:00", None),
        ("31Dec9999 24:00:00", None),
        ("06/08/2025 8:40:48 AM", None),
        ("", None),
        (None, None),
    ],
)
def test_moments(text: str | None, wanted: datetime | None) -> None:
    assert times.moment(text) == wanted


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("01:48:04 PM", 13),
        ("13:48:04 PM", 13),
        ("12:48:04 AM", 0),
        ("12:48:04 PM", 12),
        ("08:48:04 AM", 8),
        ("13:48:04", 13),
    ],
)
def test_the_start_in_the_messages_is_read_in_both_clocks(written: str, hour: int) -> None:
    said = f"Plan: 'Base'\r\nSimulation started at: 13Mar2026 {written}\r\n\r\nWriting Geometry..."
    assert times.started(said) == datetime(2026, 3, 13, hour, 48, 4)  # noqa: DTZ001


def test_a_half_of_the_day_in_an_unknown_language_is_not_guessed() -> None:
    assert times.started("Simulation started at: 13Mar2026 01:48:04 下午") is None


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert times.moment(text) is None or isinstance(times.moment(text), datetime)
    times.started(f"Simulation started at: {text}")
    times.window(f"{text} to {text}")
