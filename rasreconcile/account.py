"""Who runs this program: name and home folder, as far as this machine knows them. A number may have neither."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from rasreconcile.errors import Refused


def home_or_none() -> Path | None:
    """By HOME, else by the user database; None where nothing says which it is."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def home() -> Path:
    """Raises Refused where nothing says which it is."""
    return expanded("~")


def expanded(path: str | Path) -> Path:
    """With `~` and `~name` as the folders they stand for. Raises Refused where one stands for none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise Refused(
            f"{path}: {whose(path)} has no home folder on this machine", "set HOME, or write the whole path"
        ) from error


def whose(path: str | Path) -> str:
    """`user 4711`, who runs this program, or the user whom `~name` names."""
    named = str(path).partition("/")[0].removeprefix("~")
    return named or _own_name() or "this user"


def name_of(uid: int) -> str:
    """The name of a user of this machine; `user 4711` where it has none."""
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415  POSIX only

        with suppress(KeyError):
            return pwd.getpwuid(uid).pw_name
    return f"user {uid}"


def user_name() -> str:
    """Of the user who runs this program; `user 4711` where this machine has no name for it."""
    return user_name_or_none() or (name_of(os.geteuid()) if hasattr(os, "geteuid") else "unknown")


def user_name_or_none() -> str | None:
    """By the environment, else by the user database, which may not know an uid, as in a container."""
    import getpass  # noqa: PLC0415  for whoever asks

    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return None


def _own_name() -> str:
    """By number; empty where users have none."""
    if sys.platform == "win32":
        return ""
    return name_of(os.geteuid())
