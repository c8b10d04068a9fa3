"""YAML text to plain values, with the line of everything and everything that is wrong with it as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from rasreconcile.errors import Fault
from rasreconcile.specfile.lookalikes import NO_BLANK, at_an_end, blank_in, joined, quoted, unquoted
from rasreconcile.specfile.yamlevents import (
    DEEPEST,
    NotYaml,
    compose,
    is_scalar,
    text_of,
    too_deep,
)

MOST_ALIASED = 100_000
"""Values that aliases may stand for altogether: a bomb is defused, a shared expectation is not."""
LONGEST_NUMBER = 300
LONGEST_WORD = 200
"""Letters of a key in a fault's path; the paths of datasets fit."""

Place = Sequence[str | int]

_MERGE = "<<"


@dataclass(slots=True)
class Document:
    """A YAML document as plain values, with its nodes for the lines."""

    value: Any
    faults: list[Fault]
    root: yaml.Node | None
    unread: frozenset[tuple[str | int, ...]] = frozenset()
    """Places whose value is a fault already: whatever else is said about them would be said twice."""
    _keys: dict[int, dict[str, tuple[yaml.Node, int]]] = field(default_factory=dict)

    def line_of(self, place: Place) -> int:
        """The line of the key or item at `place`, or of the nearest thing around it. From 1."""
        node, line = self.root, 1
        for part in place:
            found = self._step(node, part)
            if found is None:
                break
            node, line = found
        return line

    def value_at(self, place: Place) -> Any:
        """The plain value at `place`; None where there is none."""
        value = self.value
        for part in place:
            try:
                value = value[part]
            except (LookupError, TypeError):
                return None
        return value

    def _step(self, node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, int] | None:
        if isinstance(node, yaml.MappingNode):
            if id(node) not in self._keys:
                self._keys[id(node)] = dict(_lines(node, frozenset()))
            return self._keys[id(node)].get(str(part))
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            item = node.value[part]
            return item, item.start_mark.line + 1
        return None


def _lines(node: yaml.Node, within: frozenset[int]) -> Iterator[tuple[str, tuple[yaml.Node, int]]]:
    """Merged keys first, so that those written here win; of two that are the same, the first is the last told."""
    if not isinstance(node, yaml.MappingNode) or id(node) in within:
        return
    for key, value in node.value:
        if key.value == _MERGE:
            for mapping in reversed(value.value) if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _lines(mapping, within | {id(node)})
    for key, value in reversed(node.value):
        if isinstance(key, yaml.ScalarNode):
            yield key.value, (value, key.start_mark.line + 1)


def parse(data: bytes, name: str) -> Document:
    """The document and everything wrong with it as YAML; `value` is None where it cannot be read at all."""
    reading = _Reading(name)
    try:
        node = compose(text_of(data))
        if node is None:
            raise NotYaml(1, "is empty", "see specs/demo.yaml for a first spec, or `rasreconcile init`")
        value = reading.value(node, ())
    except NotYaml as error:
        return Document(None, [Fault(name, error.line, "", error.what, error.remedy)], None)
    return Document(value, reading.faults, node, frozenset(reading.unread))


