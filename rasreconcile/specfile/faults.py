"""What pydantic found, in the words of this house: the place, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from rasreconcile.errors import Fault
from rasreconcile.spec import Spec
from rasreconcile.specfile.yamltext import Document, path_of

_WORDS: Mapping[str, tuple[str, str]] = {
    "int_type": ("is not a whole number", "write digits without quotes"),
    "float_type": ("is not a number", "write digits without quotes"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "string_type": ("is not text", "put it in quotes"),
    "missing": ("is missing", "add it"),
    "model_type": ("is not a mapping", "write its keys below it, indented"),
    "model_attributes_type": ("is not a mapping", "write its keys below it, indented"),
    "dict_type": ("is not a mapping", "write its keys below it, indented"),
    "mapping_type": ("is not a mapping", "write its keys below it, indented"),
    "tuple_type": ("is not a list", "write [one, two]"),
    "finite_number": ("is not a finite number", "write a number"),
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "too_short": ("min_length", "needs at least {} of them"),
    "too_long": ("max_length", "takes at most {} of them"),
    "string_too_short": ("min_length", "needs at least {} letters"),
    "string_pattern_mismatch": ("pattern", "is not of the form {}"),
}


def fault_of(error: ErrorDetails, document: Document, name: str) -> Fault:
    """The fault at its line."""
    place = _place(error, document)
    what, remedy = _say(error)
    line = document.line_of(place)
    return Fault(name, line, path_of(place), what, remedy)


def _place(error: ErrorDetails, document: Document) -> tuple[str | int, ...]:
    """The error's place without the tags of unions and other marks that pydantic puts between the keys."""
    place: list[str | int] = []
    value = document.value
    for n, part in enumerate(error["loc"]):
        last = n == len(error["loc"]) - 1
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif not (last and error["type"] == "missing"):
            continue
        place.append(part)
    if error["type"].startswith("union_tag") and isinstance(value, dict) and "type" in value:
        place.append("type")
    return tuple(place)


def _say(error: ErrorDetails) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "extra_forbidden":
        return "unknown key", _suggestion(error["loc"])
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return words.format(context.get(key)), "change it"
    if kind in {"literal_error", "enum"}:
        return f"must be {context.get('expected')}", "change it"
    if kind == "union_tag_invalid":
        return f"must be one of {context.get('expected_tags')}", _near_tag(context)
    if kind == "union_tag_not_found":
        return "`type` is missing", "say which type it is"
    what, _, remedy = error["msg"].removeprefix("Value error, ").partition("; ")
    # `HEC-RAS hangs` keeps its capitals, `Input should be` does not.
    return (what if what[1:2].isupper() else what[:1].lower() + what[1:]), remedy


def _near_tag(context: Mapping[str, Any]) -> str:
    tags = [tag.strip(" '") for tag in str(context.get("expected_tags", "")).split(",")]
    near = get_close_matches(str(context.get("tag", "")), tags, n=1)
    return f"did you mean {near[0]}?" if near else "change it"


def _suggestion(place: tuple[str | int, ...]) -> str:
    known = sorted(_keys_at(place[:-1]))
    near = get_close_matches(str(place[-1]), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"


@cache
def _schema() -> dict[str, Any]:
    return Spec.model_json_schema()


def _keys_at(place: tuple[str | int, ...]) -> set[str]:
    """The keys the schema knows at a place, union tags included in the way pydantic reports them."""
    nodes = [_schema()]
    for part in place:
        nodes = [step for node in nodes for option in _options(node) for step in _steps(option, part)]
    return {key for node in nodes for option in _options(node) for key in option.get("properties", {})}


def _options(node: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _options(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    return [node, *(found for part in node.get("anyOf", []) for found in _options(part))]


def _steps(node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    mapping = node.get("discriminator", {}).get("mapping", {})
    if part in mapping:
        return [{"$ref": mapping[part]}]
    inner: list[Callable[[], Any]] = [
        lambda: node.get("items") if isinstance(part, int) else None,
        lambda: node.get("additionalProperties"),
        lambda: next(iter(node.get("patternProperties", {}).values()), None),
    ]
    return [found for look in inner if isinstance(found := look(), dict)]
