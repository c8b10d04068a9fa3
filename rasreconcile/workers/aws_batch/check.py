"""What would stop a run in this account, and the remedy."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from rasreconcile.errors import Refused, Trouble
from rasreconcile.workers.aws_batch.account import Missing, Taken
from rasreconcile.workers.aws_batch.bucket import Bucket
from rasreconcile.workers.aws_batch.images import image_of, properties_of
from rasreconcile.workers.aws_batch.queue import JobQueue, Needs

_CLOCK_SECONDS = 300.0
"""AWS refuses requests of a clock that is a quarter of an hour off."""
_RIGHTS = "give this user or role the rights that docs/workers/aws-batch.md lists"


def problems_of(bucket: Bucket, queue: JobQueue, needs: Needs) -> list[Trouble]:
    """All at once, each with its remedy; what AWS refuses to tell is one of them."""
    found: list[Trouble] = []
    parts: tuple[Callable[[], Iterator[Trouble]], ...] = (
        lambda: _bucket(bucket),
        lambda: _queue(queue, needs),
        lambda: _definition(queue, needs),
    )
    for part in parts:
        try:
            found += part()
        except Refused as error:
            found.append(error.trouble.or_else(_RIGHTS))
    return list(dict.fromkeys(found))


def _bucket(bucket: Bucket) -> Iterator[Trouble]:
    name = bucket.keys.bucket
    try:
        answer = bucket.account.call("s3", "head_bucket", Bucket=name)
    except Missing:
        yield Trouble(f"there is no bucket {name}", "create it, or correct `bucket`")
        return
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    region, own = headers.get("x-amz-bucket-region"), bucket.account.region
    if region and region != own:
        yield Trouble(
            f"the bucket {name} is in {region}, the queue in {own}", "use a bucket in the queue's region"
        )
    if "date" in headers:
        skew = time.time() - parsedate_to_datetime(headers["date"]).timestamp()
        if abs(skew) > _CLOCK_SECONDS:
            yield Trouble(f"this machine's clock is {skew:+.0f} s from that of AWS", "synchronise it by NTP")
    yield from _written_once(bucket)


def _written_once(bucket: Bucket) -> Iterator[Trouble]:
    """An object of one's own, written, refused a second time, read and removed."""
    key, data = f"{bucket.keys.probe}-{secrets.token_hex(4)}", b"rasreconcile check"
    bucket.put(key, data, "unless there")
    try:
        bucket.put(key, data, "unless there")
    except Taken:
        pass
    else:
        yield Trouble(
            f"{bucket.keys.bucket} writes an object again that must be written once (If-None-Match)",
            "use S3, or a service that knows If-None-Match: without it a run could be computed twice",
        )
    if bucket.read(key) != data:
        yield Trouble(f"{bucket.keys.bucket} does not give back what was written", "see what is in between")
    bucket.remove([key])


def _queue(queue: JobQueue, needs: Needs) -> Iterator[Trouble]:
    answer = queue.account.call("batch", "describe_job_queues", jobQueues=[queue.queue])
    found = answer.get("jobQueues", ())
    if not found:
        yield Trouble(f"there is no job queue {queue.queue}", "create it, or correct `queue` or `region`")
        return
    yield from _state(f"the job queue {queue.queue}", found[0], "update-job-queue")
    names = [one["computeEnvironment"] for one in found[0].get("computeEnvironmentOrder", ())]
    environments = queue.account.call(
        "batch", "describe_compute_environments", computeEnvironments=names
    ).get("computeEnvironments", ())
    fit = [one for one in environments if not list(_state("", one, ""))]
    if fit:
        most = max(int((one.get("computeResources") or {}).get("maxvCpus") or needs.cores) for one in fit)
        if most < needs.cores:
            yield Trouble(
                f"the compute environments of {queue.queue} have at most {most} vCPUs, a plan gets {needs.cores}",
                "raise maxvCpus, or lower cores_per_plan",
            )
        return
    for one in environments:
        yield from _state(
            f"the compute environment {one.get('computeEnvironmentName')}", one, "update-compute-environment"
        )
    if not environments:
        yield Trouble(f"the job queue {queue.queue} has no compute environment", "add one to it")


def _state(what: str, one: Mapping[str, Any], update: str) -> Iterator[Trouble]:
    if one.get("state") != "ENABLED":
        yield Trouble(f"{what} is {one.get('state')}", f"`aws batch {update} --state ENABLED`")
    if one.get("status") not in {"VALID", None}:
        why = f": {one['statusReason']}" if one.get("statusReason") else ""
        yield Trouble(f"{what} is {one.get('status')}{why}", "wait until it is VALID, or correct it")


def _definition(queue: JobQueue, needs: Needs) -> Iterator[Trouble]:
    found = queue.described()
    if found is None or found.get("status") not in {"ACTIVE", None}:
        yield Trouble(
            f"there is no active job definition {queue.definition}",
            "register it, or correct `job_definition`",
        )
        return
    name, properties = f"the job definition {queue.definition}", properties_of(found)
    if found.get("type") != "container" or image_of(found) is None:
        yield Trouble(f"{name} is not of one container", "register one of type `container`")
        return
    wanted = {str(one.get("type")): one.get("value") for one in properties.get("resourceRequirements", ())}
    if needs.memory is None and not (wanted.get("MEMORY") or properties.get("memory")):
        yield Trouble(f"{name} says nothing of memory", "set memory_per_plan")
    if properties.get("readonlyRootFilesystem"):
        yield Trouble(
            f"{name} has a read-only root file system", "switch it off, or set worker_folder to a volume"
        )
    if "FARGATE" in found.get("platformCapabilities", ()) and not properties.get("jobRoleArn"):
        yield Trouble(f"{name} has no jobRoleArn", "add a role that may read and write the bucket")
