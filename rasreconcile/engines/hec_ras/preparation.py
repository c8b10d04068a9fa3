"""Preparing a plan for the Linux solvers: which job makes their files, on what worker, and whether they are whole. PURE
but for the script of `windows`."""

from __future__ import annotations

from collections.abc import Iterator

from rasreconcile.engines.hec_ras import judgement, windows
from rasreconcile.engines.hec_ras.engine import HecRas, is_windows
from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Install, Job, RunEvidence
from rasreconcile.plans import Plan
from rasreconcile.spec import HecRasEngine

_NEEDED = ("Geometry", "Plan Data", "Event Conditions")


class HecRasPreparation(HecRas):
    """HEC-RAS where it is only to prepare: Ras.exe is ended as soon as its solver begins."""

    def __init__(self, plan: Plan, spec: HecRasEngine) -> None:
        super().__init__(spec)
        self._plan = plan

    def why_not(self, plan: Plan, install: Install) -> Trouble | None:
        """Only Ras.exe prepares."""
        if not is_windows(install):
            what = "only Ras.exe prepares plans, on Windows or under Wine"
            return Trouble(what, "add a worker that has it")
        return windows.why_not(plan, install, self.version)

    def job(self, plan: Plan, install: Install) -> Job:
        """Raises ProjectError where `why_not` has something to say."""
        if refused := self.why_not(plan, install):
            raise ProjectError(refused)
        return windows.job(plan, install, self.version)

    def judge(self, evidence: RunEvidence) -> Failure | None:
        """Its files must be whole, and no message tell of an error; that no result is there is as it should be."""
        return next(self._failures(evidence), None)

    def _failures(self, evidence: RunEvidence) -> Iterator[Failure]:
        lacking = self._lacking(evidence)
        yield from judgement.preparation_failures(evidence, self.version, whole=not lacking)
        if evidence.ended.cause != "exited":
            return
        if lacking:
            what = f"HEC-RAS ended before its solver began, and left no complete {', '.join(lacking)}"
            yield Failure(
                kind="retryable", cause=FailureCause.NOT_PREPARED, trouble=Trouble(what, "see `logs`")
            )
        elif evidence.hdf is not None and (absent := [n for n in _NEEDED if n not in evidence.hdf.groups]):
            what = f"{self._plan.result_name} holds no {', '.join(absent)}: HEC-RAS did not finish it"
            yield Failure(
                kind="retryable", cause=FailureCause.NOT_PREPARED, trouble=Trouble(what, "see `logs`")
            )

    def _lacking(self, evidence: RunEvidence) -> list[str]:
        """Those of the files that are not there, or empty."""
        sizes = {name.rpartition("/")[2]: left.size for name, left in evidence.ended.outputs.items()}
        wanted = (self._plan.result_name, *self._plan.side_outputs)
        return [name for name in wanted if not sizes.get(name)]


def hec_ras_for(plan: Plan) -> HecRas:
    """The engine of a plan that HEC-RAS computes, or prepares. Raises TypeError for a plan of another engine."""
    if not isinstance(plan.engine, HecRasEngine):
        raise TypeError(f"{plan.address} is of {plan.engine.type}")
    return HecRasPreparation(plan, plan.engine) if plan.prepares else HecRas(plan.engine)
