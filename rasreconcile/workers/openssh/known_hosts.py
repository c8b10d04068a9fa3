"""Known hosts: the lines of known_hosts files that speak of a host, as OpenSSH reads them."""

from __future__ import annotations

import hmac
import re
import struct
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from rasreconcile.errors import Refused
from rasreconcile.plain_files import LARGEST_TEXT, whole

Marker = Literal["", "cert-authority", "revoked"]
_MARKERS: dict[bytes, Marker] = {b"@cert-authority": "cert-authority", b"@revoked": "revoked"}


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line that speaks of a host."""

    where: str
    """File and line."""
    marker: Marker
    kind: str
    blob: bytes
    """The public key, in the form in which it travels. Compared as it is: no kind needs to be understood."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the files say of one host."""

    keys: tuple[KnownKey, ...]
    unread: tuple[str, ...]
    """Lines of this host that cannot be read, by file and line."""

    def of(self, marker: Marker) -> tuple[KnownKey, ...]:
        """Those lines that have this marker."""
        return tuple(key for key in self.keys if key.marker == marker)

    def revoked(self, blobs: Iterable[bytes]) -> KnownKey | None:
        """The line that revokes one of these keys."""
        wanted = set(blobs)
        return next((key for key in self.of("revoked") if key.blob in wanted), None)


def known_hosts(paths: Iterable[Path], name: str) -> Known:
    """What these files say of `name`: a host, an alias, or `[host]:port`. Lines of other hosts may be anything.

    Raises Refused where a file is there and cannot be read: it might revoke a key.
    """
    keys: list[KnownKey] = []
    unread: list[str] = []
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            where = f"{path}:{number}"
            marker, names, rest = _fields(line)
            if marker is None or not names or not _matches(names, name):
                continue
            key = _key(rest)
            if key is None:
                unread.append(where)
            else:
                keys.append(KnownKey(where, marker, *key))
    return Known(tuple(keys), tuple(unread))


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` shows it."""
    return "SHA256:" + b64encode(sha256(blob).digest()).decode().rstrip("=")


def _lines(path: Path) -> list[bytes]:
    try:
        # Bytes: names and comments may be in any encoding. What is no plain file, as /dev/null, says nothing.
        return whole(path, LARGEST_TEXT).splitlines() if path.is_file() else []
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}", "make it readable for this user") from error


def _fields(line: bytes) -> tuple[Marker | None, bytes, list[bytes]]:
    """Marker, names, and what follows; None as marker: one that is not known, or a comment."""
    words = line.split()
    if not words or words[0].startswith(b"#"):
        return None, b"", []
    marker: Marker | None = ""
    if words[0].startswith(b"@"):
        marker = _MARKERS.get(words.pop(0))
    return marker, words[0] if words else b"", words[1:]


def _key(words: list[bytes]) -> tuple[str, bytes] | None:
    """Kind and blob; None where they cannot be read, as in lines of SSH 1."""
    if len(words) < 2:
        return None
    try:
        blob = b64decode(words[1], validate=True)
        (size,) = struct.unpack_from(">I", blob)
    except (Error, struct.error):
        return None
    # The blob begins with its own kind.
    kind = blob[4 : 4 + size]
    if kind != words[0] or len(blob) <= 4 + size:
        return None
    return kind.decode("ascii", "replace"), blob


def _matches(names: bytes, wanted: str) -> bool:
    name = wanted.lower().encode("utf-8", "surrogateescape")
    if names.startswith(b"|"):
        return _is_hash_of(names, name)
    patterns = names.lower().split(b",")
    if any(matches_pattern(p[1:], name) for p in patterns if p.startswith(b"!")):
        return False
    return any(matches_pattern(p, name) for p in patterns if not p.startswith(b"!"))


def matches_pattern(pattern: bytes, name: bytes) -> bool:
    """As OpenSSH has it: `*` and `?` are wild, and brackets are brackets."""
    if b"*" not in pattern and b"?" not in pattern:
        return pattern == name
    wild = b"".join({b"*": b".*", b"?": b"."}.get(c, re.escape(c)) for c in re.findall(rb"(?s).", pattern))
    return re.fullmatch(wild, name, re.DOTALL) is not None


def _is_hash_of(hashed: bytes, name: bytes) -> bool:
    """`|1|salt|digest`."""
    parts = hashed.split(b"|")
    if len(parts) != 4 or parts[1] != b"1":
        return False
    try:
        salt, digest = b64decode(parts[2], validate=True), b64decode(parts[3], validate=True)
    except Error:
        return False
    return hmac.compare_digest(hmac.digest(salt, name, "sha1"), digest)
