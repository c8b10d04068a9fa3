"""The spec file, and the paths a spec means on this machine. Imports nothing heavy."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.errors import Fault, Refused, SpecError, Trouble, Wrong
from rasreconcile.plain_files import head

LARGEST = 16 << 20
"""Bytes of a spec; ten thousand literal plans take two."""


_OTHER_FILES = (
    (b"Proj Title=", "is a HEC-RAS project, not a spec", "write a spec for it: rasreconcile init {}"),
    (b"Plan Title=", "is a plan of HEC-RAS, not a spec", "name a spec; a plan is named beside it"),
    (b"Geom Title=", "is a geometry of HEC-RAS, not a spec", "name a spec, and plans by their addresses"),
    (b"Flow Title=", "is a flow file of HEC-RAS, not a spec", "name a spec, and plans by their addresses"),
    (b"\x89HDF\r\n", "is an HDF, not a spec", "name a spec; a plan is named beside it"),
    (b"SQLite format 3\0", "is a database, not a spec", "name a spec; its store is found through it"),
)
"""How files begin that users name in place of a spec."""


def bytes_of(path: Path) -> bytes:
    """The spec file's bytes, at most one more than LARGEST. Raises SpecError where it cannot be one."""
    data = _read(path)
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for begins, what, remedy in _OTHER_FILES:
        if start.startswith(begins):
            raise SpecError([Fault(str(path), 1, "", what, remedy.format(path))])
    return data


def _read(path: Path) -> bytes:
    try:
        return head(path, LARGEST + 1)
    except OSError as error:
        what = error.strerror or str(error)
    except ValueError:
        what = "holds a character that no file name can hold"
    wrong = of_windows(str(path)) or Trouble(what, "name a spec file")
    raise SpecError([Fault(str(path), 0, "", wrong.what, wrong.remedy)])


_WINDOWS_ROOT = re.compile(r"[A-Za-z]:(?:[\\/]|$)|\\\\")


def is_windows_path(written: str) -> bool:
    """Whether it begins with a drive, or with a share as Windows spells it."""
    return _WINDOWS_ROOT.match(written) is not None


_VARIABLE = re.compile(r"(?:^|[\\/])(\$\w+|\$\{[^}]*\}|%\w+%)")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def of_a_browser(written: str) -> Trouble | None:
    """What is wrong with a path that is a URL; None for all others."""
    if _URL.match(written):
        return Trouble(f"{written} is a URL", "write the path that the file has on this machine")
    return None


def of_a_shell(written: str) -> Trouble | None:
    """What is wrong with a path with variables that a shell would replace; None for all others."""
    if found := _VARIABLE.search(written):
        return Trouble(
            f"{found[1]} is not replaced in a spec", "write the whole path; `~` is the home folder"
        )
    return None


def of_windows(written: str) -> Trouble | None:
    """What is wrong with a path that only Windows understands; None on Windows, and for all others."""
    if os.name == "nt" or os.path.lexists(written):
        return None
    if is_windows_path(written):
        return Trouble(f"{written} is a path of Windows", "write the path that the file has on this machine")
    if "\\" in written:
        return Trouble(f"{written} has backslashes", f"write {written.replace(chr(92), '/')}")
    return None


def place_of(path: Path, written: str) -> Path:
    """What a path written in the spec at `path` means: relative to its folder, `~` expanded.

    Raises Wrong where `~` stands for nobody's folder.
    """
    user = re.split(r"[\\/]", written, maxsplit=1)[0]
    try:
        there = expanded(written)
        # Windows takes any name for that of a folder beside one's own.
        known = not re.match("~.", user) or expanded(user).is_dir()
    except Refused:
        known = False
    if not known:
        raise Wrong(f"{user} is not a home folder of this machine", "write the whole path")
    return Path(os.path.normpath(path.absolute().parent / there))


def store_of(path: Path, state: str | None) -> Path:
    """The store that the spec at `path` means by its `state`: `.rasreconcile/<name>.db` where it has none."""
    return place_of(path, f".rasreconcile/{path.stem}.db" if state is None else state)
