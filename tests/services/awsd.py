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
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from awsjobs import BUCKET, DEFINITION, IMAGE, QUEUE, REGION, Batch, Fault, Nursery, kill_all, shown
from services import Service, absent

__all__ = ["BUCKET", "CREDENTIALS", "DEFINITION", "IMAGE", "QUEUE", "REGION", "Awsd", "aws", "why_not"]

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


# ---- HTTP


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
                    return [{**shown(job), "asked": job["asked"]} for job in batch.jobs.values()]
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
        kill_all(job["jobId"], job.get("pid") if job["status"] == "RUNNING" else None)
    os._exit(0)


if __name__ == "__main__":
    main()
