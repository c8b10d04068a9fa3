"""What `check` finds in an account, each with what to do; and how the image is asked."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.jobs import Vanished
from rasreconcile.workers import run_files
from rasreconcile.workers.aws_batch import ends
from rasreconcile.workers.aws_batch.opened import mebibytes
from rasreconcile.workers.aws_batch.queue import BatchJob
from rasreconcile.workers.run_files import RunFiles

STARTED = "pid 1\nstart job-1\nboot aws-batch\ntime 1700000000\n"


@pytest.mark.parametrize(
    ("what", "to", "said"),
    [
        (
            "queue",
            {"state": "DISABLED"},
            r"ras-spot is DISABLED; `aws batch update-job-queue --state ENABLED`",
        ),
        ("queue", {"status": "INVALID", "statusReason": "no"}, r"ras-spot is INVALID: no; wait until"),
        ("environment", {"state": "DISABLED"}, r"environment spot is DISABLED; `aws batch update-compute"),
        ("environment", {"computeResources": {"maxvCpus": 1}}, r"have at most 1 vCPUs, a plan gets 2; raise"),
        ("definition", {"type": "multinode"}, r"is not of one container; register one"),
        (
            "definition",
            {"containerProperties": {"image": "x"}},
            r"says nothing of memory; set memory_per_plan",
        ),
        (
            "definition",
            {"containerProperties": {"image": "x", "memory": 1, "readonlyRootFilesystem": True}},
            r"read-only root",
        ),
        (
            "definition",
            {"containerProperties": {"image": "x", "memory": 1}, "platformCapabilities": ["FARGATE"]},
            r"has no jobRoleArn; add a role",
        ),
    ],
)
def test_what_is_wrong_in_the_account_is_found_with_its_remedy(batch, what, to, said) -> None:
    batch.aws.ask("change", what=what, to=to)
    (found,) = batch.again(cores_total=2, cores_per_plan=2).check()
    assert found.remedy
    assert re.search(said, str(found)), found


def test_names_and_rights_that_are_wrong_are_all_found_at_once(batch) -> None:
    worker = batch.again(queue="nobody", job_definition="none", bucket="s3://not-there/x")
    found = worker.check()
    assert [trouble.what for trouble in found] == [
        "there is no bucket not-there",
        "there is no job queue nobody",
        "there is no active job definition none",
    ]
    batch.aws.fault("denied", "PUT", "probe")
    (denied,) = batch.worker.check()
    assert denied == Trouble(
        "PutObject: Access Denied (AccessDenied)",
        "give this user or role the rights that docs/workers/aws-batch.md lists",
    )


def test_without_a_region_it_says_so(batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (found,) = batch.again(region=None).check()
    assert (found.what, found.remedy) == (
        "You must specify a region.",
        "correct `region`, `profile` or ~/.aws/config",
    )


def test_without_credentials_it_says_so(batch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (found,) = batch.again().check()
    assert "there are no credentials for AWS" in found.what


def test_without_boto3_the_spec_is_told_what_to_install() -> None:
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "from pathlib import Path\n"
        "from rasreconcile.workers.kinds import KINDS\n"
        "kind = KINDS['aws-batch']\n"
        "spec = kind.spec(type='aws-batch', queue='q', job_definition='d', bucket='s3://abc/d')\n"
        "try: kind.open('cloud', spec, Path('.'), lambda name, there: None)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = "UsageError workers.cloud: boto3 is not installed, which workers of type aws-batch need; "
    assert done.stdout.strip() == f"{said}pip install 'rasreconcile[aws]'"


def test_an_answer_of_the_image_is_kept_and_a_queue_without_a_machine_is_asked_again(
    batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasreconcile.workers.aws_batch.questions.ASK_SECONDS", 0.0)
    batch.aws.ask("hold", held=True)
    before = len(batch.aws.jobs())
    with pytest.raises(
        Unreachable, match=r"has no machine yet for a first look at the image.*; it is asked again"
    ):
        batch.worker.ask("echo hello", [])
    batch.aws.ask("hold", held=False)
    batch.until(lambda: batch.aws.jobs()[-1]["status"] == "SUCCEEDED")
    assert batch.again().ask("echo hello", []) == "hello\n"
    assert len(batch.aws.jobs()) == before + 1
    monkeypatch.undo()


def test_a_script_that_fails_in_the_image_is_refused_with_its_words(batch) -> None:
    with pytest.raises(Refused, match=r"ended with 3 in the image: no such thing"):
        batch.worker.ask("echo no such thing >&2; exit 3", [])


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        ("Host EC2 (instance i-0f3) terminated.", "restarted"),
        ("Your Spot Task was interrupted.", "restarted"),
        ("Essential container in task exited", "gone"),
        ("Job attempt duration exceeded timeout", "gone"),
        ("", "gone"),
    ],
)
def test_the_words_of_batch_say_whose_fault_it_is(why: str, cause: str) -> None:
    found = ends.without_end(RunFiles(started=STARTED), BatchJob("FAILED", why), "", cancelled=False)
    status = run_files.status_of(found)
    assert isinstance(status, Vanished)
    assert (status.cause, why in status.evidence) == (cause, True)


def test_memory_and_a_cancelled_run_are_ends_of_their_own() -> None:
    memory = BatchJob("FAILED", "Essential container in task exited: OutOfMemoryError: Container killed")
    found = ends.without_end(RunFiles(started=STARTED), memory, "", cancelled=False)
    assert run_files.end_of(found.done or "").cause == "out of memory"
    found = ends.without_end(RunFiles(started=STARTED), BatchJob("FAILED"), "", cancelled=True)
    assert run_files.end_of(found.done or "").cause == "cancelled"


@pytest.mark.parametrize(("amount", "meant"), [("16g", 16384), ("512m", 512), ("1", 4), (None, None)])
def test_memory_is_counted_as_aws_counts(amount: str | None, meant: int | None) -> None:
    assert mebibytes(amount) == meant
