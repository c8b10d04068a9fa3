"""The JSON Schema of the spec, from the models: what editors complete and check by."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from rasreconcile.spec.base import SpecModel, in_words
from rasreconcile.specfile.model import spec_model
from rasreconcile.workers.kinds import KINDS


class _AsWritten(GenerateJsonSchema):
    """Gives defaults in the spec's own notation: `30s`, where pydantic would say `PT30S`; and each field the text that
    stands below it. pydantic could read those texts itself, but does so at each import, and every verb would wait."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        texts = dict(field_texts(schema["cls"]))
        for name, field in found["properties"].items():
            if name in texts:
                field.setdefault("description", texts[name])
        return found

    def encode_default(self, dft: Any) -> Any:
        return in_words(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def field_texts(model: type) -> Iterator[tuple[str, str]]:
    """The text below each field, also of inherited ones; of a field that is declared again, the last that it has."""
    for cls in reversed(model.__mro__):
        # `create_model` makes classes that no file has the text of.
        if not issubclass(cls, SpecModel) or getattr(sys.modules[cls.__module__], cls.__name__) is not cls:
            continue
        (body,) = ast.parse(dedent(inspect.getsource(cls))).body
        assert isinstance(body, ast.ClassDef)
        for field, below in pairwise(body.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    yield name, inspect.cleandoc(text)
                case _:
                    pass


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    generated = spec_model(KINDS).model_json_schema(schema_generator=_AsWritten)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}


def schema_json() -> str:
    """The schema as text, the same every time."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
