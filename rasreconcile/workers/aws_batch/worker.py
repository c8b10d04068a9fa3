"""The aws-batch worker: jobs of AWS Batch, run directories in a bucket."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.errors import UsageError
from rasreconcile.jobs import Worker
from rasreconcile.workers.aws_batch.kind import AwsBatchWorker


def aws_batch_worker(name: str, spec: AwsBatchWorker, folder: Path) -> Worker:
    """What this part of a spec describes. Asks nobody yet. Raises UsageError where boto3 is not installed."""
    try:
        from rasreconcile.workers.aws_batch.opened import opened  # noqa: PLC0415  boto3 is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"boto3", "botocore"}:
            raise
        what = f"workers.{name}: {error.name} is not installed, which workers of type aws-batch need"
        raise UsageError(what, "pip install 'rasreconcile[aws]'") from error
    return opened(name, spec)
