"""The engine's side of the seam: which job a plan is where, and what its end means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rasreconcile.engines.hec_ras import judgement, linux, windows
from rasreconcile.engines.hec_ras.versions import doubt
from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure
from rasreconcile.jobs import Install, Job, RunEvidence
from rasreconcile.plans import Plan, without_prepared
from rasreconcile.spec import HecRasEngine


class HecRas:
    """HEC-RAS itself, by version."""

    def __init__(self, spec: HecRasEngine) -> None:
        self.version = spec.version

    @property
    def identity(self) -> str:
        return f"HEC-RAS {self.version}"

    @property
    def doubt(self) -> Trouble | None:
        """Why it is not certain that this version is called rightly."""
        return doubt(self.version)

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> Trouble | None:
        """None: HEC-RAS says itself what it cannot compute."""
        return None

    def why_not(self, plan: Plan, install: Install) -> Trouble | None:
        """Why this plan cannot run where HEC-RAS is installed so, and what to do; None: it can."""
        if is_windows(install):
            return windows.why_not(plan, install, self.version)
        return linux.why_not(plan, self.version)

    def job(self, plan: Plan, install: Install) -> Job:
        """Ras.exe where that is what the worker has, else the Linux solvers."""
        if is_windows(install):
            return windows.job(plan, install, self.version)
        return linux.job(plan, install, self.version)

    def judge(self, evidence: RunEvidence) -> Failure | None:
        """HDF, messages and log must all say that it went well."""
        return judgement.judge(evidence, self.version)


def as_computed(plan: Plan, install: Install) -> Plan:
    """The plan with the components that count where it runs: Ras.exe reads no prepared files, and what is prepared in
    an earlier step of the study follows from the inputs."""
    if not is_windows(install) and plan.prepared_by is None:
        return plan
    return replace(plan, components=without_prepared(plan.components))


def is_windows(install: Install) -> bool:
    """Whether it is Ras.exe that runs there."""
    return install.platform == "windows" or install.wine is not None
