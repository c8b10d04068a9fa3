"""A project with its stand-ins, resolved by the program, and a worker of this machine to run its jobs on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import until

from rasreconcile.edits.spool import Spool
from rasreconcile.engines.registry import engine_for
from rasreconcile.jobs import Ended, Install, Job, RunEvidence, RunId
from rasreconcile.plans import InputFile, Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results import plan_hdf
from rasreconcile.results.associations import associations
from rasreconcile.specfile import load
from rasreconcile.workers.local.worker import local_worker

SPEC = """\
version: 1
engine: {{type: hec-ras, version: "{version}"}}
workers: {{desk: {{type: local}}}}
plans: [{{project: {project}, numbers: ["01"], inputs: [{inputs}]}}]
"""
PREPARED = '"*.tmp.hdf", "*.b??", "*.x??", "*.c??", "*.r??"'


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[..., Plan]:
    """Plan 01 of a project, as the program resolves it."""

    def resolved(project: Path, version: str = "6.6", inputs: str = PREPARED) -> Plan:
        spec = tmp_path / "spec.yaml"
        spec.write_text(SPEC.format(version=version, project=project, inputs=inputs))
        contents = Contents({}, time.time_ns, associations)
        return resolve(load(spec), Digests({}, time.time_ns), engine_for, contents=contents).plans[0]

    return resolved


@pytest.fixture
def with_input() -> Callable[..., Plan]:
    """The plan with one more input."""

    def added(plan: Plan, name: str, kind: str, reference: str = "") -> Plan:
        file = InputFile(
            name=name,
            source=plan.project.parent / name,
            raw="0" * 64,
            semantic="0" * 64,
            size=1,
            kind=kind,
            is_text=False,
            reference=reference,
        )
        return replace(plan, inputs=(*plan.inputs, file))

    return added


@pytest.fixture
def run_job(tmp_path: Path) -> Callable[..., RunEvidence]:
    """Runs a job as a controller would, on this machine, and gathers what is left."""
    worker = local_worker("desk", tmp_path / "runs")
    spool = Spool(tmp_path / "spool")

    def run(job: Job, result: str) -> RunEvidence:
        # No two runs of a machine may share a name: by it the runner knows whom to end.
        run = RunId(f"run-{secrets.token_hex(6)}")
        worker.start(run, spool.job(job))
        until(lambda: isinstance(worker.poll([run])[run], Ended))
        status = worker.poll([run])[run]
        assert isinstance(status, Ended)
        texts = [worker.read_work(run, n) for n in status.outputs if n.endswith(".txt")]
        found = next((n for n in status.outputs if n.endswith(result)), None)
        facts = None
        if found is not None:
            worker.fetch(run, found, tmp_path / "fetched.hdf")
            facts = plan_hdf.read(tmp_path / "fetched.hdf")
        messages = b"".join(texts).decode()
        return RunEvidence(ended=status, log=worker.read_log(run).decode(), messages=messages, hdf=facts)

    return run


@pytest.fixture
def linux_install() -> Callable[..., Install]:
    return lambda home, cores=2: Install(platform="posix", cores=cores, home=str(home))
