"""The engine's side of the seam: its job, its judgement, its refusals. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import rasreconcile
from rasreconcile.engines.inputs import staged
from rasreconcile.engines.steady.model import parse_model
from rasreconcile.errors import ProjectError
from rasreconcile.jobs import Install, Job
from rasreconcile.plans import Plan

if TYPE_CHECKING:
    from rasreconcile.facts import HdfFacts

FINISHED = "Finished Steady Flow Simulation"
_KINDS = ("project", "plan", "geometry", "flow")


class Steady:
    """Computes one-dimensional steady plans without HEC-RAS."""

    identity = "steady 1"
    """Raised whenever the same inputs would give other numbers."""

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> str | None:
        """Names the element, and its line, that this engine does not model."""
        try:
            parse_model(texts, {kind: names.get(kind, f"the {kind} file") for kind in _KINDS})
        except ProjectError as error:
            return str(error)
        return None

    def job(self, plan: Plan, install: Install) -> Job:
        """One step, by the worker's own interpreter."""
        package = str(Path(rasreconcile.__file__).parents[1])
        return Job(
            platform=install.platform,
            steps=((install.python or "python3", "-m", __package__ or "", f"{plan.stem}.prj", plan.number),),
            inputs=staged(plan),
            outputs=(plan.result_name,),
            cores=install.cores,
            time_limit=plan.time_limit,
            # Threads of a linear algebra library would take more cores than the slot has.
            env={"PYTHONPATH": package, "OMP_NUM_THREADS": str(install.cores), "OPENBLAS_NUM_THREADS": "1"},
            process_priority=install.process_priority,
        )

    def judge(self, exit_code: int, log: str, hdf: HdfFacts | None) -> str | None:
        """The HDF must be there and say that it is finished; an `ERROR:` line says why it is not."""
        errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
        if errors:
            return errors[0].removeprefix("ERROR:").strip()
        if hdf is None:
            last = next((line for line in reversed(log.splitlines()) if line.strip()), "it printed nothing")
            return f"the steady engine exited with {exit_code} and left no result: {last.strip()[:300]}"
        if hdf.kind != "steady" or FINISHED not in (hdf.messages or ""):
            return "the steady engine left a result that does not say it is finished; see its log"
        return None
