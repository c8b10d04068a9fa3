"""Jobs of the stand-in for AWS Batch: containers that are processes of this machine, and what becomes of them."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

REGION = "us-east-1"
BUCKET = "firm-ras"
QUEUE = "ras-spot"
DEFINITION = "hecras66"
IMAGE = "hecras:6.6"


class Fault(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


# ---- containers: forked from a process that has boto3 already, which a container would import for half a second


class Nursery:
    """Forks a process for each container; single-threaded, because it forks."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            self.ours.close()
            _fork_on(theirs)
        theirs.close()


def _fork_on(line: socket.socket) -> None:
    import boto3

    boto3.client("s3", region_name=REGION)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    while True:
        watched: list[Any] = [line, woken]
        ready, _, _ = select.select(watched, [], [])
        if woken in ready:
            os.read(woken, 4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                code = os.waitstatus_to_exitcode(ended[1])
                line.send(json.dumps({"pid": ended[0], "code": code if code >= 0 else 128 - code}).encode())
        if line in ready:
            asked = line.recv(1 << 20)
            if not asked:
                os._exit(0)
            words = json.loads(asked)
            pid = os.fork()
            if pid == 0:
                line.close()
                _contain(words)
            line.send(json.dumps({"job": words["env"]["AWS_BATCH_JOB_ID"], "pid": pid}).encode())


def _contain(words: dict[str, Any]) -> None:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.environ.update(words["env"])
        with Path(os.devnull).open("r+b") as null:
            os.dup2(null.fileno(), 0)
            os.dup2(null.fileno(), 1)
        program, option, text, *arguments = words["command"]
        assert (program, option) == ("python3", "-c")
        sys.argv = ["-c", *arguments]
        exec(compile(text, "container", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  whatever it is, it is told and this process ends
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


# ---- Batch


class Batch:
    """Jobs, and what becomes of them."""

    def __init__(self, nursery: Nursery) -> None:
        self.lock = threading.Condition()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.held = False
        self.most = 10_000
        self.grace = 10.0
        self.changed: dict[str, dict[str, Any]] = {"queue": {}, "environment": {}, "definition": {}}
        self.nursery = nursery
        threading.Thread(target=self._reap, daemon=True).start()

    def submit(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["jobQueue"] != QUEUE:
            raise Fault("ClientException", f"JobQueue {asked['jobQueue']} not found")
        if asked["jobDefinition"].partition(":")[0] != DEFINITION:
            raise Fault("ClientException", f"JobDefinition {asked['jobDefinition']} not found")
        job = str(uuid.uuid4())
        with self.lock:
            self.jobs[job] = {
                "jobId": job,
                "jobName": asked["jobName"],
                "status": "RUNNABLE",
                "asked": asked,
                "createdAt": int(time.time() * 1000),
            }
            self._start()
        return {"jobId": job, "jobName": asked["jobName"]}

    def _start(self) -> None:
        running = sum(job["status"] in {"STARTING", "RUNNING"} for job in self.jobs.values())
        for job in self.jobs.values():
            if job["status"] != "RUNNABLE" or self.held or running >= self.most:
                continue
            running += 1
            job["status"] = "STARTING"
            overrides = job["asked"].get("containerOverrides", {})
            env = {"AWS_BATCH_JOB_ID": job["jobId"], "AWS_BATCH_JQ_NAME": QUEUE, "AWS_BATCH_JOB_ATTEMPT": "1"}
            self.nursery.ours.send(json.dumps({"command": overrides["command"], "env": env}).encode())

    def _reap(self) -> None:
        while said := self.nursery.ours.recv(1 << 16):
            words = json.loads(said)
            with self.lock:
                if "job" in words:
                    job = self.jobs[words["job"]]
                    job["pid"], job["status"] = words["pid"], "RUNNING"
                    seconds = job["asked"].get("timeout", {}).get("attemptDurationSeconds", 10**6)
                    self._later(seconds, job, "Job attempt duration exceeded timeout")
                else:
                    # The number may be that of one which ended long ago.
                    going = [job for job in self.jobs.values() if job["status"] == "RUNNING"]
                    job = next(job for job in going if job["pid"] == words["pid"])
                    kill_all(job["jobId"], None)
                    job["status"] = "SUCCEEDED" if words["code"] == 0 else "FAILED"
                    job["container"] = {"exitCode": words["code"]}
                    job.setdefault("statusReason", "Essential container in task exited")
                self._start()
                self.lock.notify_all()

    def _later(self, seconds: float, job: dict[str, Any], reason: str) -> None:
        def end() -> None:
            with self.lock:
                if job["status"] == "RUNNING":
                    job.setdefault("statusReason", reason)
                    kill_all(job["jobId"], job["pid"])

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()

    def terminate(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            job = self.jobs.get(asked["jobId"])
            if job is None:
                return {}
            if job["status"] == "RUNNABLE":
                job["status"], job["statusReason"] = "FAILED", asked["reason"]
            elif job["status"] in {"STARTING", "RUNNING"}:
                self.lock.wait_for(lambda: job["status"] != "STARTING", 60)
                job["statusReason"] = asked["reason"]
                if job["status"] == "RUNNING":
                    os.kill(job["pid"], signal.SIGTERM)
                    self._later(self.grace, job, asked["reason"])
        return {}

    def kill(self, name: str, reason: str, how: str = "at once") -> int:
        """As if its machine had been taken away: `at once`, or after `a notice`."""
        with self.lock:
            there = [job for job in self.jobs.values() if name in {"", job["jobName"]}]
            self.lock.wait_for(lambda: all(job["status"] != "STARTING" for job in there), 60)
            running = [job for job in there if job["status"] == "RUNNING"]
            for job in running:
                job["statusReason"] = reason
                if how == "a notice":
                    os.kill(job["pid"], signal.SIGTERM)
                else:
                    kill_all(job["jobId"], job["pid"])
            self.lock.wait_for(lambda: all(job["status"] != "RUNNING" for job in running), 60)
            return len(running)

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "submitjob":
                return self.submit(asked)
            case "terminatejob":
                return self.terminate(asked)
            case "describejobs":
                assert len(asked["jobs"]) <= 100
                with self.lock:
                    return {"jobs": [shown(self.jobs[one]) for one in asked["jobs"] if one in self.jobs]}
            case "listjobs":
                (wanted,) = asked["filters"][0]["values"]
                with self.lock:
                    found = [shown(job) for job in self.jobs.values() if job["jobName"] == wanted]
                return {"jobSummaryList": found}
            case "describejobqueues":
                queue: dict[str, Any] = {
                    "jobQueueName": QUEUE,
                    "state": "ENABLED",
                    "status": "VALID",
                    "priority": 1,
                }
                queue["computeEnvironmentOrder"] = [{"order": 1, "computeEnvironment": "arn:ce"}]
                return {
                    "jobQueues": [{**queue, **self.changed["queue"]}] if asked["jobQueues"] == [QUEUE] else []
                }
            case "describecomputeenvironments":
                one: dict[str, Any] = {
                    "computeEnvironmentName": "spot",
                    "state": "ENABLED",
                    "status": "VALID",
                }
                one["computeResources"] = {"maxvCpus": 64}
                return {"computeEnvironments": [{**one, **self.changed["environment"]}]}
            case "describejobdefinitions":
                name = asked.get("jobDefinitionName") or asked["jobDefinitions"][0].partition(":")[0]
                if name != DEFINITION:
                    return {"jobDefinitions": []}
                one = {
                    "jobDefinitionName": DEFINITION,
                    "revision": 3,
                    "status": "ACTIVE",
                    "type": "container",
                }
                one["jobDefinitionArn"] = f"arn:aws:batch:{REGION}:123456789012:job-definition/{DEFINITION}:3"
                needs = [{"type": "MEMORY", "value": "2048"}, {"type": "VCPU", "value": "1"}]
                one["containerProperties"] = {"image": IMAGE, "resourceRequirements": needs}
                return {"jobDefinitions": [{**one, **self.changed["definition"]}]}
        raise Fault("ClientException", f"no such operation: {operation}")


def shown(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in {"asked", "pid"}}


def kill_all(job: str, pid: int | None) -> None:
    """A container ends with all that is in it: found by the variable that Batch sets."""
    mark = f"AWS_BATCH_JOB_ID={job}".encode()
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
