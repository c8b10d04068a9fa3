"""The worker kind in a cloud: a stand-in for AWS in a process of its own, one for each process of the harness."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasreconcile.workers.aws_batch.kind import AWS_BATCH
from rasreconcile.workers.kind import Kinds
from tests.reliability.kinds import SPEC, Local
from tests.reliability.points import Points

if TYPE_CHECKING:
    from tests.reliability.scenarios import Scenario

# As the tests of pytest find it.
sys.path.insert(0, str(Path(__file__).parents[1] / "services"))
import awsd

PREFIX = "study"


class Batch(Local):
    """Jobs of Batch, which see the study's folder; run directories in S3. A request to AWS is a point, before and after."""

    @staticmethod
    def missing() -> str | None:
        return awsd.why_not()

    def set_up(self) -> None:
        os.environ.update(awsd.CREDENTIALS)
        self.aws = awsd.Awsd()

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        place = f", queue: {awsd.QUEUE}, job_definition: {awsd.DEFINITION}, region: {awsd.REGION}"
        place += f', bucket: "s3://{awsd.BUCKET}/{PREFIX}", endpoint_url: "{self.aws.url}"'
        return SPEC.format(type="aws-batch", folder=folder, cores=cores, more=place + more)

    def begin(self, folder: Path, scenario: Scenario) -> None:
        super().begin(folder, scenario)
        self.aws.ask("wipe")

    def install(self, points: Points) -> Kinds | None:
        super().install(points)
        from rasreconcile.workers.aws_batch.account import Account
        from rasreconcile.workers.aws_batch.opened import opened

        call = Account.call

        def counted(account: Account, service: str, operation: str, **words: Any) -> Any:
            points.reach(f"before {operation}")
            answer = call(account, service, operation, **words)
            points.reach(f"after {operation}")
            return answer

        Account.call = counted  # type: ignore[method-assign, assignment]
        kind = replace(
            AWS_BATCH,
            pause=0.1,
            opener=lambda name, spec, folder: opened(name, spec, log_seconds=0.1, look_seconds=0.05),
        )
        return {kind.name: kind}

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        keys = [key.removeprefix(f"{PREFIX}/") for key in self.aws.ask("keys")]
        runs = {name for name in keys if name.startswith(("runs/", "live/"))}
        odd = [name for name in runs if name.split("/")[1].partition(".")[0] not in kept]
        odd += [job["jobId"] for job in self.aws.jobs() if job["status"] not in {"SUCCEEDED", "FAILED"}]
        return super().left_over((), kills) + odd

    def end(self) -> None:
        self.aws.ask("wipe")
        super().end()

    def tear_down(self) -> None:
        self.aws.stop()
