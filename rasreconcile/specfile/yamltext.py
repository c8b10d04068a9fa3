"""YAML text to plain values, JSON scalars only, with the line of everything. The only home of yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from rasreconcile.errors import Fault

try:
    from yaml import CSafeLoader as FastLoader
except ImportError:  # pragma: no cover  wheels of PyYAML bring the C loader; slow is better than none
    from yaml import SafeLoader as FastLoader  # type: ignore[assignment]

LARGEST = 16 << 20
"""Bytes of a spec; ten thousand literal plans take two."""
DEEPEST = 40
MOST_ALIASED = 100_000
"""Values that aliases may stand for altogether: a bomb is defused, a shared expectation is not."""
LONGEST_NUMBER = 300

Place = Sequence[str | int]

_PLAIN = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_JSON = {
    "tag:yaml.org,2002:null": r"null|~|",
    "tag:yaml.org,2002:bool": r"true|false",
    "tag:yaml.org,2002:int": r"-?(?:0|[1-9][0-9]*)",
    "tag:yaml.org,2002:float": r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)",
}


class _Loader(FastLoader):
    """Knows the scalars of JSON and no others: `yes`, `2026-01-01`, `0123` and `1:30` are text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # as PyYAML's own loaders do


for _tag, _pattern in _JSON.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), [*"nft~-0123456789", ""])


@dataclass(slots=True)
class Document:
    """A YAML document as plain values, with its nodes for the lines."""

    value: Any
    faults: list[Fault]
    _root: yaml.Node | None
    _name: str

    def line_of(self, place: Place) -> int:
        """The line of the key or item at `place`, or of the nearest thing around it. From 1."""
        node, line = self._root, 1
        for part in place:
            found = _step(node, part)
            if found is None:
                continue
            node, line = found
        return line


def parse(data: bytes, name: str) -> Document:
    """The document and everything wrong with it as YAML; `value` is None where it cannot be read at all."""
    if len(data) > LARGEST:
        what = f"{len(data)} bytes are no spec"
        return _unreadable(
            name, 1, what, f"keep it under {LARGEST} bytes; use patterns in `project` and ranges"
        )
    try:
        text = data.decode("utf-8-sig")
        node = _compose(text)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _unreadable(name, line, "is not UTF-8 text", "save it as UTF-8")
    except yaml.YAMLError as error:
        return _unreadable(name, *_what(error))
    except RecursionError:
        return _unreadable(name, 1, "is nested too deeply", f"keep it under {DEEPEST} levels")
    if node is None:
        return _unreadable(
            name, 1, "is empty", "see specs/demo.yaml for a first spec, or `rasreconcile init`"
        )
    reading = _Reading(name)
    value = reading.value(node, ())
    return Document(value, reading.faults, node, name)


def _compose(text: str) -> yaml.Node | None:
    # Deep nesting recurses in C: it is counted on the tokens before anything is built from them.
    depth = deepest = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                raise RecursionError
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node


def _unreadable(name: str, line: int, what: str, remedy: str) -> Document:
    return Document(None, [Fault(name, line, "", what, remedy)], None, name)


def _what(error: yaml.YAMLError) -> tuple[int, str, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    hint = (
        "use spaces, not tabs"
        if "tab" in str(problem) or "cannot start any token" in str(problem)
        else "mend it"
    )
    return (mark.line + 1 if mark else 1), f"no YAML: {problem}", hint


def _step(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
        for key, value in node.value:
            if key.value == "<<" and (found := _step(value, part)):
                return found
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    return None


@dataclass(slots=True)
class _Reading:
    """Turns nodes into values, collecting faults on the way."""

    name: str
    faults: list[Fault] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _open: set[int] = field(default_factory=set)
    _aliased: int = 0

    def value(self, node: yaml.Node, place: tuple[str | int, ...], *, aliased: bool = False) -> Any:
        aliased = aliased or id(node) in self._seen
        if aliased:
            self._aliased += 1
            if self._aliased == MOST_ALIASED:
                self._fault(
                    node, place, f"aliases stand for more than {MOST_ALIASED} values", "write less by alias"
                )
            if self._aliased >= MOST_ALIASED:
                return None
        if id(node) in self._open:
            self._fault(node, place, "an alias stands for what it is in", "take it out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        self._open.add(id(node))
        try:
            if node.tag not in _PLAIN:
                self._fault(node, place, f"tag {node.tag} is not known here", "write plain values")
                return None
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*place, n), aliased=aliased) for n, item in enumerate(node.value)]
            return self._mapping(node, place, aliased=aliased)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, place: tuple[str | int, ...], *, aliased: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, place, "a key must be a word", "put it in quotes")
            elif key.value == "<<":
                for values in self._merged(item, place, aliased=aliased):
                    merged = {**values, **merged}
            elif key.value in found:
                self._fault(key, (*place, key.value), "stands here twice", "keep one")
            else:
                found[key.value] = self.value(item, (*place, key.value), aliased=aliased)
        return {**merged, **found}

    def _merged(
        self, node: yaml.Node, place: tuple[str | int, ...], *, aliased: bool
    ) -> Iterator[dict[str, Any]]:
        value = self.value(node, (*place, "<<"), aliased=aliased)
        for mapping in value if isinstance(value, list) else [value]:
            if isinstance(mapping, dict):
                yield mapping
            else:
                self._fault(node, (*place, "<<"), "is no mapping", "give `<<` an alias of one")

    def _scalar(self, node: yaml.ScalarNode, place: tuple[str | int, ...]) -> Any:
        match node.tag.rpartition(":")[2]:
            case "str":
                return node.value
            case "null":
                return None
            case "bool" if node.value in {"true", "false"}:
                return node.value == "true"
            case "int" | "float" as kind if re.fullmatch(_JSON[f"tag:yaml.org,2002:{kind}"], node.value):
                if len(node.value) > LONGEST_NUMBER:
                    self._fault(node, place, "is too long for a number", "put it in quotes, or shorten it")
                    return None
                return int(node.value) if kind == "int" else float(node.value)
            case _:
                self._fault(node, place, f"tag {node.tag} is not known here", "write plain values")
                return None

    def _fault(self, node: yaml.Node, place: tuple[str | int, ...], what: str, remedy: str) -> None:
        self.faults.append(Fault(self.name, node.start_mark.line + 1, path_of(place), what, remedy))


def path_of(place: Place) -> str:
    """`workers.lab.session_id`, `plans[2].expect`."""
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
