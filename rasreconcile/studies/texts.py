"""The text inputs of a plan, read again and proven to be what was hashed."""

from __future__ import annotations

import hashlib

from rasreconcile.plain_files import whole
from rasreconcile.plans import Plan

LARGEST_KEPT_TEXT = 4 << 20
"""Text inputs up to this size are kept in the store, so that `explain` can show what changed."""


def texts_of(plan: Plan) -> dict[str, bytes] | None:
    """The text inputs by digest; None where one is no longer what it was when it was hashed."""
    texts: dict[str, bytes] = {}
    for file in plan.inputs:
        if not file.is_text or file.size > LARGEST_KEPT_TEXT:
            continue
        try:
            data = whole(file.source)
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != file.raw:
            return None
        texts[file.raw] = data
    return texts
