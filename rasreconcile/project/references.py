"""A path as HEC-RAS spells it: quotes, backslashes, drives, shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rasreconcile.errors import ProjectError
from rasreconcile.reserved import is_device

LONGEST = 1024
"""Characters. Windows itself stops at 260 in most of HEC-RAS."""

_LONGEST_PART = 255
_DRIVE = re.compile(r"([A-Za-z]):(.*)", re.DOTALL)
_NEVER = re.compile(r'[\x00-\x1f\x7f<>|?*":\ud800-\udfff]')


@dataclass(frozen=True, slots=True)
class Reference:
    """A path in parts. `..` is kept, `.` is not."""

    spelled: str
    """As it stands in the file that names it."""
    root: str
    """Empty: relative. Else `C:`, `//server/share` or `/`."""
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part."""
        return self.parts[-1]

    def __str__(self) -> str:
        return f"{self.root.rstrip('/')}/{'/'.join(self.parts)}" if self.root else "/".join(self.parts)


def parse_reference(text: str) -> Reference:
    """Raises ProjectError where it can be the name of no file."""
    path = text.strip().strip("\"'").strip().replace("\\", "/")
    if len(path) > LONGEST:
        raise ProjectError(f"{_short(text)} is longer than {LONGEST} characters", "choose the file again")
    if path.startswith("//?/"):
        path = path[4:]
        path = f"//{path[4:]}" if path[:4].upper() == "UNC/" else path
    if path.startswith("//./"):
        raise ProjectError(f"{_short(text)} is a device", "choose a file")
    root, rest = _split_root(path)
    parts = tuple(part for part in rest.split("/") if part not in {"", "."})
    if root:
        parts = _without_parents(parts)
    if not parts or parts[-1] == "..":
        raise ProjectError(f"{_short(text)} names no file", "choose one")
    for part in parts:
        if _NEVER.search(part) or len(part.encode()) > _LONGEST_PART:
            raise ProjectError(f"{_short(text)} cannot be a file name", "choose the file again")
        if is_device(part.rstrip(" .")):
            raise ProjectError(f"{_short(text)} is a Windows device", "choose a file")
    return Reference(text, root, parts)


def mapped(reference: Reference, path_map: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
    """The folder that the longest fitting entry of the map gives, and the parts below it; None where none fits.

    Raises ProjectError where an entry of the map is not an absolute path.
    """
    best: tuple[int, str] | None = None
    for prefix, place in path_map.items():
        root, parts = parse_prefix(prefix)
        fits = root == reference.root.casefold() and parts == tuple(
            part.casefold() for part in reference.parts[: len(parts)]
        )
        if fits and len(parts) < len(reference.parts) and (best is None or len(parts) > best[0]):
            best = (len(parts), place)
    return None if best is None else (best[1], reference.parts[best[0] :])


def mapped_word(word: str, path_map: Mapping[str, str]) -> str | None:
    """Where a path, or a pattern, of another machine is on this one; None where no entry of the map fits.

    An entry of the map that is not an absolute path fits nothing.
    """
    root, rest = _split_root(word.strip().replace("\\", "/"))
    parts = tuple(part for part in rest.split("/") if part not in {"", "."})
    absolute = {
        prefix: place
        for prefix, place in path_map.items()
        if _split_root(prefix.strip().replace("\\", "/"))[0]
    }
    found = mapped(Reference(word, root, _without_parents(parts)), absolute) if root and parts else None
    return None if found is None else "/".join((found[0].rstrip("/") or "", *found[1]))


def parse_prefix(prefix: str) -> tuple[str, tuple[str, ...]]:
    """Root and parts of a folder, casefolded. Raises ProjectError where it is not absolute."""
    root, rest = _split_root(prefix.strip().replace("\\", "/"))
    if not root:
        raise ProjectError(
            f"{_short(prefix)} is not an absolute path",
            "write a drive, `C:\\Models`, or a share, `\\\\host\\share`",
        )
    parts = tuple(part.casefold() for part in rest.split("/") if part not in {"", "."})
    return root.casefold(), parts


def tails(reference: Reference) -> Iterator[tuple[str, ...]]:
    """The ends of an absolute path, the longest first."""
    for first in range(len(reference.parts)):
        yield reference.parts[first:]


def joined(folder: str, parts: tuple[str, ...]) -> str:
    """A name below or beside `folder`, both relative to the project's folder; `..` only where it must lead out."""
    found: list[str] = []
    for part in (*folder.split("/"), *parts):
        if part in {"", "."}:
            continue
        if part == ".." and found and found[-1] != "..":
            found.pop()
        else:
            found.append(part)
    return "/".join(found)


def _split_root(path: str) -> tuple[str, str]:
    if path.startswith("//"):
        host, _, rest = path[2:].lstrip("/").partition("/")
        share, _, rest = rest.partition("/")
        return f"//{host}/{share}", rest
    if path.startswith("/"):
        return "/", path
    drive = _DRIVE.fullmatch(path)
    return (f"{drive[1].upper()}:", drive[2]) if drive else ("", path)


def _without_parents(parts: tuple[str, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    for part in parts:
        if part != "..":
            kept.append(part)
        elif kept:
            kept.pop()
    return tuple(kept)


def _short(text: str) -> str:
    return ascii(text if len(text) <= 120 else f"{text[:120]}...")
