"""What squeue, sacct, sbatch and slurmstepd print, as clusters print it, and what that comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Ended, Queued, RunId, Running, Vanished
from rasreconcile.workers.run_files import RunFiles, status_of
from rasreconcile.workers.slurm.check import problems_in
from rasreconcile.workers.slurm.judgement import judged
from rasreconcile.workers.slurm.messages import refusal, trial_problem
from rasreconcile.workers.slurm.queue import (
    OVER,
    QueuedJob,
    elapsed,
    job_of,
    logged_state,
    parse_accounts,
    parse_queue,
)
from rasreconcile.workers.slurm.submission import (
    ARRAY_FROM,
    Asked,
    Size,
    batches,
    parse_limits,
    parse_submitted,
    sbatch_options,
)

RUN = RunId("20260401-120000-willow-p01-a1b2c3d4e5f6")
CLAIM = "pid 4711\nstart 123456\nboot 2f1c\ntime 1775044800.5\njob 42\n"
DONE = '{"exit_code": %d, "cause": "exited", "started": 1775044800, "ended": 1775044900, "room": null, "image": "", "outputs": {}}'
SIZE = Size(2, timedelta(hours=1))


def row(state: str, *, job: int = 42, reason: str = "None", name: str = RUN) -> str:
    return f"job {job}|{job}|N/A|{state}|{reason}|1:40|n1|{name}"


def seen(state: str | None, *, log: str = "", late: bool = False, **files: Any) -> object:
    """What a run with this claim means whose job is in this state; None: Slurm has forgotten it."""
    jobs = parse_queue(row(state) + "\nqueue whole")[RUN] if state else ()
    found = replace(RunFiles(started=CLAIM), **files)
    return status_of(judged(found, jobs, jobs[0] if jobs else None, lambda: log, late))


def test_rows_between_banners_and_warnings_belong_to_their_runs() -> None:
    printed = (
        "*** Maintenance on Tuesday ***\n"
        "job squeue: warning: --array has no effect\n"
        f"{row('RUNNING')}\n{row('COMPLETED', job=41)}\n"
        "job 50|50|N/A|PENDING|Resources|0:00||a | name with bars\n"
        "job 60|60|7|PENDING|JobArrayTaskLimit|0:00||rasreconcile-00112233aabbccdd\n"
        "job 63|60|1|RUNNING|None|0:03|n2|rasreconcile-00112233aabbccdd\n"
        "job 70|70|0|RUNNING|None|0:03|n2|rasreconcile-ffffffffffffffff\n"
        + "".join(f"member 00112233aabbccdd run-{n}\n" for n in range(5))
        + "queue whole\nLogout\n"
    )
    found = parse_queue(printed)
    assert [job.state for job in found[RUN]] == ["RUNNING", "COMPLETED"]
    assert found[RunId("run-1")] == (
        QueuedJob(63, "rasreconcile-00112233aabbccdd", "RUNNING", 1, 60, "None", timedelta(seconds=3), "n2"),
    )
    assert found[RunId("run-1")][0].called == "60_1"
    assert RunId("a | name with bars") in found
    # Of an index that nobody has written down, and of an array of another folder, nothing is known.
    assert len(found) == 3


@pytest.mark.parametrize(
    "printed",
    [
        row("RUNNING"),
        "",
        "silent slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        "silent slurm_load_jobs error: Socket timed out on send/recv operation",
        "silent ",
    ],
)
def test_a_queue_that_is_not_whole_is_silence_and_no_end_of_any_run(printed: str) -> None:
    with pytest.raises(Unreachable):
        parse_queue(printed)


@given(st.text(alphabet="0123456789|PENDINGRUNqueuewholejobmember -_\n", max_size=300))
def test_whatever_is_printed_is_a_queue_or_silence(printed: str) -> None:
    try:
        parse_queue(printed)
    except Unreachable:
        return


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1-02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("02:03:04", timedelta(hours=2, minutes=3, seconds=4)),
        ("3:04", timedelta(minutes=3, seconds=4)),
        ("00:00:10.123", timedelta(seconds=10)),
        ("INVALID", None),
        ("UNLIMITED", None),
        ("", None),
    ],
)
def test_times_are_read_as_slurm_writes_them(text: str, found: timedelta | None) -> None:
    assert elapsed(text) == found


def test_accounts_are_read_and_their_absence_is_no_fault() -> None:
    printed = (
        "42|CANCELLED by 1000|00:01:40|n1\n43|OUT_OF_MEMORY|00:00:02|n[1-2]\n44|COMPLETED+|00:00:02|n1\n"
    )
    assert {n: job.state for n, job in parse_accounts(printed).items()} == {
        42: "CANCELLED",
        43: "OUT_OF_MEMORY",
        44: "COMPLETED",
    }
    for said in ("Slurm accounting storage is disabled\n", "", "sacct: error: Connection refused\n"):
        assert parse_accounts(said) == {}


def test_the_claim_says_which_job_made_it() -> None:
    assert job_of(CLAIM) == 42
    assert job_of(CLAIM.replace("job 42\n", "")) is None
    assert job_of("job 42\n") is None


@pytest.mark.parametrize(
    "state",
    ["RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "WHATEVER"],
)
def test_a_job_that_has_begun_or_of_which_nobody_knows_the_word_is_running(state: str) -> None:
    assert isinstance(seen(state), Running)


@pytest.mark.parametrize(
    ("state", "log", "words"),
    [
        ("NODE_FAIL", "", "its node failed"),
        ("BOOT_FAIL", "", "could not be started"),
        ("PREEMPTED", "", "preemption"),
        ("CANCELLED", "", "scancel"),
        (
            "CANCELLED",
            "*** JOB 42 ON n1 CANCELLED AT 2026-04-01T12:00:00 DUE TO PREEMPTION ***",
            "preemption",
        ),
        (
            "FAILED",
            "*** JOB 42 ON n1 CANCELLED AT 2026-04-01T12:00:00 DUE TO NODE FAILURE ***",
            "its node failed",
        ),
        ("FAILED", "", "killed"),
        ("REVOKED", "", "federation"),
        ("PENDING", "", "requeue"),
        ("REQUEUED", "", "requeue"),
        ("REQUEUE_HOLD", "", "Slurm ended it"),
        ("SPECIAL_EXIT", "", "Slurm ended it"),
        (None, "", "forgotten"),
        (
            None,
            "*** JOB 42 ON n1 CANCELLED AT 2026-04-01T12:00:00 DUE TO NODE FAILURE ***",
            "its node failed",
        ),
    ],
)
def test_what_slurm_or_somebody_ended_has_vanished_and_says_why(
    state: str | None, log: str, words: str
) -> None:
    status = seen(state, log=log)
    assert isinstance(status, Vanished)
    assert "job 42 is gone without recording an exit status" in status.evidence
    assert words in status.evidence


@pytest.mark.parametrize(
    ("state", "log", "cause"),
    [
        ("TIMEOUT", "", "time limit"),
        ("DEADLINE", "", "time limit"),
        (None, "*** JOB 42 ON n1 CANCELLED AT 2026-04-01T12:00:00 DUE TO TIME LIMIT ***", "time limit"),
        ("OUT_OF_MEMORY", "", "out of memory"),
        (
            "FAILED",
            "slurmstepd: error: StepId=42.batch exceeded memory limit (9 > 5), being killed",
            "out of memory",
        ),
        ("CANCELLED", "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=42.batch", "out of memory"),
        ("FAILED", "slurmstepd: error: Detected 1 oom_kill event in StepId=42.batch.", "out of memory"),
    ],
)
def test_time_and_memory_are_ends_that_count_against_the_plan(
    state: str | None, log: str, cause: str
) -> None:
    status = seen(state, log=log)
    assert isinstance(status, Ended)
    assert status.cause == cause
    assert status.outputs == {}
    assert status.ended >= status.started


def test_a_failure_is_told_once_slurm_has_said_whether_memory_was_the_cause() -> None:
    assert isinstance(seen("RUNNING", done=DONE % 137), Running)
    failed, memory = seen("COMPLETED", done=DONE % 137), seen("OUT_OF_MEMORY", done=DONE % 137)
    assert isinstance(failed, Ended)
    assert isinstance(memory, Ended)
    assert (failed.cause, memory.cause, memory.exit_code) == ("exited", "out of memory", 137)
    success = seen("RUNNING", done=DONE % 0)
    assert isinstance(success, Ended)


def test_an_end_that_a_node_wrote_and_that_is_not_seen_yet_is_waited_for() -> None:
    assert isinstance(seen("COMPLETED", late=True), Running)
    assert isinstance(seen("COMPLETED"), Vanished)


@pytest.mark.parametrize("state", ["PENDING", "CONFIGURING", "RUNNING", "REQUEUE_HOLD", "COMPLETING"])
def test_an_unclaimed_run_with_a_job_is_queued(state: str) -> None:
    jobs = parse_queue(row(state, reason="launch failed requeued held") + "\nqueue whole")[RUN]
    assert status_of(judged(RunFiles(), jobs, None, str, False)) == Queued()


@pytest.mark.parametrize("state", sorted(OVER))
def test_an_unclaimed_run_whose_job_is_over_is_absent_with_the_reason(state: str) -> None:
    jobs = parse_queue(row(state, reason="BadConstraints") + "\nqueue whole")[RUN]
    found = judged(RunFiles(), jobs, None, str, False)
    assert found is not None
    assert "BadConstraints" in found.lost_start
    # One more job of the name, that waits, is the one that counts.
    more = parse_queue(f"{row(state)}\n{row('PENDING', job=43)}\nqueue whole")[RUN]
    assert status_of(judged(RunFiles(), more, None, str, False)) == Queued()


def test_words_that_a_job_itself_prints_are_not_in_the_log_of_slurm() -> None:
    assert logged_state("") is None
    assert (
        logged_state("slurmstepd: error: *** JOB 9 ON n1 CANCELLED AT 2026-11-27T19:33:11 ***") == "CANCELLED"
    )


GENERIC = "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


@pytest.mark.parametrize(
    ("said", "kind", "remedy"),
    [
        ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified", Refused, "sacctmgr"),
        ("sbatch: error: invalid partition specified: nix\nsbatch: error: Batch job submission failed: Invalid partition name specified", Refused, "sinfo"),
        ("sbatch: error: Batch job submission failed: Invalid qos specification", Refused, "qos"),
        ("sbatch: error: CPU count per node can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available", Refused, "cores_per_plan"),
        ("sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available", Refused, "memory_per_plan"),
        ("sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)", Refused, "max_runtime_minutes"),
        (GENERIC, Refused, "sacctmgr"),
        (f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{GENERIC}", Unreachable, "retried"),
        (f"sbatch: error: AssocMaxSubmitJobLimit\n{GENERIC}", Unreachable, "retried"),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", Unreachable, "retried"),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", Unreachable, "retried"),
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", Unreachable, "retried"),
        ("sbatch: error: If munged is up, restart with --num-threads=10\nsbatch: error: Munge encode failed: Failed to access socket", Unreachable, "retried"),
        ("sbatch: unrecognized option '--frobnicate'\nTry \"sbatch --help\" for more information", Refused, "options"),
        ("sbatch: error: Batch job submission failed: User's group not permitted to use this partition", Refused, "partition"),
        ("sbatch: error: no words that anybody knows", Refused, "test-only"),
        ("", Refused, "test-only"),
    ],
)  # fmt: skip
def test_what_sbatch_says_no_to_has_a_remedy_or_is_asked_again(said: str, kind: type, remedy: str) -> None:
    error = refusal(said)
    assert type(error) is kind
    assert remedy in error.trouble.remedy


def test_nodes_that_are_busy_or_down_are_waited_for_and_are_no_problem() -> None:
    said = "allocation failure: Required node not available (down, drained or reserved)"
    assert trial_problem(said) is None
    assert trial_problem("allocation failure: Invalid partition name specified") is not None


def test_an_answer_of_sbatch_that_does_not_mention_a_run_is_unknown() -> None:
    printed = "banner\nsubmitted a\nrefused b sbatch: error: x\tsbatch: error: Invalid qos specification\n"
    found = parse_submitted(printed, ["a", "b"])
    assert list(found) == ["b"]
    assert "qos" in str(found["b"])
    with pytest.raises(Unreachable, match="does not mention c"):
        parse_submitted(printed, ["a", "b", "c"])


PARTITIONS = """\
MaxArraySize 1001
partition PartitionName=normal AllowGroups=ALL Default=YES MaxTime=2-00:00:00 State=UP TotalCPUs=3000
partition PartitionName=debug AllowGroups=ALL Default=NO MaxTime=00:30:00 State=UP TotalCPUs=8
partition PartitionName=old AllowGroups=ALL Default=NO MaxTime=UNLIMITED State=DRAIN TotalCPUs=8
"""


def test_no_job_asks_for_more_time_than_its_partition_allows() -> None:
    usual, both = parse_limits(PARTITIONS, None), parse_limits(PARTITIONS, "normal,debug")
    assert (usual.array, usual.time, both.time) == (1001, timedelta(days=2), timedelta(minutes=30))
    assert parse_limits("", None).time is None
    week = Size(4, timedelta(days=7))
    asked = Asked(partition="normal", memory="16G", options=("--constraint=avx2",))
    options = sbatch_options(week, asked, usual.time)
    assert options == (
        "--cpus-per-task=4",
        "--time=2880",
        "--partition=normal",
        "--mem=16G",
        "--constraint=avx2",
    )
    # The runner's own limit comes first, where there is room for both.
    assert "--time=65" in sbatch_options(SIZE, Asked(), None)


@pytest.mark.parametrize(
    ("printed", "partition", "slots", "words"),
    [
        ("lacks sbatch\nlacks squeue", None, 1, "sbatch, squeue: not found"),
        (f"{PARTITIONS}trial well", "nix", 1, "there is no partition nix"),
        (f"{PARTITIONS}trial well", "old", 1, "partition old is DRAIN"),
        (f"{PARTITIONS}trial allocation failure: Invalid qos specification", None, 1, "no such qos"),
        (f"{PARTITIONS}trial well\nassoc flood||normal|100|", None, 101, "allows 100 jobs in the queue"),
        (f"{PARTITIONS}trial well\nassoc flood||normal|100|", None, 100, ""),
        (f"{PARTITIONS}trial well\nassoc flood||normal||", None, 5000, ""),
        (PARTITIONS, None, 1, "did not answer"),
    ],
)
def test_check_names_what_stands_in_the_way(
    printed: str, partition: str | None, slots: int, words: str
) -> None:
    found = problems_in(printed, Asked(partition=partition), slots)
    assert [words in trouble.what for trouble in found] == ([True] if words else [])
    assert all(trouble.remedy for trouble in found)


def test_many_runs_of_one_size_make_arrays_and_the_others_are_jobs() -> None:
    many = {RunId(f"r{n}"): SIZE for n in range(2 * ARRAY_FROM + 50)}
    other = {RunId(f"x{n}"): Size(8, timedelta(hours=2)) for n in range(3)}
    alone, arrays = batches({**many, **other}, ARRAY_FROM)
    assert alone == {Size(8, timedelta(hours=2)): list(other)}
    assert [len(runs) for _, runs in arrays] == [ARRAY_FROM, ARRAY_FROM, 50]
    assert [run for _, runs in arrays for run in runs] == list(many)
