"""Secrets: read where the spec says they are, at the moment they are needed, and never written anywhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.errors import Refused
from rasreconcile.plain_files import LARGEST_SMALL, whole
from rasreconcile.spec.base import Secret, SpecModel, secrets_of

_hidden: dict[str, str] = {}
"""What was in the environment of this program, by name."""


def hide(parts: Iterable[SpecModel]) -> None:
    """Takes the secrets that these parts of a spec name out of the environment: no child of ours inherits them."""
    for name in (secret.env for part in parts for secret in secrets_of(part)):
        if name is not None and name in os.environ:
            _hidden[name] = os.environ.pop(name)


@contextmanager
def hidden(parts: Iterable[SpecModel]) -> Iterator[None]:
    """The same for a while: in a program that is not ours, they are in the environment again afterwards."""
    names = [name for part in parts for secret in secrets_of(part) if (name := secret.env) is not None]
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    _hidden.update(before)
    try:
        yield
    finally:
        os.environ.update({name: value for name, value in before.items() if name not in os.environ})


def reveal(secret: Secret, folder: Path) -> str:
    """The secret itself. A file is relative to `folder`, that of the spec. Raises Refused where it cannot be had."""
    if secret.env is not None:
        value = os.environ.get(secret.env) or _hidden.get(secret.env)
        if not value:
            raise Refused(f"the environment variable {secret.env} is not set", "set it for this program")
        return value
    path = folder / expanded(secret.file or "")
    try:
        loose = os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        text = whole(path, LARGEST_SMALL).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Refused(f"{path}: {said}", "put the secret there, and nothing else") from error
    if loose:
        raise Refused(f"{path}: it is readable by other users", f"run `chmod 600 {path}`")
    if not text.strip():
        raise Refused(f"{path} is empty", "put the secret there, and nothing else")
    return text.removesuffix("\n").removesuffix("\r")
