"""What every part of a spec has in common: immutable, strict, no unknown keys; and values with a notation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")


class Model(BaseModel):
    """A part of the spec. Unknown keys are faults; a loaded spec never changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class Secret(Model):
    """Where a secret is to be found when it is needed; never the secret itself."""

    env: str | None = None
    """Name of an environment variable."""
    file: str | None = None
    """A file that holds nothing else; readable by its owner only."""

    @model_validator(mode="before")
    @classmethod
    def _never_plain(cls, value: Any) -> Any:
        if isinstance(value, str | int | float):
            raise ValueError("a secret is named, never written; give {env: NAME} or {file: PATH}")  # noqa: TRY004
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("give one of `env` and `file`")
        return self


def duration(value: Any) -> Any:
    """`30s`, `15m`, `1h30m`, `2d`, or a number of seconds, as a timedelta."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return timedelta(seconds=value)
    if isinstance(value, str) and _DURATION.fullmatch(value):
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", value)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if seconds < 1e9:
            return timedelta(seconds=seconds)
    raise ValueError("not a duration; write 30s, 15m, 2h or 1h30m")


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"anyOf": [{"type": "string", "examples": ["30s", "15m", "1h30m"]}, {"type": "number"}]}),
]

Tuple = Annotated[tuple[str, ...], Field(strict=False)]
"""A YAML list of words."""
