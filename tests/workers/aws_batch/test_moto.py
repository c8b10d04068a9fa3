"""moto's own Batch, which starts real containers on a real dockerd: the stand-in of the other tests is not the only judge."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awsd
import boto3
import pytest
from dockerd import Dockerd, boto3_image, why_not
from services import Service, absent
from waiting import LONGEST, until

from rasreconcile.jobs import Ended, Queued, Running, Vanished, Worker
from rasreconcile.workers.aws_batch.kind import AwsBatchWorker
from rasreconcile.workers.aws_batch.opened import opened
from tests.workers.places import OUTPUT, plain_job

IMAGE = "batchbox:1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[str, Dockerd]]:
    """moto's server with everything that a queue needs, and the daemon of its containers."""
    if (missing := why_not()) is not None:
        absent(Service.DOCKER, missing)
    if (missing := awsd.why_not()) is not None:
        absent(Service.AWS, missing)
    daemon = Dockerd("--host-gateway-ip", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = {"DOCKER_HOST": daemon.host, "MOTO_DOCKER_NETWORK_MODE": "host", "MOTO_PORT": str(port)}
    server: subprocess.Popen[bytes] | None = None
    try:
        daemon.start()
        daemon.add_image(IMAGE, boto3_image())
        command = [sys.executable, "-m", "moto.server", "-p", str(port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, env={**os.environ, **awsd.CREDENTIALS, **more}, **quiet)  # type: ignore[call-overload]
        until(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}", daemon
    finally:
        if server is not None:
            server.send_signal(signal.SIGKILL)
            server.wait()
        daemon.remove()


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def worker(moto: tuple[str, Dockerd], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Worker]:
    for name, value in awsd.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    url, _ = moto
    _furnish(url)
    spec = AwsBatchWorker(
        type="aws-batch",
        queue=awsd.QUEUE,
        job_definition=awsd.DEFINITION,
        bucket=f"s3://{awsd.BUCKET}/study",
        region=awsd.REGION,
        endpoint_url=url,
        memory_per_plan="256m",
    )
    one = opened("cloud", spec, log_seconds=0.2, look_seconds=0.2)
    yield one
    one.close()


def _furnish(url: str) -> None:
    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=url)

    vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet = client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/25")["Subnet"]["SubnetId"]
    group = client("ec2").create_security_group(GroupName="batch", Description="batch", VpcId=vpc)["GroupId"]
    role = client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    client("iam").create_instance_profile(InstanceProfileName="batch")
    client("iam").add_role_to_instance_profile(InstanceProfileName="batch", RoleName="batch")
    profile = client("iam").get_instance_profile(InstanceProfileName="batch")["InstanceProfile"]["Arn"]
    batch = client("batch")
    resources = {"type": "EC2", "minvCpus": 0, "maxvCpus": 8, "desiredvCpus": 0, "instanceTypes": ["optimal"]}
    resources |= {"subnets": [subnet], "securityGroupIds": [group], "instanceRole": profile}
    made = batch.create_compute_environment(
        computeEnvironmentName="spot",
        type="MANAGED",
        state="ENABLED",
        computeResources=resources,
        serviceRole=role,
    )
    order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
    batch.create_job_queue(
        jobQueueName=awsd.QUEUE, state="ENABLED", priority=1, computeEnvironmentOrder=order
    )
    properties = {"image": IMAGE, "vcpus": 1, "memory": 256, "command": ["true"]}
    properties["environment"] = [{"name": n, "value": v} for n, v in awsd.CREDENTIALS.items()]
    batch.register_job_definition(
        jobDefinitionName=awsd.DEFINITION, type="container", containerProperties=properties
    )
    client("s3").create_bucket(Bucket=awsd.BUCKET)


def test_real_containers_of_moto_compute_a_run_and_lose_one(worker, moto, a_run, tmp_path) -> None:
    assert worker.check() == []
    good, killed = a_run("good"), a_run("killed")
    worker.start(good, plain_job(steps=(("sh", "-c", f"echo computed; printf result >{OUTPUT}"),)))
    worker.start(killed, plain_job(steps=(("sh", "-c", "echo begun; sleep 3600"),)))

    def status(run):
        return worker.poll([run])[run]

    until(lambda: isinstance(status(killed), Running), every=0.3)
    with moto[1].client() as client:
        (running,) = [
            one for one in client.containers() if any(killed in word for word in _command(client, one))
        ]
        client.kill(running["Id"])
    until(lambda: not isinstance(status(killed), Running | Queued), every=0.3, seconds=LONGEST)
    assert isinstance(status(killed), Vanished)
    until(lambda: not isinstance(status(good), Running | Queued), every=0.3)
    ended = status(good)
    assert isinstance(ended, Ended)
    assert ended.exit_code == 0
    assert worker.fetch(good, OUTPUT, tmp_path / "here").digest == ended.outputs[OUTPUT].digest
    assert worker.read_log(good) == b"computed\n"


def _command(client: Any, container: dict[str, Any]) -> list[str]:
    found: list[str] = client.inspect_container(container["Id"])["Config"]["Cmd"]
    return found
