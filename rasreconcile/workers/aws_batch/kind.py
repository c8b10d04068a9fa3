"""AWS Batch, in a spec and to the rest of the program."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from rasreconcile.errors import Wrong
from rasreconcile.spec.base import MEMORY, Words
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?")
_URL = re.compile(r"https?://[^/@\s]+(/[^\s]*)?")


class AwsBatchWorker(WorkerBase):
    """Jobs of AWS Batch in your own account."""

    type: Literal["aws-batch"]
    """`aws-batch`."""
    queue: Words
    """Name or ARN of the job queue."""
    job_definition: Words
    """Name, `name:revision` or ARN of a job definition whose image has the engine, Python and boto3."""
    bucket: str
    """`s3://bucket/folder`: where run directories and the cache of inputs are; one folder for each study."""
    region: Words | None = None
    """Of queue and bucket, `us-east-1`; left out: as the AWS command line finds it."""
    profile: Words | None = None
    """A profile of ~/.aws/config; left out: as the AWS command line finds credentials."""
    memory_per_plan: Annotated[str, Field(pattern=MEMORY)] | None = None
    """Memory of each job, `16g`; left out: the job definition's."""
    kms_key: Words | None = None
    """Id or ARN of the KMS key that objects are encrypted with; left out: as the bucket encrypts."""
    endpoint_url: Words | None = None
    """Of something that speaks as AWS does, for tests and private endpoints; left out: AWS itself."""
    worker_folder: Words = "/tmp/rasreconcile"  # noqa: S108  the container's own disk, which ends with it
    """Folder inside the container where a run is computed."""

    @field_validator("bucket")
    @classmethod
    def _a_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value):
            raise Wrong("is not the address of a bucket", "write s3://bucket/folder")
        return value.rstrip("/")

    @field_validator("endpoint_url")
    @classmethod
    def _a_url(cls, value: str | None) -> str | None:
        if value is not None and not _URL.fullmatch(value):
            raise Wrong("is not the address of a service", "write https://host:port, without a password")
        return value


AWS_BATCH = Kind(
    spec=AwsBatchWorker,
    executes=("ras_exe_path", "job_definition"),
    opener="rasreconcile.workers.aws_batch.worker:aws_batch_worker",
    pause=5.0,
    images=True,
    runs_at=lambda name, spec, folder: f"{spec.bucket}/runs",
)
