"""The `command` engine: any program that reads a HEC-RAS project and writes the plan's result HDF."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rasreconcile.engines.inputs import staged
from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause, class_by_own_word
from rasreconcile.hecras_messages import last_said
from rasreconcile.jobs import Install, Job, RunEvidence
from rasreconcile.plans import Plan
from rasreconcile.spec import CommandEngine

_PLACEHOLDER = re.compile(r"\{(project|plan|number|stem|cores|output|python)\}")


class Command:
    """Runs the argument list of the spec in the staged project folder.

    {project} `Muncie.prj`, {plan} `Muncie.p04`, {number} `04`, {stem} `Muncie`, {cores}, {output} `Muncie.p04.hdf`,
    {python} the interpreter of the worker. Other braces are left as they are. It succeeds by exiting 0 and leaving
    {output} behind; what that must show is the business of the plan's expectations.
    """

    def __init__(self, spec: CommandEngine) -> None:
        self._spec = spec

    @property
    def identity(self) -> str:
        return f"command {self._spec.version}".strip()

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> Trouble | None:
        """None: what a command can compute is its own business."""
        return None

    def job(self, plan: Plan, install: Install) -> Job:
        """One step: the command with its placeholders filled in."""
        words = {
            "project": f"{plan.stem}.prj",
            "plan": f"{plan.stem}.p{plan.number}",
            "number": plan.number,
            "stem": plan.stem,
            "cores": str(install.cores),
            "output": plan.result_name,
            "python": install.python or "python3",
        }
        step = tuple(_PLACEHOLDER.sub(lambda found: words[found[1]], word) for word in self._spec.command)
        return Job(
            platform=install.platform,
            steps=(step,),
            inputs=staged(plan),
            outputs=(plan.result_name, *plan.side_outputs),
            cores=install.cores,
            time_limit=plan.time_limit,
            env=dict(self._spec.env),
            process_priority=install.process_priority,
        )

    def judge(self, evidence: RunEvidence) -> Failure | None:
        """A command has nothing but its exit code and its output to speak for it."""
        code, kind = evidence.ended.exit_code, class_by_own_word(evidence.log)
        if code != 0:
            trouble = Trouble(f"the command exited with {code}: {last_said(evidence.log)}")
            return Failure(kind=kind, cause=FailureCause.COMPUTATION_FAILED, trouble=trouble)
        if evidence.hdf is None:
            trouble = Trouble("the command exited with 0 but left no result HDF", "let it write {output}")
            return Failure(kind=kind, cause=FailureCause.COMPUTATION_FAILED, trouble=trouble)
        return None
