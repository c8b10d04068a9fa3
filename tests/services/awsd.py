"""A stand-in for AWS on this machine: S3 is moto's, Batch runs the commands of containers as processes of this machine.

    python awsd.py

prints its port; its state dies with it. Batch answers as the real one does: states, reasons, a job that is terminated is asked
first and killed after a while, a name may be used by any number of jobs. Whoever tests asks `/_control` for what only AWS
can do: hold a queue, take a machine away, deny, throttle, damage.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from services import Service, absent

REGION = "us-east-1"
BUCKET = "firm-ras"
QUEUE = "ras-spot"
DEFINITION = "hecras66"
IMAGE = "hecras:6.6"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}


# ---- for tests


def why_not() -> str | None:
    """What is missing here for it."""
    names = ("boto3", "moto", "flask")
    return next((f"{name} is not installed" for name in names if find_spec(name) is None), None)


class Awsd:
    """A process of its own, which outlives controllers that are killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **CREDENTIALS},
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, verb: str, **words: Any) -> Any:
        data = json.dumps({"verb": verb, **words}).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/_control", data), timeout=300
        ) as answer:
            return json.load(answer)

    def jobs(self, name: str = "") -> list[dict[str, Any]]:
        """All there ever were, or those of one name."""
        found: list[dict[str, Any]] = self.ask("jobs")
        return [job for job in found if name in {"", job["jobName"]}]

    def fault(self, what: str, method: str, path: str, times: int = 1, **more: Any) -> None:
        """The next `times` requests whose method and path match get `what`: denied, throttled, damaged, cut, lost."""
        self.ask("fault", what=what, method=method, path=path, times=times, **more)

    def stop(self) -> None:
        # Its input ends: it ends, with all its containers.
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="session")
def aws() -> Iterator[Awsd]:
    """One for all tests: each has a folder of its own in the bucket, or a name of its own."""
    if (missing := why_not()) is not None:
        absent(Service.AWS, missing)
    one = Awsd()
    yield one
    one.stop()


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
                    job = next(j for j in self.jobs.values() if j.get("pid") == words["pid"])
                    _kill_all(job["jobId"], None)
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
                    _kill_all(job["jobId"], job["pid"])

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
                    _kill_all(job["jobId"], job["pid"])
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
                    return {"jobs": [_shown(self.jobs[one]) for one in asked["jobs"] if one in self.jobs]}
            case "listjobs":
                (wanted,) = asked["filters"][0]["values"]
                with self.lock:
                    found = [_shown(job) for job in self.jobs.values() if job["jobName"] == wanted]
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


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in {"asked", "pid"}}


def _kill_all(job: str, pid: int | None) -> None:
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


# ---- HTTP


