"""Jobs of AWS Batch: submitted, found again by name, and what Batch says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rasreconcile.workers.aws_batch.account import Account

WAITING = frozenset({"SUBMITTED", "PENDING", "RUNNABLE", "STARTING"})
"""States of a job whose container does not run yet."""
_AT_ONCE = 100
"""Jobs that one question may name."""
_LEAST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class BatchJob:
    """What Batch says of a job."""

    state: str
    why: str = ""
    """Its own words for the end of the job, and those for the end of the container."""

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def goes_on(self) -> bool:
        return self.state in WAITING or self.state == "RUNNING"


FORGOTTEN = BatchJob("")
"""Batch tells of a job for seven days after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job to be submitted."""

    name: str
    command: Sequence[str]
    cores: int
    memory: int | None
    """MiB; None: the job definition's."""
    limit: timedelta
    """Batch ends the container after that, whatever it is doing."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the job of a plan that asks for nothing else is given."""

    cores: int
    memory: int | None
    """MiB; None: as the job definition says."""


class JobQueue:
    """One queue, and the job definition that its jobs are made of."""

    def __init__(self, account: Account, queue: str, definition: str) -> None:
        self.account = account
        self.queue = queue
        self.definition = definition

    def submit(self, wanted: Submission) -> str:
        """Its id. Two jobs of one name do no harm: only one can claim the run."""
        needs = [{"type": "VCPU", "value": str(wanted.cores)}]
        if wanted.memory is not None:
            needs.append({"type": "MEMORY", "value": str(wanted.memory)})
        answer = self._call(
            "submit_job",
            jobName=wanted.name,
            jobQueue=self.queue,
            jobDefinition=self.definition,
            containerOverrides={"command": list(wanted.command), "resourceRequirements": needs},
            # A container that Batch starts again would find the run claimed.
            retryStrategy={"attempts": 1},
            timeout={"attemptDurationSeconds": max(_LEAST_SECONDS, int(wanted.limit.total_seconds()))},
        )
        return str(answer["jobId"])

    def named(self, name: str) -> list[str]:
        """Ids of all jobs of this name that Batch knows, whatever became of them."""
        answer = self._call(
            "list_jobs", jobQueue=self.queue, filters=[{"name": "JOB_NAME", "values": [name]}]
        )
        return [str(one["jobId"]) for one in answer.get("jobSummaryList", ()) if one.get("jobName") == name]

    def seen(self, jobs: Collection[str]) -> Mapping[str, BatchJob]:
        """What Batch says of each; FORGOTTEN where it does not know one."""
        names, found = sorted(jobs), dict.fromkeys(jobs, FORGOTTEN)
        for at in range(0, len(names), _AT_ONCE):
            answer = self._call("describe_jobs", jobs=names[at : at + _AT_ONCE])
            for one in answer.get("jobs", ()):
                found[str(one["jobId"])] = BatchJob(str(one["status"]), _why(one))
        return found

    def end(self, job: str, reason: str) -> None:
        """Where it waits, it never begins; where it runs, it is asked to end, and killed half a minute later."""
        self._call("terminate_job", jobId=job, reason=reason)

    def described(self) -> Mapping[str, Any] | None:
        """The newest active revision of the job definition, or the one that is named; None: there is none."""
        name = self.definition
        if name.startswith("arn:") or name.rpartition(":")[2].isdecimal():
            answer = self._call("describe_job_definitions", jobDefinitions=[name])
        else:
            answer = self._call("describe_job_definitions", jobDefinitionName=name, status="ACTIVE")
        found: Sequence[Mapping[str, Any]] = answer.get("jobDefinitions", ())
        return max(found, key=lambda one: int(one.get("revision", 0)), default=None)

    def _call(self, operation: str, **words: Any) -> Any:
        return self.account.call("batch", operation, **words)


def _why(job: Mapping[str, Any]) -> str:
    attempts = job.get("attempts") or ()
    container = job.get("container") or (attempts[-1].get("container") if attempts else None) or {}
    said = [job.get("statusReason"), container.get("reason")]
    return ": ".join(dict.fromkeys(str(one) for one in said if one))
