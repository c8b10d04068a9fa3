"""A worker of this kind, put together from its part of a spec. Imports boto3."""

from __future__ import annotations

from rasreconcile.jobs import Worker
from rasreconcile.spec.base import bytes_of
from rasreconcile.workers.aws_batch.account import Account
from rasreconcile.workers.aws_batch.bucket import Bucket
from rasreconcile.workers.aws_batch.host import BatchHost
from rasreconcile.workers.aws_batch.keys import Keys
from rasreconcile.workers.aws_batch.kind import AwsBatchWorker
from rasreconcile.workers.aws_batch.queue import JobQueue, Needs
from rasreconcile.workers.aws_batch.submission import LOG_SECONDS, LOOK_SECONDS, Surroundings
from rasreconcile.workers.detached import DetachedWorker

END_SECONDS = 120.0
"""Batch gives a container half a minute to end, and some time passes before it tells of that."""


def opened(
    name: str, spec: AwsBatchWorker, *, log_seconds: float = LOG_SECONDS, look_seconds: float = LOOK_SECONDS
) -> Worker:
    """`log_seconds`: at most so often a piece of a log is sent; `look_seconds`: between two looks at something."""
    account = Account(region=spec.region, profile=spec.profile, endpoint=spec.endpoint_url)
    bucket = Bucket(account, Keys.of(spec.bucket), spec.kms_key)
    around = Surroundings(
        keys=bucket.keys,
        folder=spec.worker_folder,
        endpoint=spec.endpoint_url,
        sealed=bucket.sealed,
        log_seconds=log_seconds,
        look_seconds=look_seconds,
    )
    queue = JobQueue(account, spec.queue, spec.job_definition)
    host = BatchHost(bucket, queue, around, Needs(spec.cores_per_plan, mebibytes(spec.memory_per_plan)))
    return DetachedWorker(name, host, host.image, look_seconds=look_seconds, end_seconds=END_SECONDS)


def mebibytes(amount: str | None) -> int | None:
    """`16g` as AWS counts; without a unit bytes, as everywhere in a spec."""
    return None if amount is None else max(4, (bytes_of(amount) or 0) >> 20)
