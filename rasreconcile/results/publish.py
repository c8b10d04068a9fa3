"""Publication: a proven file takes the place of the last one in one step.

At no moment is the last good output missing or short: the new file is whole and on the disk, beside its destination,
before a rename gives it the name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace as replaced
from functools import partial
from pathlib import Path
from typing import Literal

from rasreconcile import held_files
from rasreconcile.errors import PublishHeld, ResultError
from rasreconcile.hashed_copy import CHUNK, hashed_copy
from rasreconcile.held_files import PATIENCE, Patience, is_held, when_let_go
from rasreconcile.jobs import RunId
from rasreconcile.plain_files import LARGEST, NotPlain, head, opened
from rasreconcile.records import Published
from rasreconcile.results import receipts
from rasreconcile.results.receipts import read_receipt, receipt_path

__all__ = [
    "Patience",
    "Thoroughness",
    "copy_file",
    "digest_file",
    "drop",
    "held",
    "make_folder",
    "place",
    "read_receipt",
    "receipt_path",
    "remove",
    "replace",
    "says_no_room",
    "sweep",
    "temporary_name",
    "write_receipt",
    "write_receipts",
]

Thoroughness = Literal["summary", "every dataset"]

_HDF = b"\x89HDF\r\n\x1a\n"


def place(output: Path) -> Path:
    """The file that is written: the output, or the result that its link leads to. The link stays.

    A link that leads to anything but a result is replaced itself, as a receipt's is: nobody's other file is written.
    Raises PublishHeld where the folder that it leads to is not there: a disk may not be mounted.
    """
    if not output.is_symlink() or output.name.endswith(receipts.SUFFIX):
        return output
    real = Path(os.path.realpath(output))
    if real.is_symlink() or not _is_result(real, output):
        return output
    if not real.parent.is_dir():
        raise PublishHeld(
            f"cannot be put at {output}: it is a link to {real}, whose folder does not exist",
            "mount the disk, or remove the link",
        )
    return real


def _is_result(real: Path, output: Path) -> bool:
    if real.suffix.casefold() == output.suffix.casefold():
        return True
    try:
        return head(real, len(_HDF)) == _HDF
    except OSError:
        # Nobody can say that it is one.
        return False


def temporary_name(output: Path, run: RunId) -> Path:
    """Beside the file that is replaced, so that replacing is one step of one file system."""
    real = place(output)
    return real.with_name(f".{real.name}.{run}.part")


def make_folder(output: Path) -> None:
    """Raises PublishHeld where the folder of `output` cannot be made."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise held(output, error) from error


