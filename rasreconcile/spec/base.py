"""What every part of a spec has in common: immutable, strict, no unknown keys; and values with a notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from rasreconcile.errors import Wrong

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_LONGEST = timedelta(days=365)

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
ADDRESS_PREFIX = r"^[^\s/\\][^\\]*[^\s/\\]$|^[^\s/\\]$"
VERSION = r"^\d+\.\d+(\.\d+)?( Beta( \d+)?)?$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_()]*$"
"""Windows has `ProgramFiles(x86)`."""
CPUS = r"^\d+(\.\d+)?$"
MEMORY = r"^\d+[bkmgBKMG]?$"
SLURM_MEMORY = r"^\d+[KMGT]?$"

FORMS: Mapping[str, str] = {
    NAME: "takes letters, digits, `.`, `_` and `-`, at most 63, a letter or digit first",
    ADDRESS_PREFIX: "must not begin or end with a blank or a slash, nor hold a backslash",
    VERSION: 'must be a version such as "6.6", "6.3.1" or "6.7 Beta 5"',
    VARIABLE: "must be the name of an environment variable",
    CPUS: 'must be a number of processors such as "4" or "0.5"',
    MEMORY: "must be an amount of memory such as 8g or 512m",
    SLURM_MEMORY: "must be an amount of memory as Slurm writes it, such as 16G",
}
"""What a pattern asks for, in words."""


class SpecModel(BaseModel):
    """A part of the spec. Unknown keys are faults; a loaded spec never changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class Secret(SpecModel):
    """Where a secret is to be found when it is needed; never the secret itself. Give one of the two."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    env: Annotated[str, Field(pattern=VARIABLE)] | None = None
    """Name of an environment variable."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """A file that holds nothing else; readable by its owner only."""

    @model_validator(mode="before")
    @classmethod
    def _never_plain(cls, value: Any) -> Any:
        if isinstance(value, str | int | float):
            raise Wrong("a secret is named, never written", "give {env: NAME} or {file: PATH}")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise Wrong("a secret has one place", "give one of `env` and `file`")
        return self


def secrets_of(part: SpecModel) -> Iterator[Secret]:
    """Every secret that a part of a spec names."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, SpecModel):
            yield from secrets_of(value)


def duration(value: Any) -> Any:
    """`30s`, `15m`, `1h30m`, `2d`, or a number of seconds, as a timedelta of at most a year."""
    if isinstance(value, timedelta):
        return value
    seconds = -1.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and len(value) < 64 and _DURATION.fullmatch(value):
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", value)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if 0 <= seconds <= _LONGEST.total_seconds():
        return timedelta(seconds=seconds)
    raise Wrong("is not a duration (maximum: one year)", "write 30s, 15m, 2h or 1h30m")


_SIZES = {"b": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def bytes_of(amount: str) -> int | None:
    """Of `20g` or `512m`; without a unit bytes. None where it is no amount."""
    found = re.fullmatch(r"(\d+)([bkmgt]?)", amount, re.IGNORECASE)
    return int(found[1]) << _SIZES[found[2].lower() or "b"] if found else None


def in_words(span: timedelta) -> str:
    """A timedelta as a spec would write it: `1h30m`."""
    left, words = round(span.total_seconds()), ""
    for unit, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        words += f"{count}{unit}" if count else ""
    return words or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(in_words, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": f"^{_DURATION.pattern}$",
                    "examples": ["30s", "15m", "1h30m"],
                },
                {"type": "number", "minimum": 0},
            ]
        }
    ),
]


def _not_at_once(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise Wrong("must be at least 1s", "change it, or leave it out")
    return value


Patience = Annotated[Duration, AfterValidator(_not_at_once)]

_SHARE = re.compile(r"(?:\d{1,2}(?:\.\d+)?|100)%")


def _count_or_share(value: Any) -> int | str:
    if type(value) is int:
        if value < 1:
            raise Wrong("must be at least 1", "change it")
        return value
    if not isinstance(value, str) or not _SHARE.fullmatch(value) or float(value[:-1]) == 0:
        raise Wrong("must be a number of plans, 1 or more, or a share of them such as 10%")
    return value


CountOrShare = Annotated[
    int | str,
    BeforeValidator(_count_or_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": f"^{_SHARE.pattern}$", "examples": ["10%"]},
            ]
        }
    ),
]
"""So many, or such a part of all."""

_WITH_PORT = re.compile(r"([^:/\s]+):(\d+)")


def _host_alone(value: str) -> str:
    if found := _WITH_PORT.fullmatch(value):
        raise Wrong("holds a port", f"write hostname: {found[1]} and port: {found[2]}")
    if re.search(r"^[\\/]|\s", value):
        raise Wrong("is not the name of a host", "write it without blanks, and with nothing before it")
    return value


Minutes = Annotated[float, Field(gt=0, le=60 * 24 * 365)]
Words = Annotated[str, Field(min_length=1)]
Hostname = Annotated[Words, AfterValidator(_host_alone)]
Tuple = Annotated[tuple[Words, ...], Field(strict=False)]
"""A YAML list of words."""
