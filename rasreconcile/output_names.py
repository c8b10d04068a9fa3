"""Names and patterns of `outputs:`: what a run brings back besides its result. PURE."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from pathlib import PurePosixPath

from rasreconcile.errors import Trouble
from rasreconcile.reserved import is_reserved

RECEIPT = ".receipt.json"
PLACEHOLDER = re.compile(r"\{(stem|number)\}")
_LONGEST_PART = 200
"""Bytes: a temporary name beside it is longer."""
_OF_PROJECT = re.compile(r"\.(?:prj|rasmap|[pguqfsw][0-9]{2})$", re.IGNORECASE)


def is_pattern(name: str) -> bool:
    """Whether it means every file that matches."""
    return "*" in name or "?" in name


def matches(name: str, pattern: str) -> bool:
    """Folder by folder; brackets mean themselves, and a name without a wildcard is that name."""
    parts, wanted = PurePosixPath(name).parts, PurePosixPath(pattern).parts
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, want.replace("[", "[[]")) for part, want in zip(parts, wanted, strict=True)
    )


def filled(word: str, *, stem: str, number: str) -> str:
    """With its placeholders replaced. Plain replacement: a stem may hold braces."""
    values = {"stem": stem, "number": number}
    name = PLACEHOLDER.sub(lambda found: values[found[1]], word)
    return PurePosixPath(name).as_posix()


def output_trouble(word: str) -> Trouble | None:
    """Why it names nothing that a run could bring back from its folder; None: it does."""
    name = PLACEHOLDER.sub("00", word)
    parts = PurePosixPath(name).parts
    if not parts:
        return Trouble("is not a file name", 'write a name, "{stem}.O{number}"')
    if "\\" in name:
        return Trouble("has a backslash", "write folders with `/`")
    if name.startswith(("/", "~")) or re.match(r"[A-Za-z]:", name) or ".." in parts:
        return Trouble("leads out of the project's folder", "name a file inside it")
    if name.endswith("/"):
        return Trouble("is a folder", "name its files, `maps/*.tif`")
    if "**" in name:
        return Trouble("has `**`", "name each folder, `maps/*/*.tif`")
    for part in parts:
        odd = any(c in ':"<>|' or unicodedata.category(c) in {"Cc", "Cs"} for c in part)
        plain = part.replace("*", "x").replace("?", "x")
        if odd or is_reserved(plain) or len(part.encode()) > _LONGEST_PART:
            return Trouble("is not a name that every system can give a file", "choose another")
        if part.startswith("."):
            return Trouble("names a hidden file", "choose another")
    if "{" in name or "}" in name:
        return Trouble("has an unknown placeholder", "only {stem} and {number} are replaced")
    if set(parts[-1]) <= {"*", "?", "."}:
        return Trouble("means every file", "name what is to be brought back, `*.tif`")
    if name.casefold().endswith((RECEIPT, ".part")):
        return Trouble("is a name that rasreconcile gives its own files", "leave it out")
    if _OF_PROJECT.search(name):
        return Trouble("is a file of the project itself, which no run changes", "leave it out")
    return None
