"""docs/hec-ras.md says of each claim about the real programs how sure it is, and where it was seen."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "hec-ras.md").read_text(encoding="utf-8")
HOW_SURE = ("seen", "read", "reported", "stand-in", "assumed")


def test_each_claim_has_a_word_that_the_page_explains_and_a_place() -> None:
    _, _, part = PAGE.partition("## What was seen on the real programs, and where")
    explained = part.partition("| claim |")[0].lower()
    assert [word for word in HOW_SURE if f"*{word}*" not in explained] == []
    rows = re.findall(r"^\| (.+?) \| ([^|]*) \|(.*)\|$", part.partition("|---|---|---|\n")[2], re.MULTILINE)
    assert len(rows) > 30
    vague = [claim for claim, sure, where in rows if not sure.startswith(HOW_SURE) or not where.strip()]
    assert vague == []
