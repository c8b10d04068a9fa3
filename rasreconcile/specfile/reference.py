"""The reference of the spec in words, from the models. Run as a module it writes docs/spec.md and the schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rasreconcile.specfile.schema import schema, schema_json

_HEAD = """\
# The spec

Generated from the models by `python -m rasreconcile.specfile.reference`; a test keeps it current.

Paths are relative to the spec file. YAML with the scalars of JSON: `yes`, `2026-01-01` and `0123` are text; only
`true` and `false` are booleans. Unknown and duplicate keys are faults, and every fault is told at once as
`file:line: path: what; what to do`. Durations are written `30s`, `15m`, `2h`, `1h30m`. A secret is named, never
written. Anchors, aliases and `<<` work below the top; tags do not.

A worker runs `cores_total / cores_per_plan` plans at once, rounded down. A field without a default may be left out
unless it is required.

```yaml
# yaml-language-server: $schema=spec.schema.json
version: 1
engine: {type: steady}

workers:
  desk:
    type: local
    cores_total: 8
    cores_per_plan: 2

plans:
  - project: models/Muncie/Muncie.prj
    numbers: ["04", "06-12"]
    expect:
      water_surface: {finite: true, between: [900.0, 990.0]}
```

`specs/demo.yaml` is a small spec that runs; `specs/all-workers.yaml` shows every kind of worker.
"""
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def reference_markdown() -> str:
    """docs/spec.md: one table for every part of the spec, in the order in which a reader meets them."""
    whole = schema()
    parts = {"Spec": whole, **whole["$defs"]}
    order = dict.fromkeys(["Spec", *_references(whole["properties"], parts, ("Spec",))])
    return "\n".join([_HEAD, *(line for name in order for line in _section(name, parts[name]))])


def _references(node: Any, parts: dict[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    """The parts that a node names, each followed by those that it names itself."""
    if isinstance(node, dict):
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name and name not in above:
            yield name
            yield from _references(parts[name].get("properties", {}), parts, (*above, name))
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from _references(inner, parts, above)


def _section(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield from (f"## {name}", "", part["description"], "")
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    required = set(part.get("required", []))
    # `type` says which kind a mapping is: it comes first, though every kind inherits other fields before it.
    for key in sorted(part["properties"], key=lambda key: key != "type"):
        field = part["properties"][key]
        meaning = " ".join(field["description"].split()).replace("|", "\\|")
        yield f"| `{key}` | {_kind(field)} | {_default(field, required=key in required)} | {meaning} |"
    yield ""


def _default(field: dict[str, Any], *, required: bool) -> str:
    if required:
        return "**required**"
    default = field.get("default")
    if default in (None, "", [], {}):
        return ""
    if isinstance(default, dict):
        return "as below"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _kind(field: dict[str, Any]) -> str:
    match field:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"anyOf": [*several]} | {"oneOf": [*several]}:
            named = [_kind(option) for option in several if option.get("type") != "null"]
            return " or ".join(dict.fromkeys(named))
        case {"const": value}:
            return f"`{value}`"
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "prefixItems": [first, *_] as items}:
            return f"list of {len(items)} {_kind(first)}s"
        case {"type": "array", "items": dict(inner)}:
            return f"list of {_kind(inner)}"
        case {"type": "object"}:
            inner = field.get("additionalProperties") or next(iter(field["patternProperties"].values()))
            return f"mapping of {_kind(inner)}"
        case _:
            bounds = [f"{word} {field[key]:,}" for key, word in _BOUNDS.items() if key in field]
            return " ".join([_PLAIN[field["type"]], *bounds])


_PLAIN = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}


if __name__ == "__main__":
    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    (docs / "spec.md").write_text(reference_markdown(), encoding="utf-8", newline="\n")
    (docs / "spec.schema.json").write_text(schema_json(), encoding="utf-8", newline="\n")
