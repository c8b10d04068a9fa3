"""YAML as PyYAML reads it: its events and nodes, its errors in our words. JSON's scalars and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import yaml

from rasreconcile.specfile.files import LARGEST
from rasreconcile.specfile.lookalikes import cause

try:
    from yaml import CSafeLoader as FastLoader
except ImportError:  # pragma: no cover  wheels of PyYAML bring the C loader; slow is better than none
    from yaml import SafeLoader as FastLoader  # type: ignore[assignment]

DEEPEST = 40
MOST_VALUES = 1_000_000
"""Of a spec; ten thousand literal plans have a quarter of that."""

Kind = Literal["null", "bool", "int", "float"]
_JSON: dict[Kind, str] = {
    "null": r"null|~|",
    "bool": r"true|false",
    "int": r"-?(?:0|[1-9][0-9]*)",
    "float": r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)",
}


class NotYaml(Exception):
    """The text cannot be read as YAML at all, or not as what is looked for at `key`."""

    def __init__(self, line: int, what: str, remedy: str, *, key: str = "") -> None:
        super().__init__(f"line {line}: {what}; {remedy}")
        self.line, self.what, self.remedy, self.key = line, what, remedy, key


class _Loader(FastLoader):
    """Knows the scalars of JSON and no others: `yes`, `2026-01-01`, `0123` and `1:30` are text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # as PyYAML's own loaders do


for _kind, _pattern in _JSON.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), [*"nft~-0123456789", ""]
    )


def is_scalar(kind: Kind, text: str) -> bool:
    """Whether `text` is written as JSON writes this kind."""
    return re.fullmatch(_JSON[kind], text) is not None


_NOT_UTF_8 = ("is not UTF-8 text", "save it as UTF-8")


def text_of(data: bytes) -> str:
    """The text of a spec. Raises NotYaml where it is too much of it, or not UTF-8."""
    if len(data) > LARGEST:
        raise NotYaml(
            1, f"is larger than {LARGEST >> 20} MiB", "use patterns in `project` and ranges in `numbers`"
        )
    if b"\0" in data[:64]:
        raise NotYaml(1, *_NOT_UTF_8)  # UTF-16 without its mark is valid UTF-8 where all letters are plain
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotYaml(data[: error.start].count(b"\n") + 1, *_NOT_UTF_8) from error


def events(text: str) -> Iterator[yaml.Event]:
    """One after the other as the text is read. Raises NotYaml where it comes to something that is none."""
    with _in_our_words(text):
        yield from yaml.parse(text, Loader=_Loader)


def line_of(event: yaml.Event) -> int:
    """Where an event begins; from 1."""
    return event.start_mark.line + 1 if event.start_mark else 1


def compose(text: str) -> yaml.Node | None:
    """The nodes of the one document in `text`, None where there is none. Raises NotYaml."""
    # Depth recurses in C, and a node takes half a kilobyte: both are counted before the first node is built.
    depth = count = 0
    for event in events(text):
        if isinstance(event, yaml.NodeEvent):
            count += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
            if depth > DEEPEST or count > MOST_VALUES:
                line = line_of(event)
                raise too_deep(line) if depth > DEEPEST else _too_many(line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    with _in_our_words(text):
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node


def too_deep(line: int) -> NotYaml:
    """For text, or aliases of aliases, that no recursion should follow."""
    return NotYaml(line, f"is nested more than {DEEPEST} levels deep", "flatten it")


def _too_many(line: int) -> NotYaml:
    """For more values than memory should hold."""
    return NotYaml(
        line, f"holds more than {MOST_VALUES:,} values", "use patterns in `project` and ranges in `numbers`"
    )


@contextmanager
def _in_our_words(text: str) -> Iterator[None]:
    try:
        yield
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise NotYaml(line, f"not valid YAML: {error.reason}", "take them out") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "cannot be read"
        if "nesting depth" in problem:
            raise too_deep(mark.line + 1 if mark else 1) from None
        if problem == "second occurrence":
            problem = "found duplicate anchor"
        begun = error.context_mark or mark
        if mark and begun and (seen := cause(text.splitlines(), begun.line, mark.line)):
            raise NotYaml(seen[0], f"not valid YAML: {seen[1].what}", seen[1].remedy) from None
        opened = f" opened on line {begun.line + 1}" if mark and begun and begun.line < mark.line else ""
        remedy = next((r for part, r in _REMEDIES.items() if part in problem), _ELSE).format(opened=opened)
        # What stands between quotes may be the user's own words, and those a password; so may PyYAML's snippet,
        # which is why its error is not passed on.
        said = re.sub(r"'[^' ]{2,}'", "'...'", problem).removeprefix("but ")
        raise NotYaml(mark.line + 1 if mark else 1, f"not valid YAML: {said}", remedy) from None


_BACKSLASH = "use single quotes, in which a backslash is a backslash"
_REMEDIES = {
    "cannot start any token": "use spaces, not tabs; quote what begins with @ ` or %",
    "tab character": "use spaces, not tabs",
    "undefined alias": "put what begins with * in quotes",
    "mapping values are not allowed": "check the indentation, and quote what holds `: `",
    "another document": "keep one document in a file",
    "end of stream": "close the quote or bracket{opened}",
    "duplicate anchor": "give this anchor a name of its own",
    "expected ',' or": "close the bracket{opened}, and separate its items with commas",
    "node content": "close the bracket{opened}, and separate its items with commas",
    "expected ':'": "put a colon after the key, or check the indentation",
    "expected key": "check the indentation of this line and those above, and its brackets",
    "document start": "write `key: value` on every line, and nothing behind the end",
    "alphabetic": "put what begins with * or & in quotes",
    "hexdecimal": _BACKSLASH,
    "escape": _BACKSLASH,
}
_ELSE = "check quotes, brackets and indentation"
