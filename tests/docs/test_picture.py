"""docs/apply.svg is a picture of a real run, and what it shows is what the program prints today."""

from __future__ import annotations

import html
import re
from pathlib import Path

from tests.docs import picture

PICTURE = Path(__file__).parents[2] / "docs" / "apply.svg"
SHOWN = (
    r"^\$ rasreconcile apply study\.yaml$",
    r"^\d\d:\d\d:\d\d UTC started Willow-20\d0/p0\d +on (desk|night): never-run",
    r"^\d\d:\d\d:\d\d UTC succeeded Willow-20\d0/p0\d +on (desk|night), \d+\.\d s, max WS \d+\.\d\d ft$",
    r"^\d+ of 12 plans current \(\d+ %\); (\d+ queued, )?\d running",
    r"^ *[━╸─]{16}  \d+(\.\d)? s so far(, about .* left.*)?$",
    r"^ +desk +\d of 2 slots$",
    r"^ +night +\d of 1 slot$",
    r"^ +Willow-20\d0/p0\d  (desk|night) +([━╸─]{10} +\d+ %  )? *\d+(\.\d)? s(  (of about|about) .*|  computed.*)?$",
)


def lines_of(svg: str) -> list[str]:
    """Its lines of text, from top to bottom."""
    rows: dict[str, list[str]] = {}
    for y, text in re.findall(r'<text class="apply-r\d+"[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        rows.setdefault(y, []).append(html.unescape(text).replace("\N{NO-BREAK SPACE}", " "))
    return ["".join(parts).rstrip() for _, parts in sorted(rows.items(), key=lambda row: float(row[0]))]


def test_every_line_of_the_picture_is_one_that_the_program_prints(tmp_path: Path) -> None:
    kept = PICTURE.read_text(encoding="utf-8")
    fresh = [line.plain for line in picture.captured(tmp_path)]
    for lines in (lines_of(kept), fresh):
        strange = [line for line in lines if line and not any(re.match(kind, line) for kind in SHOWN)]
        assert strange == []
    assert all(any(re.match(kind, line) for line in lines_of(kept)) for kind in SHOWN)
    assert any("succeeded" in line for line in fresh)


def test_the_picture_asks_nobody_for_anything() -> None:
    kept = PICTURE.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"')<]+", kept)) <= {
        "http://www.w3.org/2000/svg",
        "https://www.textualize.io",
    }
    assert "url(" not in re.sub(r"url\(#apply-[\w-]+\)", "", kept)
