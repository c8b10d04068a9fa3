"""Names that Windows reserves: no file and no folder can have them there. PURE."""

from __future__ import annotations

import re

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def is_device(part: str) -> bool:
    """Whether one part of a path is a device, such as `nul`, `COM1.txt` or `con .x`, whatever folder it is in."""
    return _DEVICE.fullmatch(part) is not None


def is_reserved(part: str) -> bool:
    """Whether Windows could not keep one part of a path: a device, or a name whose last blank or dot it drops."""
    return part.endswith((" ", ".")) or is_device(part)
