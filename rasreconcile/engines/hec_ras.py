"""The `hec-ras` engine: its identity, so that specs resolve; running it is refused until it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rasreconcile.errors import UsageError
from rasreconcile.jobs import Install, Job
from rasreconcile.plans import Plan
from rasreconcile.spec import HecRasEngine

if TYPE_CHECKING:
    from rasreconcile.facts import HdfFacts

NOT_BUILT = "the hec-ras engine is not built yet; use `type: steady` or `type: command`"


class HecRas:
    """HEC-RAS itself, by version."""

    def __init__(self, spec: HecRasEngine) -> None:
        self._version = spec.version

    @property
    def identity(self) -> str:
        return f"HEC-RAS {self._version}"

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> str | None:
        return None

    def job(self, plan: Plan, install: Install) -> Job:
        raise UsageError(NOT_BUILT)

    def judge(self, exit_code: int, log: str, hdf: HdfFacts | None) -> str | None:
        raise UsageError(NOT_BUILT)
