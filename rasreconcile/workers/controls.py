"""What a run leaves in its directory, as hostile input: only plain files, opened once; only values within ranges."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from rasreconcile.hashed_copy import CHUNK
from rasreconcile.plain_files import KINDS

LARGEST = 4 << 20
"""Bytes of a control file: a done.json with ten thousand outputs is smaller."""
LARGEST_SIZE = 1 << 50
"""Bytes of a file that a run can have left, and of a disk."""
LATEST = 32_503_680_000.0
"""Seconds since the epoch, the year 3000: a clock that is later is not a clock."""


class Unfit(ValueError):
    """What lies there is not what a run leaves; the message says why, after the name of the file."""


# ---- files


@contextmanager
def opened(place: Path, name: str) -> Iterator[FileIO | None]:
    """File `name` of run directory `place`; None where there is none. Waits for nobody who has it open.

    Raises Unfit for anything else than a plain file: a control file is not a link, and below `work/` no link leads out
    of the run directory. What was looked at is what is opened: between two uses of a path there is time to change it.
    """
    file = _open(place, name)
    if file is None:
        yield None
        return
    with file:
        yield file


def text(place: Path, name: str) -> str | None:
    """A control file; None where there is none. Raises Unfit, also where it is too large."""
    with opened(place, name) as file:
        if file is None:
            return None
        data = read_at_most(file, LARGEST + 1)
    if len(data) > LARGEST:
        raise Unfit(f"{name} has more than {LARGEST >> 20} MB")
    # Half a character at the end of a damaged file is no reason to fail: the parser will say no.
    return data.decode("utf-8", errors="replace")


def read_at_most(file: FileIO, limit: int) -> bytes:
    """An unbuffered file may give less at once than it has."""
    parts: list[bytes] = []
    while limit > 0 and (part := file.read(min(limit, 1 << 20))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def parts_of(file: FileIO, size: int) -> Callable[[], bytes]:
    """Reads the file part by part, so many bytes of it and no more."""
    left = size

    def read() -> bytes:
        nonlocal left
        part = file.read(min(CHUNK, left)) if left > 0 else b""
        left -= len(part)
        return part

    return read


def kind_of(path: Path) -> str | None:
    """`a directory`, `a link`, `a named pipe`...; None where nothing is there."""
    try:
        return _kind(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _kind(mode: int) -> str:
    return KINDS.get(stat.S_IFMT(mode), "a special file")


def _open(place: Path, name: str) -> FileIO | None:
    try:
        return _opened(place, name)
    except PermissionError as error:
        # A job may take rights from its own files: that is no fault of the worker's folder.
        raise Unfit(f"{name} cannot be read: {error.strerror}") from error


def _check_plain(looked: int, name: str) -> None:
    mode = os.fstat(looked).st_mode
    if not stat.S_ISREG(mode):
        raise Unfit(f"{name} is {_kind(mode)} and not a plain file")


def _check_inside(really: Path, place: Path, name: str) -> None:
    if not really.is_relative_to(place.parent.resolve() / place.name):
        raise Unfit(f"{name} is a link that leads out of the run directory; it is not followed")


if sys.platform == "win32":
    from rasreconcile.workers.windows_kernel import path_of

    MARKING = os.O_WRONLY | os.O_CREAT | os.O_NOINHERIT | os.O_BINARY
    """With which an empty file is made."""

    def _opened(place: Path, name: str) -> FileIO | None:
        path = place / name
        if (kind := kind_of(path)) is None:
            return None
        if kind not in {"a file", "a link"}:
            raise Unfit(f"{name} is {kind} and not a plain file")
        if kind == "a link" and "/" not in name:
            raise Unfit(f"{name} is a link and not a plain file")
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOINHERIT | os.O_BINARY)
        except FileNotFoundError:
            if path.is_symlink():
                raise Unfit(f"{name} is a link to nowhere") from None
            return None
        try:
            _check_plain(file, name)
            # What is open, and not what the name means by now.
            really = Path(path_of(file))
            _check_inside(really, place, name)
            if "/" not in name and os.path.normcase(really) != os.path.normcase(place.resolve() / name):
                raise Unfit(f"{name} is a link and not a plain file")
        except BaseException:
            os.close(file)
            raise
        return os.fdopen(file, "rb", buffering=0)

else:
    MARKING = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    """With which an empty file is made: no pipe is waited for, no link leads into another file."""

    def _opened(place: Path, name: str) -> FileIO | None:
        looked = _looked_at(place, name)
        if looked is None:
            return None
        try:
            _check_plain(looked, name)
            _check_inside(Path(f"/proc/self/fd/{looked}").readlink(), place, name)
            # By its descriptor: the name may mean something else by now.
            return Path(f"/proc/self/fd/{looked}").open("rb", buffering=0)
        finally:
            os.close(looked)

    def _looked_at(place: Path, name: str) -> int | None:
        """A descriptor that reads nothing and wakes nobody."""
        follow = 0 if "/" in name else os.O_NOFOLLOW
        try:
            return os.open(place / name, os.O_PATH | os.O_CLOEXEC | follow)
        except (FileNotFoundError, NotADirectoryError):
            if (place / name).is_symlink():
                raise Unfit(f"{name} is a link to nowhere") from None
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Unfit(f"{name} is a circular link") from error
            raise


def require_room(into: Path, size: int) -> None:
    """Raises OSError where the disk of `into` has no room for so much: a sparse file can claim petabytes."""
    here = into.stat().st_size if into.exists() else 0
    if size - here > shutil.disk_usage(into.parent).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(into))


# ---- values


def document(said: str) -> dict[str, Any]:
    """A JSON object. Raises Unfit."""
    if len(said) > LARGEST:
        raise Unfit(f"has more than {LARGEST >> 20} MB")
    try:
        found = json.loads(said, parse_constant=_no_number)
    except Unfit:
        raise
    except RecursionError:
        raise Unfit("is nested too deeply") from None
    except ValueError as error:
        raise Unfit("is not JSON") from error
    if not isinstance(found, dict):
        raise Unfit("is not a JSON object")
    return found


def part(found: dict[str, Any], name: str) -> Any:
    """Raises Unfit where it is not there."""
    if name not in found:
        raise Unfit(f"has no `{name}`")
    return found[name]


def whole(value: Any, what: str, least: int, most: int) -> int:
    """A whole number in this range. Raises Unfit."""
    if type(value) is not int or not least <= value <= most:
        raise Unfit(f"says {what} {shown(value)}")
    return value


def moment(value: Any, what: str) -> datetime:
    """Seconds since the epoch. Raises Unfit."""
    # A number of hundreds of digits is compared, and cannot become a float; NaN is in no range.
    if type(value) not in {int, float} or not 0 <= value <= LATEST:
        raise Unfit(f"says {what} {shown(value)}")
    return datetime.fromtimestamp(value, UTC)


def word(value: Any, what: str, pattern: str) -> str:
    """A text of this form. Raises Unfit."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise Unfit(f"says {what} {shown(value)}")
    return value


def moment_or_none(seconds: float | None) -> datetime | None:
    """Of a file, whose time a job may set to anything; None where it is none."""
    if seconds is None or not 0 <= seconds <= LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def shown(value: Any) -> str:
    """In one short line, whatever it is."""
    try:
        said = json.dumps(value) if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):
        # A number of more digits than Python prints, or lists in lists.
        return "something too long to print"
    return said if len(said) <= 60 else f"{said[:60]}..."


def _no_number(said: str) -> Any:
    raise Unfit(f"says {said}, which is not a number")
