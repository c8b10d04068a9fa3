"""Edits of HEC-RAS texts. PURE: bytes in, bytes out; whatever is not edited stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

from rasreconcile.edited_inputs import SetKeys, SetReferences, UnixLines
from rasreconcile.project.text import BOM, decode, described, encoding_of


def edited(data: bytes, edit: UnixLines | SetKeys | SetReferences) -> bytes:
    """The text after one edit; HEC-RAS knows no byte order mark, so it is left out."""
    encoding, data = encoding_of(data), data.removeprefix(BOM)
    match edit:
        case UnixLines():
            return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        case SetKeys(values):
            return _with_keys(data, dict(values), encoding)
        case SetReferences(values):
            return _with_references(data, dict(values), encoding)


def _with_keys(data: bytes, values: dict[str, str], encoding: str) -> bytes:
    missing, lines = dict(values), []
    for line, end, free in _lines(data):
        key = line.partition(b"=")[0].strip().decode(encoding, "replace")
        if not free and b"=" in line and key in values:
            missing.pop(key, None)
            lines.append(_bytes(f"{key}={values[key]}", encoding) + end)
        else:
            lines.append(line + end)
    usual = b"\r\n" if b"\r\n" in data else b"\n"
    if missing and lines and not lines[-1].endswith((b"\n", b"\r")):
        lines.append(usual)
    lines += [_bytes(f"{key}={value}", encoding) + usual for key, value in missing.items()]
    return b"".join(lines)


def _with_references(data: bytes, values: dict[str, str], encoding: str) -> bytes:
    # By the end of the line: keys may hold `=` too (`Met BC=Precipitation|Gridded DSS Filename=...`).
    wanted = {
        b"=" + _bytes(old.strip(), encoding): b"=" + _bytes(new, encoding) for old, new in values.items()
    }
    lines = []
    for line, end, free in _lines(data):
        said = line.rstrip()
        old = None if free else next((old for old in wanted if said.endswith(old)), None)
        lines.append((line if old is None else said[: -len(old)] + wanted[old]) + end)
    return b"".join(lines)


def _lines(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Each line, its end, and whether it is free text, in which nothing is a key."""
    whole = data.splitlines(keepends=True)
    lines = [line.rstrip(b"\r\n") for line in whole]
    free = described([decode(line) for line in lines])
    for place, line in enumerate(lines):
        yield line, whole[place][len(line) :], place in free


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "surrogateescape")
