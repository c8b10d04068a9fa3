"""The place of the contract of workers in AWS Batch."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awsd
from waiting import until

from rasreconcile.jobs import Job, RunId, Status, Worker
from rasreconcile.workers.aws_batch.kind import AwsBatchWorker
from tests.workers.places import LocalPlace, Place


class BatchPlace(LocalPlace):
    """Jobs of a stand-in for AWS Batch, run directories in moto's S3. Containers are processes of this machine."""

    def __init__(self, aws: awsd.Awsd, sources: Path, **fields: Any) -> None:
        Place.__init__(self, sources)
        self.aws = aws
        self.folder = sources / "it's a box"
        self.marks = sources / "marks"
        self.marks.mkdir()
        self.fields = {
            "type": "aws-batch",
            "queue": awsd.QUEUE,
            "job_definition": awsd.DEFINITION,
            "bucket": f"s3://{awsd.BUCKET}/{secrets.token_hex(4)}",
            "region": awsd.REGION,
            "endpoint_url": aws.url,
            "worker_folder": str(self.folder),
            **fields,
        }
        self.worker = self.again()

    def again(self, **changed: Any) -> Worker:
        from rasreconcile.workers.aws_batch.opened import opened

        spec = AwsBatchWorker.model_validate({**self.fields, **changed})
        return opened("cloud", spec, log_seconds=0.05, look_seconds=0.05)

    def script(self, *texts: str, inputs: dict[str, bytes] | None = None, **more: Any) -> Job:
        """The disk of a container goes with it: what a test must see afterwards is kept elsewhere."""
        here = f"{self.marks}/${{RASRECONCILE_RUN}}"
        for name in ("go", "launches"):
            texts = tuple(text.replace(f"../{name}", f'"{here}{name}"') for text in texts)
        return super().script(*texts, inputs=inputs, **more)

    def let_go(self, run: RunId) -> None:
        (self.marks / f"{run}.go").touch()

    def launches(self, run: RunId) -> int:
        return len((self.marks / f"{run}.launches").read_text().splitlines())

    def kill(self, run: RunId) -> None:
        self.aws.ask("kill", name=run, reason="Host EC2 (instance i-0abc) terminated.")

    def until_is(self, run: RunId, is_so: Callable[[Status], bool]) -> Any:
        """The first status that is so."""
        return until(lambda: next(filter(is_so, self.worker.poll([run]).values()), None), every=0.1)

    def until(self, is_so: Callable[[], bool]) -> None:
        # Each look is two questions over HTTP.
        until(is_so, every=0.1)
