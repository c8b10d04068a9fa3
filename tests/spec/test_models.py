"""The shape of a spec: what may be written, what it means, and what is refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rasreconcile.spec import DatasetExpectation, PlanEntry, Retries, Secret, Spec
from rasreconcile.spec.base import SpecModel, duration, in_words
from rasreconcile.specfile.schema import field_texts
from rasreconcile.workers.aws_batch.kind import AwsBatchWorker
from rasreconcile.workers.docker.kind import DockerWorker
from rasreconcile.workers.kinds import KINDS
from rasreconcile.workers.local.kind import LocalWorker
from rasreconcile.workers.psexec.kind import PsExecWorker
from rasreconcile.workers.slurm.kind import SlurmWorker
from rasreconcile.workers.ssh.kind import SshWorker

PSEXEC = {"type": "psexec", "hostname": "lab", "share_path": r"\\lab\RasRemote", "session_id": 2}
DOCKER = {"type": "docker", "docker_image": "hecras:6.6"}


def why_not(model: type[BaseModel], **fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return " | ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in caught.value.errors())


def models() -> Iterator[type[SpecModel]]:
    waiting = list(SpecModel.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        yield model


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_field_says_what_it_means(model: type[SpecModel]) -> None:
    assert {name for name, text in field_texts(model) if text} == {*model.model_fields}
    assert (model.__doc__ or "").strip()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (45, 45),
        (0.5, 0.5),
    ],
)
def test_durations_are_written_as_people_write_them(written: Any, seconds: float) -> None:
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", ["", "30", "1 day", "-5m", "1h 30m", -1, True, None, [30], 1e12, "9" * 70 + "s", "400d"]
)
def test_what_is_no_duration_is_refused(written: Any) -> None:
    assert "is not a duration" in why_not(Retries, wait=written)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 365 * 86400))
def test_a_duration_reads_back_as_it_is_written(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert duration(in_words(span)) == span


def test_the_longest_wait_is_not_shorter_than_the_first() -> None:
    assert "shorter than `wait` (1h)" in why_not(Retries, wait="1h", at_most="30m")
    assert Retries(wait=timedelta(minutes=1), at_most=timedelta(minutes=1)).attempts == 3


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (["04", "06-08", 4], ("04", "06", "07", "08")),
        (["p04", "p06-p07"], ("04", "06", "07")),
        ([12, "01"], ("12", "01")),
        ("04-05", ("04", "05")),
    ],
)
def test_numbers_are_expanded_in_order_each_once(written: Any, numbers: tuple[str, ...]) -> None:
    assert PlanEntry.model_validate({"project": "a.prj", "numbers": written}).numbers == numbers


@pytest.mark.parametrize(
    "written", ["4", "004", "00", "08-06", "p4", "04-", "x", 0, 100, -1, 4.0, True, None, {"04": 1}, "٠٤"]
)
def test_what_is_no_plan_number_is_refused(written: Any) -> None:
    assert "plan number" in why_not(PlanEntry, project="a.prj", numbers=[written])


def test_no_number_at_all_does_not_mean_every_plan() -> None:
    assert "leave it out to take every plan" in why_not(PlanEntry, project="a.prj", numbers=[])


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", r"a\..\x", r"C:\x", "C:x", r"\\h\s\x"])
def test_inputs_cannot_lead_out_of_the_project(path: str) -> None:
    assert "leads out" in why_not(PlanEntry, project="a.prj", inputs=[path])


@pytest.mark.parametrize("name", ["Muncie", "M", "basin/Muncie", "two words", "Größe"])
def test_a_name_may_be_any_words(name: str) -> None:
    assert PlanEntry(project="a.prj", name=name).name == name


@pytest.mark.parametrize("name", ["", " M", "M/", "/M", r"a\b"])
def test_a_name_must_read_as_the_first_part_of_an_address(name: str) -> None:
    assert "name" in why_not(PlanEntry, project="a.prj", name=name)


@pytest.mark.parametrize(
    ("total", "per_plan", "most", "slots"),
    [(8, 2, None, 4), (8, 3, None, 2), (1, 1, None, 1), (8, 2, 3, 3), (8, 2, 9, 4)],
)
def test_slots_are_what_the_cores_allow_and_no_more_than_asked(
    total: int, per_plan: int, most: int | None, slots: int
) -> None:
    worker = LocalWorker(type="local", cores_total=total, cores_per_plan=per_plan, max_parallel_plans=most)
    assert worker.slots == slots


def test_a_worker_on_which_no_run_would_fit_is_refused() -> None:
    said = "4 is more than cores_total (2), so no run would fit; lower it"
    assert said in why_not(LocalWorker, type="local", cores_total=2, cores_per_plan=4)
    assert "cores_total (1)" in why_not(LocalWorker, type="local", cores_per_plan=4)


@pytest.mark.parametrize("priority", [-1, 10, 1.5, "0"])
def test_queue_priority_is_a_digit(priority: Any) -> None:
    assert "queue_priority" in why_not(LocalWorker, type="local", queue_priority=priority)


def test_a_desktop_session_must_be_named_and_session_0_is_refused_with_the_reason() -> None:
    assert "HEC-RAS hangs without a desktop" in why_not(PsExecWorker, **{**PSEXEC, "session_id": 0})
    assert "session_id: Field required" in why_not(
        PsExecWorker, **{k: PSEXEC[k] for k in PSEXEC if k != "session_id"}
    )


@pytest.mark.parametrize("share", ["Z:\\RasRemote", "RasRemote", r"\\lab", "\\\\lab\\", "", "/srv/x"])
def test_a_share_is_a_unc_path(share: str) -> None:
    assert "is not a UNC path" in why_not(PsExecWorker, **{**PSEXEC, "share_path": share})


@pytest.mark.parametrize(
    ("share", "folder", "on_host"),
    [
        (r"\\lab\RasRemote", "", r"C:\RasRemote"),
        ("//lab/RasRemote/", "", r"C:\RasRemote"),
        (r"\\lab\RasRemote\runs", "", r"C:\RasRemote\runs"),
        (r"\\lab\RasRemote", r"D:\Ras", r"D:\Ras"),
    ],
)
def test_the_folder_behind_a_share_is_derived_from_its_name(share: str, folder: str, on_host: str) -> None:
    worker = PsExecWorker.model_validate({**PSEXEC, "share_path": share, "worker_folder": folder})
    assert worker.folder_on_host == on_host


@pytest.mark.parametrize(
    "bucket", ["firm-ras", "s3://", "s3://Firm/x", "s3://firm-ras/a b", "https://firm-ras"]
)
def test_a_bucket_has_the_address_of_a_bucket(bucket: str) -> None:
    fields = {"type": "aws-batch", "queue": "q", "job_definition": "d"}
    assert "write s3://bucket/folder" in why_not(AwsBatchWorker, **fields, bucket=bucket)
    assert why_not(AwsBatchWorker, **fields, bucket="s3://firm-ras/a", endpoint_url="http://u:p@h")


def test_a_share_for_docker_has_two_ends() -> None:
    assert "give both or neither" in why_not(DockerWorker, **DOCKER, share_path=r"\\h\s")
    assert "give both or neither" in why_not(DockerWorker, **DOCKER, remote_staging_path="C:\\s")


@pytest.mark.parametrize(
    "host",
    ["ssh://ras@h:2222", "tcp://10.0.0.1:2376", "unix:///run/docker.sock", "npipe:////./pipe/docker_engine"],
)
def test_a_docker_host_is_a_daemons_address(host: str) -> None:
    assert DockerWorker.model_validate({**DOCKER, "docker_host": host}).docker_host == host


@pytest.mark.parametrize(
    "host", ["h", "h:2376", "ftp://h", "ssh://", "ssh://ras:hunter2@h", "tcp://:hunter2@h:1"]
)
def test_what_is_no_daemons_address_or_holds_a_password_is_refused(host: str) -> None:
    said = why_not(DockerWorker, **DOCKER, docker_host=host)
    assert "docker_host" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (DockerWorker, {**DOCKER, "memory_limit": "8 GB"}),
        (DockerWorker, {**DOCKER, "cpu_limit": "four"}),
        (SlurmWorker, {"type": "slurm", "memory_per_plan": "16 gigs"}),
        (SshWorker, {"type": "ssh", "hostname": ""}),
        (SshWorker, {"type": "ssh", "hostname": "h", "port": 0}),
        (LocalWorker, {"type": "local", "process_priority": "high"}),
        (LocalWorker, {"type": "local", "max_runtime_minutes": 0}),
        (DatasetExpectation, {"between": [2, 1]}),
        (DatasetExpectation, {"between": [1]}),
        (DatasetExpectation, {"shape": [-1]}),
    ],
)
def test_values_out_of_their_range_are_refused(model: type[BaseModel], fields: dict[str, Any]) -> None:
    assert why_not(model, **fields)


@pytest.mark.parametrize("kind", ["local", "psexec", "ssh", "docker", "slurm", "aws-batch"])
def test_type_says_which_worker_it_is(kind: str) -> None:
    needed: dict[str, dict[str, Any]] = {"psexec": PSEXEC, "docker": DOCKER, "ssh": {"hostname": "h"}}
    needed["aws-batch"] = {"queue": "q", "job_definition": "d", "bucket": "s3://firm-ras/study"}
    fields = needed.get(kind, {})
    assert KINDS[kind].spec.model_validate({**fields, "type": kind}).type == kind


@pytest.mark.parametrize("plain", ["hunter2", 12345, 1.5, True])
def test_a_secret_is_named_and_never_written(plain: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Secret.model_validate(plain)
    assert "a secret is named, never written; give {env: NAME} or {file: PATH}" in str(caught.value)
    assert str(plain) not in str(caught.value)


@pytest.mark.parametrize(
    "fields", [{}, {"env": "A", "file": "b"}, {"env": "not a name"}, {"file": ""}, {"env": None}]
)
def test_a_secret_has_one_place(fields: dict[str, Any]) -> None:
    assert why_not(Secret, **fields)


def test_a_spec_never_changes() -> None:
    worker = LocalWorker(type="local")
    with pytest.raises(ValidationError, match="frozen"):
        worker.cores_total = 8


@pytest.mark.parametrize("version", [True, 1.0, "1", 2, None])
def test_only_the_number_1_is_a_version(version: Any) -> None:
    assert "version" in why_not(Spec, version=version)
