"""What goes wrong between a controller, S3 and Batch: nothing is computed twice, nothing damaged is taken."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from awsd import BUCKET

from rasreconcile.errors import InputChanged, Refused, Unreachable
from rasreconcile.jobs import Absent, Ended, Queued, Vanished
from rasreconcile.workers.aws_batch import parts
from tests.workers.batch_place import BatchPlace
from tests.workers.places import OUTPUT

MIB = 1 << 20


def client(place: BatchPlace, service: str) -> Any:
    return boto3.client(service, endpoint_url=place.aws.url)


def key(place: BatchPlace, name: str) -> str:
    return f"{place.fields['bucket'].rpartition('/')[2]}/{name}"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore tries once: what it would wait for is not what is tested."""
    monkeypatch.setattr("rasreconcile.workers.aws_batch.account.ATTEMPTS", 1)


def test_a_run_that_was_submitted_twice_under_one_name_is_computed_once(batch, run) -> None:
    batch.aws.ask("hold", held=True)
    batch.worker.start(run, batch.job(writes={OUTPUT: b"1"}))
    (first,) = batch.aws.jobs(run)
    client(batch, "batch").submit_job(**first["asked"])
    assert batch.worker.poll([run])[run] == Queued()
    batch.aws.ask("hold", held=False)
    assert batch.end(run).exit_code == 0
    batch.until(lambda: all(job["status"] == "SUCCEEDED" for job in batch.aws.jobs(run)))
    assert (len(batch.aws.jobs(run)), batch.launches(run)) == (2, 1)


def test_a_controller_that_died_before_it_submitted_is_followed_by_one_that_does(batch, run, quick) -> None:
    job = batch.job()
    batch.aws.fault("denied", "POST", "submitjob")
    with pytest.raises(Refused, match=r"docs/workers/aws-batch\.md"):
        batch.worker.start(run, job)
    assert batch.again().poll([run])[run] == Absent()
    batch.again().start(run, job)
    assert (batch.end(run).exit_code, batch.launches(run)) == (0, 1)


def test_a_controller_that_died_before_it_told_of_its_job_is_followed_by_one_that_finds_it(
    batch, run, quick
) -> None:
    batch.aws.ask("hold", held=True)
    job = batch.job()
    batch.aws.fault("denied", "PUT", r"/live/.*\.job\.")
    with pytest.raises(Refused):
        batch.worker.start(run, job)
    assert batch.again().poll([run])[run] == Queued()
    batch.again().start(run, job)
    assert len(batch.aws.jobs(run)) == 1
    batch.aws.ask("hold", held=False)
    assert (batch.end(run).exit_code, batch.launches(run)) == (0, 1)


@pytest.mark.parametrize("fault", ["lost", "conflict"])
def test_a_claim_whose_answer_is_lost_or_that_meets_another_write_is_made_once(batch, run, fault) -> None:
    batch.aws.fault(fault, "PUT", "/started$")
    batch.worker.start(run, batch.job(writes={OUTPUT: b"1"}))
    assert (batch.end(run).exit_code, batch.launches(run)) == (0, 1)


def test_a_bucket_and_a_queue_that_throttle_are_asked_again_until_they_answer(batch, run) -> None:
    batch.aws.fault("throttled", "PUT", "/runs/")
    batch.aws.fault("throttled", "POST", "submitjob")
    batch.worker.start(run, batch.job())
    assert batch.end(run).exit_code == 0


def test_what_throttles_for_long_or_has_expired_is_no_end_of_a_run(batch, run, quick) -> None:
    batch.worker.start(run, batch.job(waits=True))
    batch.aws.fault("throttled", "GET", "list-type", 1)
    with pytest.raises(Unreachable, match=r"SlowDown.*; it will be retried"):
        batch.worker.poll([run])
    batch.aws.fault("expired", "GET", "list-type", 1)
    with pytest.raises(Unreachable, match="renew the credentials"):
        batch.worker.poll([run])
    batch.aws.fault("denied", "GET", "list-type", 1)
    with pytest.raises(Refused, match="give this user or role the rights"):
        batch.worker.poll([run])
    batch.let_go(run)
    assert batch.end(run).exit_code == 0


def test_an_input_that_arrives_with_another_digest_starts_nothing_and_is_fetched_again(batch, run) -> None:
    job = batch.job(inputs={"terrain.tif": b"terrain"})
    batch.aws.fault("damaged", "GET", "/cache/")
    batch.worker.start(run, job)
    lost = batch.until_is(run, lambda status: isinstance(status, Absent))
    assert "arrived with the digest" in lost.why
    batch.worker.start(run, job)
    assert (batch.end(run).exit_code, batch.launches(run)) == (0, 1)


