"""What another program printed, as part of a message of ours."""

from __future__ import annotations

from rasreconcile.printable import without_sequences

LONGEST = 300


def quoted(*printed: bytes) -> str:
    """On one line, without colours and control characters; of a long text the end, where the reason is."""
    text = "\n".join(without_sequences(part[-(1 << 16) :].decode("utf-8", "replace")) for part in printed)
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= LONGEST else f"... {words[-LONGEST:]}"