def digest_file(path: Path) -> tuple[int, str]:
    """Size in bytes and sha256, hex. Raises OSError."""
    whole, size = hashlib.sha256(), 0
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            whole.update(chunk)
            size += len(chunk)
            if size > LARGEST:
                raise NotPlain(errno.EFBIG, "grows without end", os.fspath(path))
    return size, whole.hexdigest()


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copies, flushes to disk, and returns size and sha256 of what was written.

    Raises ResultError where `source` cannot be read, PublishHeld where `target` cannot be written; nothing half
    written is left.
    """
    try:
        read = opened(source)
    except OSError as error:
        raise ResultError(f"{source}: {error.strerror or error}", "make it readable") from error
    with read:
        try:
            with target.open("wb") as write:
                copied = hashed_copy(partial(read.read, CHUNK), write)
                write.flush()
                os.fsync(write.fileno())
        except OSError as error:
            drop(target)
            raise held(target, error) from error
    return copied


def replace(
    temporary: Path,
    output: Path,
    *,
    patience: Patience = PATIENCE,
    rename: Callable[[Path, Path], object] = os.replace,
) -> None:
    """The proven file takes the output's name, and the mode and group of the file it replaces.

    Blocks for as long as `patience` has where another program holds that. Of an output that is a link, the file that
    it leads to is replaced. Raises PublishHeld where that is not possible now: both files are then as they were.
    """
    real = place(output)
    try:
        _flush(temporary)
        _take_after(temporary, real)
        when_let_go(partial(rename, temporary, real), patience)
        _flush_folder(real.parent)
    except OSError as error:
        raise held(output, error) from error


def write_receipts(published: Published, *, patience: Patience = PATIENCE) -> None:
    """Beside the output, and where that is a link beside the file it leads to: whoever comes there sees whose it is.

    Raises PublishHeld where one cannot be written.
    """
    real = place(published.path)
    if real != published.path:
        write_receipt(replaced(published, path=real), patience=patience)
    write_receipt(published, patience=patience)


def write_receipt(published: Published, *, patience: Patience = PATIENCE) -> None:
    """Beside the output, aside first and renamed. Raises PublishHeld where it cannot be written."""
    path = receipt_path(published.path)
    aside = temporary_name(path, published.run)
    try:
        # A file name may hold bytes that are no text; JSON has a spelling for them.
        with aside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(receipts.text(published))
    except OSError as error:
        drop(aside)
        raise held(path, error) from error
    try:
        replace(aside, path, patience=patience)
    except PublishHeld:
        drop(aside)
        raise


def remove(output: Path) -> None:
    """The result, then its receipt, which proves whose it is until the last. May be repeated.

    Raises PublishHeld where that is not possible now.
    """
    try:
        for path in (output, receipt_path(output)):
            held_files.remove(path)
    except OSError as error:
        raise held(output, error) from error


def sweep(folder: Path, outputs: Iterable[str], live: Collection[RunId]) -> tuple[Path, ...]:
    """Removes the temporary files of runs that are no longer live; returns what it removed.

    `outputs`: names, and patterns with `*` and `?`.
    Only files whose names are exactly of our own making are touched; one that cannot be removed is left.
    """
    escaped = (re.escape(name) for name in sorted(set(outputs)))
    names = "|".join(name.replace(r"\*", ".*").replace(r"\?", ".") for name in escaped)
    if not names:
        return ()
    pattern = re.compile(rf"\.(?:{names})(?:\.receipt\.json)?\.([a-z0-9-]+)\.part")
    removed = []
    # What a folder or file refuses here it refuses to publication too, which tells the user.
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            found = pattern.fullmatch(path.name)
            if found is None or found[1] in live or path.is_symlink() or not path.is_file():
                continue
            with suppress(OSError):
                path.unlink()
                removed.append(path)
    return tuple(removed)


def says_no_room(error: OSError) -> bool:
    """Whether it is the disk that is written to which refuses, whatever is read meanwhile."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def held(path: Path, error: OSError) -> PublishHeld:
    """The error as a person can act on it: what cannot be written, why, and what to do."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            why = "disk full or quota exceeded; free some space"
        case errno.EROFS:
            why = "the file system is read-only; make it writable or choose another `results` folder"
        case errno.EISDIR:
            why = "a folder stands in its place; move it away"
        case errno.ENOTDIR | errno.EEXIST:
            why = "a file stands where a folder is needed; move it away"
        case errno.ENOENT:
            why = "the proven file or its folder is gone; it is collected again"
        case errno.ENAMETOOLONG:
            why = "its name is too long; choose a `results` folder with a shorter path"
        case _ if is_held(error):
            why = "another program holds it open; close it there"
        case errno.EACCES | errno.EPERM:
            why = "that is not permitted; make the folder writable"
        case _:
            why = f"{error.strerror or error}; look at the disk"
    return PublishHeld(f"cannot be put at {path}: {why}")


def drop(path: Path) -> None:
    """Removes a temporary file in passing.

    A rest that stays, `sweep` removes later; what matters is the error that is being told.
    """
    with suppress(OSError):
        path.unlink()


def _flush(path: Path) -> None:
    """What a rename gives a name to must be on the disk first."""
    # Only Windows wants it open for writing, which a file that is read-only does not allow.
    with path.open("rb" if os.name == "posix" else "rb+") as file:
        os.fsync(file.fileno())


def _take_after(temporary: Path, replaced: Path) -> None:
    """Mode and group of the file that is replaced, and its owner where the system lets us give files away."""
    if sys.platform == "win32":
        return
    try:
        old = replaced.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(old.st_mode):
        return
    for owner in (old.st_uid, -1):
        # Who may not give it to that owner, or is not of that group, publishes it all the same.
        with suppress(PermissionError):
            os.chown(temporary, owner, old.st_gid)
            break
    temporary.chmod(stat.S_IMODE(old.st_mode) & 0o777)


def _flush_folder(folder: Path) -> None:
    """Makes a rename survive a power cut, where the system lets folders be opened."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot flush a folder; the rename is done all the same.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
