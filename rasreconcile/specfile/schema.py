"""The JSON Schema of the spec, and its reference in words, both from the models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rasreconcile.spec import Spec


def schema_json() -> str:
    """JSON Schema, draft 2020-12, the same text every time."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Spec.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def reference_markdown() -> str:
    """docs/spec.md: one table for every part of the spec."""
    schema = Spec.model_json_schema()
    parts = {"Spec": schema, **schema["$defs"]}
    order = ["Spec", *(name for name in schema["$defs"])]
    sections = [line for name in order for line in _section(name, parts[name])]
    return "\n".join([*_HEAD, *sections]) + "\n"


_HEAD = [
    "# The spec",
    "",
    "Generated from the models by `python -m rasreconcile.specfile.schema`; a test keeps it current.",
    "",
    "Paths are relative to the spec file. YAML with the scalars of JSON: `yes`, `2026-01-01` and `0123` are text; only",
    "`true` and `false` are booleans. Unknown and duplicate keys are faults, and every fault is told at once as",
    "`file:line: path: what; what to do`. Durations are written `30s`, `15m`, `2h`, `1h30m`. A secret is named, never",
    "written.",
    "",
    "`specs/demo.yaml` is a small spec that runs; `specs/all-workers.yaml` shows every kind of worker.",
    "",
]


def _section(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    if part.get("description"):
        yield part["description"]
        yield ""
    yield "| key | what may stand there | default | meaning |"
    yield "|---|---|---|---|"
    required = set(part.get("required", []))
    for key, field in part.get("properties", {}).items():
        default = "required" if key in required else f"`{json.dumps(field.get('default'))}`"
        meaning = " ".join(field.get("description", "").split()).replace("|", "\\|")
        yield f"| `{key}` | {_kind(field)} | {default} | {meaning} |"
    yield ""


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in field:
            return " or ".join(dict.fromkeys(_kind(option) for option in field[several]))
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}" if isinstance(field.get("items"), dict) else "list"
    if field.get("type") == "object":
        inner = field.get("additionalProperties") or next(
            iter(field.get("patternProperties", {}).values()), None
        )
        return f"mapping of {_kind(inner)}" if isinstance(inner, dict) else "mapping"
    bounds = [f"{word} {field[key]}" for key, word in _BOUNDS.items() if key in field]
    return " ".join([str(field.get("type", "any")), *bounds])


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


if __name__ == "__main__":
    import sys
    from pathlib import Path

    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    (docs / "spec.md").write_text(reference_markdown(), encoding="utf-8")
    (docs / "spec.schema.json").write_text(schema_json(), encoding="utf-8")
