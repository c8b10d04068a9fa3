"""The JSON Schema and the reference are made from the models, and are current."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rasreconcile.specfile import load, reference_markdown, schema_json

DOCS = Path(__file__).parents[2] / "docs"
Write = Callable[[str | bytes], Path]


def test_schema_and_reference_are_current() -> None:
    assert (DOCS / "spec.schema.json").read_text(encoding="utf-8") == schema_json()
    assert (DOCS / "spec.md").read_text(encoding="utf-8") == reference_markdown()


def test_they_are_written_by_one_command(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "rasreconcile.specfile.reference", str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.md", "spec.schema.json"]
    assert (tmp_path / "spec.md").read_bytes() == (DOCS / "spec.md").read_bytes()


def test_the_schema_ends_in_a_newline_and_describes_every_field() -> None:
    text = schema_json()
    assert text.endswith("}\n")
    schema = json.loads(text)
    fields = [
        (part, name, field) for part, inner in parts(schema) for name, field in inner["properties"].items()
    ]
    assert len(fields) > 90
    assert [f"{part}.{name}" for part, name, field in fields if not field.get("description")] == []


def test_defaults_stand_in_the_notation_of_the_spec(write: Write, good: str) -> None:
    schema = json.loads(schema_json())
    defaults = {name: field["default"] for name, field in schema["$defs"]["Retries"]["properties"].items()}
    assert defaults == {"attempts": 3, "wait": "30s", "at_most": "15m"}
    assert schema["properties"]["retries"]["default"] == defaults
    load(write(f"{good}retries: {json.dumps(defaults)}\n"))


def test_no_part_takes_keys_it_does_not_know() -> None:
    assert [
        name for name, part in parts(json.loads(schema_json())) if part["additionalProperties"] is not False
    ] == []


def test_the_reference_has_a_table_for_every_part_and_links_that_lead_somewhere() -> None:
    text = reference_markdown()
    headings = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    assert headings[0] == "Spec"
    assert sorted(headings) == sorted(name for name, _ in parts(json.loads(schema_json())))
    assert set(re.findall(r"\(#(\w+)\)", text)) <= {heading.lower() for heading in headings}
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all(len(re.split(r"(?<!\\)\|", row)) == 6 for row in rows)


def test_the_example_of_the_reference_is_a_spec(write: Write, tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", reference_markdown(), re.DOTALL)
    shutil.copy(DOCS / "spec.schema.json", tmp_path)
    assert load(write(example)).spec.plans[0].numbers[0] == "04"


def parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "Spec", schema
    yield from schema["$defs"].items()