def test_a_result_that_arrives_damaged_is_told_by_its_digest(batch, run, tmp_path) -> None:
    batch.worker.start(run, batch.job(writes={OUTPUT: b"result"}))
    record = batch.end(run).outputs[OUTPUT]
    batch.aws.fault("damaged", "GET", "/outputs/")
    assert batch.worker.fetch(run, OUTPUT, tmp_path / "here").digest != record.digest
    assert batch.worker.fetch(run, OUTPUT, tmp_path / "here").digest == record.digest


def test_a_download_that_is_cut_goes_on(batch, run, tmp_path) -> None:
    batch.worker.start(run, batch.script(f"head -c {3 * MIB} /dev/urandom >{OUTPUT}"))
    record = batch.end(run).outputs[OUTPUT]
    batch.aws.fault("cut", "GET", "/outputs/")
    assert batch.worker.fetch(run, OUTPUT, tmp_path / "here").digest == record.digest


def test_an_upload_in_parts_goes_on_where_another_controller_left_it(
    batch, run, quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SMALLEST_PART", 5 * MIB)
    job = batch.job(inputs={"terrain.tif": bytes(range(256)) * (12 * MIB // 256)})
    batch.aws.fault("denied", "PUT", "partNumber=3")
    with pytest.raises(Refused):
        batch.worker.stage(job)
    sent = batch.aws.ask("parts")
    batch.again().start(run, job)
    assert batch.aws.ask("parts") == [*sent, 3]
    assert batch.end(run).exit_code == 0


def test_a_large_input_that_changes_while_it_is_sent_is_not_there_afterwards(
    batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SMALLEST_PART", 5 * MIB)
    job = batch.job(inputs={"terrain.tif": bytes(6 * MIB)})
    job.inputs[0].source.write_bytes(bytes(5 * MIB) + b"x" * MIB)
    with pytest.raises(InputChanged):
        batch.worker.stage(job)
    assert not client(batch, "s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_a_machine_that_is_taken_away_loses_the_run_and_is_no_fault(batch, run) -> None:
    batch.begin(run, batch.job(waits=True))
    batch.kill(run)
    lost = batch.wait(run)
    assert isinstance(lost, Vanished)
    assert (lost.cause, "Host EC2 (instance i-0abc) terminated." in lost.evidence) == ("restarted", True)


def test_a_machine_that_is_taken_away_with_notice_leaves_no_end(batch, run) -> None:
    batch.begin(run, batch.job(waits=True, prints=b"begun\n"))
    batch.aws.ask("kill", name=run, reason="Your Spot Task was interrupted.", how="a notice")
    lost = batch.wait(run)
    assert isinstance(lost, Vanished)
    assert lost.cause == "restarted"
    assert batch.worker.read_log(run) == b"begun\n"


def test_a_run_that_is_cancelled_in_the_queue_never_begins(batch, run) -> None:
    batch.aws.ask("hold", held=True)
    batch.worker.start(run, batch.job())
    batch.worker.cancel(run)
    batch.aws.ask("hold", held=False)
    assert isinstance(batch.worker.poll([run])[run], Absent)
    batch.worker.discard(run)
    assert batch.worker.runs() == {}


def test_what_batch_has_forgotten_s3_remembers(batch, run, tmp_path) -> None:
    batch.worker.start(run, batch.job(writes={OUTPUT: b"result"}))
    ended = batch.end(run)
    batch.until(lambda: batch.aws.jobs(run)[0]["status"] == "SUCCEEDED")
    batch.aws.ask("forget")
    assert batch.again().poll([run])[run] == ended
    batch.again().fetch(run, OUTPUT, tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"result"


def test_a_container_that_cannot_use_the_bucket_says_so_in_batchs_words(batch, run) -> None:
    batch.aws.fault("denied", "GET", "/program/", 5)
    batch.worker.start(run, batch.job())
    lost = batch.until_is(run, lambda status: isinstance(status, Absent))
    assert "Essential container in task exited" in lost.why


def test_many_runs_are_one_listing_and_one_question(batch, a_run) -> None:
    batch.aws.ask("hold", held=True)
    runs = [a_run(f"n{n}") for n in range(12)]
    for run in runs:
        batch.worker.start(run, batch.job())
    batch.aws.ask("count")
    assert set(batch.worker.poll(runs).values()) == {Queued()}
    assert batch.aws.ask("count") == {"GET": 1, "describejobs": 1}


def test_objects_are_encrypted_as_the_spec_says_on_both_ends(aws, tmp_path, run, batch) -> None:
    sealed = batch.again(kms_key="alias/ras")
    sealed.start(run, batch.job(inputs={"a.tif": b"1"}, writes={OUTPUT: b"result"}))
    assert isinstance(batch.wait(run), Ended)
    s3 = client(batch, "s3")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=key(batch, ""))["Contents"]
    seen = {one["Key"]: s3.head_object(Bucket=BUCKET, Key=one["Key"]) for one in found}
    assert len(seen) > 5
    assert {name for name, head in seen.items() if head.get("SSEKMSKeyId") != "alias/ras"} == set()