@dataclass(slots=True)
class _Reading:
    """Turns nodes into values, collecting faults on the way."""

    name: str
    faults: list[Fault] = field(default_factory=list)
    unread: set[tuple[str | int, ...]] = field(default_factory=set)
    _seen: set[int] = field(default_factory=set)
    _open: set[int] = field(default_factory=set)
    _aliased: int = 0

    def value(self, node: yaml.Node, place: tuple[str | int, ...], *, aliased: bool = False) -> Any:
        aliased = aliased or id(node) in self._seen
        if aliased:
            self._aliased += 1
            if self._aliased > MOST_ALIASED:
                what = f"holds aliases that expand to more than {MOST_ALIASED:,} values"
                raise NotYaml(node.start_mark.line + 1, what, "use fewer aliases")
        if id(node) in self._open:
            return self._unread(node, place, "an alias refers to the value that contains it", "take it out")
        if len(self._open) > DEEPEST:
            raise too_deep(node.start_mark.line + 1)
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        self._open.add(id(node))
        try:
            if node.tag not in {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}:
                return self._unread(node, place, *_TAGGED)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*place, n), aliased=aliased) for n, item in enumerate(node.value)]
            return self._mapping(node, place, aliased=aliased)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, place: tuple[str | int, ...], *, aliased: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._unread(key, place, "a key must be a word", "put it in quotes")
                continue
            self._as_meant(key, item, place)
            if "\0" in key.value:
                self._fault(key, (*place, key.value), "holds a NUL character", "take it out")
            elif key.value == _MERGE and not place:
                # `status` looks for `state` here without reading anything else.
                self._fault(key, (_MERGE,), "is not allowed at the top level", "write its keys out")
            elif key.value in lines:
                what = f"is repeated, first on line {lines[key.value]}"
                self._fault(key, (*place, key.value), what, "keep one")
            else:
                lines[key.value] = key.start_mark.line + 1
                if key.value == _MERGE:
                    for values in self._merged(item, place, aliased=aliased):
                        for word, value in values.items():
                            merged.setdefault(word, value)
                else:
                    found[key.value] = self.value(item, (*place, key.value), aliased=aliased)
        return {**merged, **found}

    def _as_meant(self, key: yaml.ScalarNode, item: yaml.Node, place: tuple[str | int, ...]) -> None:
        """A key in curly quotes is told, and read as the word between them. Raises NotYaml where none can be meant."""
        if key.style:
            return
        line = key.start_mark.line + 1
        if trouble := blank_in(key.value):
            raise NotYaml(line, trouble.what, trouble.remedy)
        if joined(key.value) and item.start_mark.index == item.end_mark.index:
            raise NotYaml(line, NO_BLANK.what, NO_BLANK.remedy)
        if trouble := quoted(key.value):
            key.value = unquoted(key.value)
            self._fault(key, (*place, key.value), trouble.what, trouble.remedy)

    def _merged(
        self, node: yaml.Node, place: tuple[str | int, ...], *, aliased: bool
    ) -> Iterator[dict[str, Any]]:
        value = self.value(node, (*place, _MERGE), aliased=aliased)
        for mapping in value if isinstance(value, list) else [value]:
            if isinstance(mapping, dict):
                yield mapping
            elif (*place, _MERGE) not in self.unread:
                self._fault(node, (*place, _MERGE), "is not a mapping", "give `<<` an alias of one")

    def _scalar(self, node: yaml.ScalarNode, place: tuple[str | int, ...]) -> Any:
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str" if "\0" in node.value:
                return self._unread(node, place, "holds a NUL character", "take it out")
            case "str" if not node.style and (trouble := at_an_end(node.value)):
                return self._unread(node, place, trouble.what, trouble.remedy)
            case "str":
                return node.value
            case "null" | "bool" | "int" | "float" as kind if is_scalar(kind, node.value):
                return self._json(kind, node, place)
            case _:
                return self._unread(node, place, *_TAGGED)

    def _json(self, kind: str, node: yaml.ScalarNode, place: tuple[str | int, ...]) -> Any:
        match kind:
            case "null":
                return None
            case "bool":
                return node.value == "true"
            case _ if len(node.value) > LONGEST_NUMBER:
                return self._unread(
                    node, place, "is too long for a number", "put it in quotes, or shorten it"
                )
            case "int":
                return int(node.value)
            case _:
                number = float(node.value)
                if number in {float("inf"), float("-inf")}:
                    return self._unread(node, place, "is too large for a number", "write a smaller one")
                return number

    def _unread(self, node: yaml.Node, place: tuple[str | int, ...], what: str, remedy: str) -> None:
        self.unread.add(place)
        self._fault(node, place, what, remedy)

    def _fault(self, node: yaml.Node, place: tuple[str | int, ...], what: str, remedy: str) -> None:
        self.faults.append(Fault(self.name, node.start_mark.line + 1, path_of(place), what, remedy))


# The tag is not repeated: a password that begins with `!` is one.
_TAGGED = ("has a tag, and tags are not supported", "put what begins with ! in quotes")


def path_of(place: Place) -> str:
    """`workers.lab.session_id`, `plans[2].expect`; on one line whatever the keys are."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            word = part if len(part) <= LONGEST_WORD else f"{part[:LONGEST_WORD]}..."
            path += ("." if path else "") + (word if word.isprintable() else repr(word)[1:-1])
    return path
