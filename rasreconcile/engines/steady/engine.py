"""The engine's side of the seam: its job, its judgement, its refusals. Nothing heavy is imported here."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from rasreconcile.engines.inputs import staged
from rasreconcile.engines.steady.river_model import parse_model
from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.failures import Failure, FailureCause, class_by_own_word
from rasreconcile.hecras_messages import FINISHED, last_said
from rasreconcile.jobs import Install, Job, RunEvidence
from rasreconcile.plans import Plan

_LACKS = re.compile(r"^.*(?:No module named |python3: (?:command )?not found).*$", re.MULTILINE)
_INSTALL = (
    "the steady engine is not installed; `pip install rasreconcile` for the `python3` of the host or in the"
    " image, or name other workers in `only_on`"
)
_KINDS = ("project", "plan", "geometry", "flow")


class Steady:
    """Computes one-dimensional steady plans without HEC-RAS."""

    identity = "steady 4"
    """Raised whenever the same inputs would give other numbers."""

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> Trouble | None:
        """Names the element, and its line, that this engine does not model."""
        try:
            parse_model(texts, {kind: names.get(kind, f"the {kind} file") for kind in _KINDS})
        except ProjectError as error:
            return error.trouble
        return None

    def job(self, plan: Plan, install: Install) -> Job:
        """One step, by the worker's own interpreter."""
        # Elsewhere the package is installed, and this machine's folders mean nothing.
        path = {"PYTHONPATH": str(Path(__file__).parents[3])} if install.python == sys.executable else {}
        return Job(
            platform=install.platform,
            steps=((install.python or "python3", "-m", __package__ or "", f"{plan.stem}.prj", plan.number),),
            inputs=staged(plan),
            outputs=(plan.result_name,),
            cores=install.cores,
            time_limit=plan.time_limit,
            # Threads of a linear algebra library would take more cores than the slot has.
            env={**path, "OMP_NUM_THREADS": str(install.cores), "OPENBLAS_NUM_THREADS": "1"},
            process_priority=install.process_priority,
        )

    def judge(self, evidence: RunEvidence) -> Failure | None:
        """The HDF must be there and say that it is finished; an `ERROR:` line says why it is not."""
        log, hdf = evidence.log, evidence.hdf
        trouble = None
        if hdf is None and (lacks := _LACKS.search(log)):
            trouble = Trouble(lacks[0].strip(), _INSTALL)
            return Failure(kind="worker", cause=FailureCause.ENGINE_MISSING, trouble=trouble)
        errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
        if errors:
            trouble = Trouble(errors[0].removeprefix("ERROR:").strip())
        elif hdf is None:
            code = evidence.ended.exit_code
            trouble = Trouble(f"the steady engine exited with {code} and left no result: {last_said(log)}")
        elif hdf.kind != "steady" or FINISHED["steady"] not in (hdf.messages or ""):
            trouble = Trouble(
                "the steady engine left a result that does not say it is finished", "see its log"
            )
        if trouble is None:
            return None
        return Failure(kind=class_by_own_word(log), cause=FailureCause.COMPUTATION_FAILED, trouble=trouble)
