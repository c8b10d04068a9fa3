"""A whole study on AWS Batch: every plan is computed once, and what it cost is said."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace

import awsd

from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Apply, Exit, Outcome, Requester
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.results import result_rows
from rasreconcile.report import summary
from rasreconcile.specfile import load
from rasreconcile.workers.aws_batch.kind import AWS_BATCH
from rasreconcile.workers.aws_batch.opened import opened
from rasreconcile.workers.kinds import KINDS
from tests.apply.conftest import Study, study

__all__ = ["study"]

PLANS = int(os.environ.get("RASRECONCILE_BATCH_PLANS", "4"))
"""Four to a project."""
SPEC = """\
version: 1
state: state.db
results: results
engine: {{type: command, command: [sh, {folder}/compute.sh, "{{plan}}", "{{output}}"]}}
workers:
  cloud:
    type: aws-batch
    queue: {queue}
    job_definition: {definition}
    bucket: {bucket}
    region: {region}
    endpoint_url: {url}
    worker_folder: {box}
    cores_total: 8
    cores_per_plan: 2
    price_per_core_hour: 3600
plans:
  - project: Willow*/Willow.prj
    expect: {{completed: false}}
"""


def test_a_study_is_computed_in_the_cloud_once_and_says_what_it_cost(study: Study, batch) -> None:
    for number in range(PLANS // 4):
        folder = study.folder / f"Willow{number}"
        folder.mkdir()
        for path in [*study.folder.glob("Willow.*")]:
            shutil.copy(path, folder)
    (study.folder / "ran").mkdir()
    (study.folder / "compute.sh").write_text(
        f'mktemp "{study.folder}/ran/$1.XXXXXX"\ncp "{study.folder}/ready.hdf" "$2"\nsleep 0.1\n'
    )
    text = SPEC.format(
        folder=study.folder,
        queue=awsd.QUEUE,
        definition=awsd.DEFINITION,
        bucket=batch.fields["bucket"],
        region=awsd.REGION,
        url=batch.aws.url,
        box=batch.folder,
    )
    (study.folder / "spec.yaml").write_text(text)
    outcome = applied(study)
    assert (outcome.exit, outcome.counts["succeeded"]) == (Exit.CONVERGED, PLANS)
    assert len(list((study.folder / "ran").iterdir())) == PLANS
    assert batch.worker.runs() == {}
    loaded = load(study.folder / "spec.yaml")
    (line,) = [line for line in told(loaded, outcome) if "core-hours" in line]
    money = float(line.split(", ")[1].split()[0])
    assert line.startswith("cloud: ")
    rows = result_rows(loaded.state_path, NamedPlans(), "state", prices=loaded.spec.prices)
    assert len(rows) == PLANS
    assert abs(sum(row.cost or 0 for row in rows) - money) < 0.01
    assert money >= 2 * 0.1 * PLANS
    assert applied(study).counts == {}


def told(loaded, outcome: Outcome) -> list[str]:
    return list(summary.lines(loaded.name, outcome, prices=loaded.spec.prices))


def applied(study: Study) -> Outcome:
    kind = replace(
        AWS_BATCH,
        pause=0.1,
        python=sys.executable,
        opener=lambda name, spec, folder: opened(name, spec, log_seconds=0.1, look_seconds=0.05),
    )
    loaded = load(study.folder / "spec.yaml", {**KINDS, "aws-batch": kind})
    return Apply(loaded, Requester("a test"), lambda event: None, lambda moment: None, Clock()).run()
