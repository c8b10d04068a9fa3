"""What another program printed, as part of a message of ours."""

from __future__ import annotations

import re

LONGEST = 300
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


def quoted(*printed: bytes) -> str:
    """On one line, without colours and control characters; of a long text the end, where the reason is."""
    whole = b"\n".join(_ESCAPES.sub(b"", part[-(1 << 16) :]) for part in printed)
    text = whole.decode("utf-8", "replace")
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= LONGEST else f"... {words[-LONGEST:]}"
