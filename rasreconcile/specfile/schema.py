"""The JSON Schema of the spec, from the models: what editors complete and check by."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from rasreconcile.spec.base import in_words
from rasreconcile.specfile.model import spec_model
from rasreconcile.workers.kinds import KINDS


class _AsWritten(GenerateJsonSchema):
    """Gives defaults in the spec's own notation: `30s`, where pydantic would say `PT30S`."""

    def encode_default(self, dft: Any) -> Any:
        return in_words(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    generated = spec_model(KINDS).model_json_schema(schema_generator=_AsWritten)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}


def schema_json() -> str:
    """The schema as text, the same every time."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
