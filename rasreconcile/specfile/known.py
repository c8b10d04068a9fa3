"""What the models know at a place of a spec, as their JSON Schema tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rasreconcile.spec import Spec

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A place of a spec, and what may stand there."""

    place: tuple[str | int, ...]
    """As the user wrote it: without the marks that pydantic puts between the keys."""
    keys: tuple[str, ...]
    """Of the mapping that the last part of `place` stands in."""
    part_of: str
    """The name of the model that the last part of `place` stands in, where it is one."""
    required: bool
    """Whether that model cannot do without it."""


def known_at(model: type[Spec], location: Sequence[str | int], *, new_key: bool = False) -> Known:
    """Follows the location of a pydantic error; `new_key`: its last part is a key that no model has."""
    whole = _schema(model)
    nodes: list[Node] = [whole]
    around = nodes
    place: list[str | int] = []
    for n, part in enumerate(location):
        options = [option for node in nodes for option in _options(node, whole)]
        if (tagged := list(_tagged(options, part))) and not (new_key and n == len(location) - 1):
            nodes = tagged
            continue
        steps = [step for option in options for step in _steps(option, part)]
        # `[key]` and the names of validators are no part of the spec; a list's index is one, and so is a new key.
        if steps or isinstance(part, int) or (new_key and n == len(location) - 1):
            place.append(part)
            around, nodes = nodes, steps
    inside = [option for node in around for option in _options(node, whole)]
    keys = dict.fromkeys(key for option in inside for key in option.get("properties", {}))
    title = next((str(option["title"]) for option in inside if "properties" in option), "")
    required = bool(place) and any(place[-1] in option.get("required", ()) for option in inside)
    return Known(tuple(place), tuple(sorted(keys)), title, required)


@cache
def _schema(model: type[Spec]) -> Node:
    return model.model_json_schema()


def _options(node: Node, whole: Node) -> list[Node]:
    if "$ref" in node:
        return _options(whole["$defs"][node["$ref"].rpartition("/")[2]], whole)
    return [node, *(found for part in node.get("anyOf", []) for found in _options(part, whole))]


def _tagged(options: list[Node], part: str | int) -> Iterator[Node]:
    for option in options:
        mapping = option.get("discriminator", {}).get("mapping", {})
        if part in mapping:
            yield {"$ref": mapping[part]}


def _steps(node: Node, part: str | int) -> Iterator[Node]:
    if isinstance(part, int):
        items = [*node.get("prefixItems", [])[part : part + 1], node.get("items")]
        yield from (item for item in items if isinstance(item, dict))
    elif part in node.get("properties", {}):
        yield node["properties"][part]
    else:
        values = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
        yield from (value for value in values if isinstance(value, dict))
