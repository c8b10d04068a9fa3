"""How a file's name may be spelled: in other case, with its accents apart, in bytes that are not UTF-8. PURE."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from rasreconcile.errors import Trouble


def name_key(name: str) -> str:
    """Equal for names that are one name to Windows and to whoever types them: case does not count, and `é` is one
    letter whether it is stored as one character or as `e` and its accent, as on macOS."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def composed(name: str) -> str:
    """With each accented letter as one character, as HEC-RAS's texts and Windows have it."""
    return unicodedata.normalize("NFC", name)


def is_foreign(path: Path | str) -> bool:
    """Whether the bytes of a path are not UTF-8, as in archives that were packed on an old Windows."""
    return any("\udc80" <= c <= "\udcff" for c in str(path))


def legible(path: Path | str) -> str:
    """The path with each byte that is not UTF-8 as `\\xe9`: fit for messages, JSON and the store."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def guessed(name: str) -> str:
    """A foreign name read in the Windows code page, which is what it was most probably packed in."""
    return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def foreign(path: Path | str) -> Trouble:
    """What is wrong with such a path, and what to do."""
    name = next((part for part in Path(path).parts if is_foreign(part)), str(path))
    return Trouble(f"{legible(path)}: this name is not UTF-8", f"rename it (it may mean {guessed(name)})")