class Fault(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


Start = Callable[[str, list[tuple[str, str]]], Any]
_S3_FAULTS = {
    "denied": ("403 Forbidden", "AccessDenied", "Access Denied"),
    "throttled": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    "conflict": ("409 Conflict", "ConditionalRequestConflict", "A conflicting operation occurred."),
    "expired": ("400 Bad Request", "ExpiredToken", "The provided token has expired."),
}
_BATCH_FAULTS = {
    "denied": ("403 Forbidden", "AccessDeniedException", "User is not authorized"),
    "throttled": ("429 Too Many Requests", "TooManyRequestsException", "Too Many Requests"),
    "expired": ("403 Forbidden", "ExpiredTokenException", "The security token included is expired"),
}


class App:
    """Faults first, then Batch, then moto."""

    s3: Any = None

    def objects(self) -> list[dict[str, Any]]:
        """All that the bucket holds."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [one for page in pages for one in page.get("Contents", ())]

    def __init__(self, batch: Batch, moto: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self.batch = batch
        self.moto = moto
        self.faults: list[dict[str, Any]] = []
        self.counted: dict[str, int] = {}
        self.parts: list[int] = []
        """Numbers of all parts that were sent, in order."""
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        whole = f"{path}?{environ.get('QUERY_STRING', '')}"
        if path == "/_control":
            return self.control(environ, start)
        fault = self.due(method, whole)
        is_batch = path.startswith("/v1/")
        with self.lock:
            if number := re.search(r"partNumber=(\d+)", whole):
                self.parts.append(int(number[1]))
            name = path.removeprefix("/v1/") if is_batch else method
            self.counted[name] = self.counted.get(name, 0) + 1
        if fault and fault["what"] in (_BATCH_FAULTS if is_batch else _S3_FAULTS):
            return _refused(environ, start, fault["what"], is_batch)
        answer = self.batched(environ, start) if is_batch else self.stored(environ, start, fault)
        if fault and fault["what"] == "lost":
            # It was done, and nobody hears of it.
            raise ConnectionAbortedError
        return answer

    def batched(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        asked = json.loads(_body(environ) or b"{}")
        headers = [("Content-Type", "application/json")]
        try:
            said = json.dumps(self.batch.answer(environ["PATH_INFO"][4:], asked)).encode()
            start("200 OK", headers)
        except Fault as fault:
            said = json.dumps({"message": str(fault)}).encode()
            start(f"{fault.status} Bad Request", [*headers, ("x-amzn-ErrorType", fault.code)])
        return [said]

    def stored(self, environ: dict[str, Any], start: Start, fault: dict[str, Any] | None) -> Iterable[bytes]:
        body = self.moto(environ, start)
        if fault is None or fault["what"] not in {"damaged", "cut"}:
            return body
        data = b"".join(body)
        if fault["what"] == "cut":
            return _cut(data)
        return [bytes([data[0] ^ 1]) + data[1:]]

    def due(self, method: str, path: str) -> dict[str, Any] | None:
        with self.lock:
            for fault in self.faults:
                if fault["times"] and re.search(fault["method"], method) and re.search(fault["path"], path):
                    fault["times"] -= 1
                    return fault
        return None

    def control(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        words = json.loads(_body(environ))
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(self.controlled(words.pop("verb"), words)).encode()]

    def controlled(self, verb: str, words: dict[str, Any]) -> Any:
        batch = self.batch
        match verb:
            case "jobs":
                with batch.lock:
                    return [{**_shown(job), "asked": job["asked"]} for job in batch.jobs.values()]
            case "kill":
                return batch.kill(words["name"], words["reason"], words.get("how", "at once"))
            case "keys":
                return [one["Key"] for one in self.objects()]
            case "wipe":
                batch.kill("", "wiped")
                for one in self.objects():
                    self.s3.delete_object(Bucket=BUCKET, Key=one["Key"])
                with batch.lock:
                    batch.jobs = {
                        i: j for i, j in batch.jobs.items() if j["status"] in {"STARTING", "RUNNING"}
                    }
            case "forget":
                with batch.lock:
                    batch.jobs = {
                        i: j for i, j in batch.jobs.items() if j["status"] in {"RUNNABLE", "RUNNING"}
                    }
            case "hold":
                with batch.lock:
                    batch.held, batch.most = words["held"], words.get("most", 10_000)
                    batch._start()
            case "change":
                batch.changed[words["what"]] = words["to"]
            case "fault":
                with self.lock:
                    self.faults.append(words)
            case "clear":
                with self.lock:
                    self.faults.clear()
                batch.changed = {"queue": {}, "environment": {}, "definition": {}}
            case "parts":
                return self.parts
            case "count":
                with self.lock:
                    counted, self.counted = self.counted, {}
                return counted
        return None


def _cut(data: bytes) -> Iterable[bytes]:
    yield data[: len(data) // 2]
    raise ConnectionAbortedError


def _body(environ: dict[str, Any]) -> bytes:
    data: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return data


def _refused(environ: dict[str, Any], start: Start, what: str, is_batch: bool) -> Iterable[bytes]:
    _body(environ)
    status, code, message = (_BATCH_FAULTS if is_batch else _S3_FAULTS)[what]
    if is_batch:
        start(status, [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)])
        return [json.dumps({"message": message}).encode()]
    start(status, [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()]


def main() -> None:
    nursery = Nursery()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *words: Any) -> None:
            """Nobody reads it."""

    batch = Batch(nursery)
    app = App(batch, DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    import boto3

    app.s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.port}")
    app.s3.create_bucket(Bucket=BUCKET)
    print(server.port, flush=True)
    sys.stdin.read()
    for job in list(batch.jobs.values()):
        _kill_all(job["jobId"], job.get("pid") if job["status"] == "RUNNING" else None)
    os._exit(0)


if __name__ == "__main__":
    main()
