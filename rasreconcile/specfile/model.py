"""The spec as a pydantic model that knows the fields of every kind of worker."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, create_model

from rasreconcile.spec import Spec, WorkerBase
from rasreconcile.spec.workers import WorkerName
from rasreconcile.workers.kind import Kinds


def spec_model(kinds: Kinds) -> type[Spec]:
    """`Spec` with workers of these kinds, told apart by their `type`."""
    return _model(tuple(kind.spec for kind in kinds.values()))


@cache
def _model(workers: tuple[type[WorkerBase], ...]) -> type[Spec]:
    one: Any = Annotated[reduce(or_, workers), Field(discriminator="type")]
    closed = Field(json_schema_extra={"additionalProperties": False})
    field: Any = (Mapping[WorkerName, one], closed)
    return create_model("Spec", __base__=Spec, __doc__=Spec.__doc__, workers=field)
