"""One key at the top of a YAML text, read no further than it stands."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from rasreconcile.specfile.lookalikes import at_an_end
from rasreconcile.specfile.yamlevents import NotYaml, events, is_scalar, line_of, text_of


def text_at(data: bytes, key: str) -> tuple[int, str | None]:
    """The line and the text of `key`; None where it is left out or null. Raises NotYaml, also where it is not text."""
    anchors: dict[str, yaml.ScalarEvent] = {}
    for name, value in _pairs(events(text_of(data)), anchors):
        if name.value != key:
            continue
        found = anchors.get(value.anchor or "") if isinstance(value, yaml.AliasEvent) else value
        line = line_of(name)
        if not isinstance(found, yaml.ScalarEvent):
            raise NotYaml(line, "is not text", "put it in quotes", key=key)
        plain = found.implicit[0] and found.tag is None
        if plain and is_scalar("null", found.value):
            return line, None
        if plain and any(is_scalar(kind, found.value) for kind in ("bool", "int", "float")):
            raise NotYaml(line, "is not text", "put it in quotes", key=key)
        if plain and (trouble := at_an_end(found.value)):
            raise NotYaml(line, trouble.what, trouble.remedy, key=key)
        if not found.value or "\0" in found.value:
            raise NotYaml(line, "is not a path", "name a file, or leave it out", key=key)
        return line, found.value
    return 1, None


def _pairs(
    stream: Iterator[yaml.Event], anchors: dict[str, yaml.ScalarEvent]
) -> Iterator[tuple[yaml.ScalarEvent, yaml.NodeEvent]]:
    """The keys of the mapping at the top with their values; anchored scalars go into `anchors` on the way."""
    depth = 0
    key: yaml.NodeEvent | None = None
    for event in stream:
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if isinstance(event, yaml.ScalarEvent) and event.anchor:
            anchors[event.anchor] = event
        if depth == 1 and key is None:
            key = event
        elif depth == 1:
            if isinstance(key, yaml.ScalarEvent):
                yield key, event
            key = None
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == 1 and not isinstance(event, yaml.MappingStartEvent):
                return
