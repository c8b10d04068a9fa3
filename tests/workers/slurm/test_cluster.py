"""A real cluster: what its users, its administrators and its nodes do to runs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from slurmcluster import NODES, SlurmCluster
from sshd import Network
from waiting import until

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Vanished, Worker
from rasreconcile.specfile import load
from rasreconcile.workers import rundir
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.slurm.host import SlurmHost
from rasreconcile.workers.slurm.site import LocalSite
from rasreconcile.workers.slurm.submission import Asked, Size
from tests.workers.places import OUTPUT
from tests.workers.slurm_place import SlurmPlace

LATER = "--begin=now+1hour"
"""Its jobs wait in the queue until somebody says otherwise."""


def state(worker: Worker, run: RunId) -> object:
    return worker.poll([run])[run]


def job_of(cluster: SlurmCluster, run: RunId) -> str:
    (job,) = cluster.jobs(name=run)
    return job


def test_a_run_waits_in_the_queue_and_one_that_is_cancelled_there_is_never_computed(
    slurm: SlurmPlace, run
) -> None:
    worker = slurm.again(options=(LATER,))
    worker.start(run, slurm.job(writes={OUTPUT: b"1"}))
    assert state(slurm.again(), run) == Queued()
    worker.cancel(run)
    until(lambda: isinstance(state(worker, run), Ended))
    ended = state(slurm.again(), run)
    assert isinstance(ended, Ended)
    assert ended.cause == "cancelled"
    assert slurm.cluster.jobs(name=run) == []
    assert not (slurm.folder / run / "launches").exists()


def test_a_job_that_somebody_takes_out_of_the_queue_is_told_and_started_again(slurm: SlurmPlace, run) -> None:
    job = slurm.job()
    slurm.again(options=(LATER,)).start(run, job)
    slurm.cluster.ask("scancel", "--name", run)
    found = state(slurm.worker, run)
    assert isinstance(found, Absent)
    assert "was cancelled in the queue" in found.why
    slurm.worker.start(run, job)
    assert slurm.end(run).exit_code == 0
    assert slurm.launches(run) == 1


def test_scancel_of_a_run_by_somebody_is_told_as_such(slurm: SlurmPlace, run) -> None:
    slurm.begin(run, slurm.job(waits=True))
    slurm.cluster.ask("scancel", job_of(slurm.cluster, run))
    found = slurm.wait(run)
    assert isinstance(found, Vanished)
    assert "it was cancelled from outside (scancel)" in found.evidence


def test_a_job_that_is_put_back_into_the_queue_has_vanished_and_computes_nothing_a_second_time(
    slurm: SlurmPlace, run
) -> None:
    slurm.begin(run, slurm.job(waits=True))
    job = job_of(slurm.cluster, run)
    refused = slurm.cluster.ask("scontrol", "requeue", job, check=False)
    assert refused.returncode != 0  # jobs are submitted so that Slurm repeats none
    slurm.cluster.ask("scontrol", "update", f"JobId={job}", "Requeue=1")
    slurm.cluster.ask("scontrol", "requeue", job)
    until(lambda: isinstance(state(slurm.worker, run), Vanished))
    found = state(slurm.worker, run)
    assert isinstance(found, Vanished)
    assert "requeue" in found.evidence
    assert slurm.launches(run) == 1
    slurm.worker.discard(run)
    until(lambda: slurm.cluster.jobs(name=run) == [])


def test_a_run_on_a_node_that_goes_down_has_vanished_with_its_node(slurm: SlurmPlace, run) -> None:
    slurm.begin(run, slurm.job(waits=True))
    asked = ("squeue", "--noheader", f"--name={run}", "--format=%N")
    node = slurm.cluster.ask(*asked).stdout.strip()
    assert node in NODES
    try:
        slurm.cluster.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=a test")
        found = slurm.wait(run)
        assert isinstance(found, Vanished)
        assert f"NODE_FAIL on {node}, its node failed" in found.evidence
    finally:
        slurm.cluster.resume(node)


def test_a_run_that_takes_more_memory_than_it_may_ends_for_want_of_it(slurm: SlurmPlace, run) -> None:
    eats = 'x=$(head -c 300000000 /dev/zero | tr "\\0" x); while :; do sleep 1; done'
    slurm.again(memory_per_plan="60M").start(run, slurm.script(eats))
    assert slurm.end(run).cause == "out of memory"


def test_no_job_asks_for_more_than_its_partition_allows_and_slurm_ends_it_there(
    slurm: SlurmPlace, run
) -> None:
    worker = slurm.again(partition="short")
    worker.start(run, slurm.job(waits=True, time_limit=timedelta(days=7)))
    until(lambda: isinstance(state(worker, run), Running))
    until(lambda: not isinstance(state(worker, run), Running))
    ended = state(worker, run)
    assert isinstance(ended, Ended)
    assert ended.cause == "time limit"
    assert ended.ended - ended.started >= timedelta(seconds=50)


def test_a_controller_that_is_down_is_silence_and_costs_nothing(
    own_cluster: SlurmCluster, tmp_path, monkeypatch, run
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(own_cluster.conf))
    place = SlurmPlace(own_cluster, tmp_path / "runs", tmp_path)
    place.begin(run, place.job(waits=True))
    own_cluster.stop_controller()
    with pytest.raises(Unreachable, match=r"squeue does not answer|could not be looked at"):
        place.worker.poll([run])
    with pytest.raises(Unreachable):
        place.worker.start(RunId(f"other-{secrets.token_hex(4)}"), place.job())
    place.let_go(run)
    until((place.folder / run / "done.json").exists)
    own_cluster.start_controller()
    assert place.end(run).exit_code == 0
    assert place.launches(run) == 1


def host_on(folder: Path, *options: str) -> SlurmHost:
    site = LocalSite(LocalHost(folder), folder)
    return SlurmHost(site, Asked(options=options), (Size(1, timedelta(minutes=1)), 1))


def test_a_run_that_is_submitted_twice_is_computed_once(slurm: SlurmPlace, run) -> None:
    """As where a controller died between sbatch and its store, and Slurm had not yet shown the job."""
    job, host = slurm.job(writes={OUTPUT: b"1"}), host_on(slurm.folder)
    host.prepare(run, job.inputs, rundir.control_files(run, job))
    host.launch(run)
    host.launch(run)
    assert slurm.end(run).exit_code == 0
    until(lambda: len(slurm.cluster.jobs("COMPLETED", name=run)) == 2)
    assert slurm.launches(run) == 1
    assert slurm.end(run).exit_code == 0


def test_two_thousand_runs_are_one_array_and_each_is_known_by_its_own_name(slurm: SlurmPlace, a_run) -> None:
    job, host = slurm.job(writes={OUTPUT: b"1"}), host_on(slurm.folder, LATER)
    runs = [a_run(f"n{n}") for n in range(2000)]
    for run in runs:
        host.prepare(run, (), rundir.control_files(run, job))
    # The first of them are not yet many.
    for run in runs:
        host.launch(run)
    found = host.look(runs)
    assert all(one is not None and one.queued for one in found.values())
    # What waits for others is submitted by a look that comes when nothing was added for a moment.
    until(lambda: bool(host.look(runs[-1:])) and len(slurm.cluster.jobs()) == 2000)
    rows = slurm.cluster.ask("squeue", "--noheader", "--format=%F").stdout.split()
    arrays = {number for number in rows if rows.count(number) >= 1} - set(_single(slurm.cluster))
    assert len(arrays) == 1
    worker = slurm.again()
    assert set(worker.poll(runs).values()) == {Queued()}
    first, second, last = runs[-3:]
    index = _index_of(slurm.folder, first)
    (array,) = arrays
    slurm.cluster.ask("scontrol", "update", f"JobId={array}_{index}", "StartTime=now")
    worker.cancel(last)
    slurm.cluster.ask("scancel", f"{array}_{_index_of(slurm.folder, second)}")
    assert slurm.end(first).exit_code == 0
    assert slurm.launches(first) == 1
    ended, gone = worker.poll([last, second]).values()
    assert isinstance(ended, Ended)
    assert ended.cause == "cancelled"
    # Slurm keeps no record of an element that is taken out of an array before it began.
    assert gone == Absent()


def _single(cluster: SlurmCluster) -> list[str]:
    rows = cluster.ask("squeue", "--noheader", "--format=%F %K").stdout.splitlines()
    return [row.split()[0] for row in rows if row.endswith(" N/A")]


def _index_of(folder: Path, run: RunId) -> int:
    for listed in folder.glob(".arrays/*/runs"):
        if run in (names := listed.read_text().split()):
            return names.index(run)
    raise AssertionError(run)


def test_the_settings_of_whoever_calls_change_nothing(slurm: SlurmPlace, run, monkeypatch) -> None:
    """Also where this program runs in a job of Slurm itself."""
    for name, value in {
        "SLURM_JOB_ID": "99999",
        "SLURM_MEM_PER_CPU": "1",
        "SLURM_ARRAY_TASK_ID": "3",
        "SBATCH_EXPORT": "NONE",
        "SBATCH_ARRAY_INX": "0-5",
        "SQUEUE_FORMAT": "%i",
        "SQUEUE_STATES": "COMPLETED",
        "SQUEUE_PARTITION": "short",
        "LAB_PASSWORD": "hunter2",
    }.items():
        monkeypatch.setenv(name, value)
    worker = slurm.again()
    worker.start(run, slurm.script("env >env.txt", outputs=("env.txt",)))
    assert slurm.end(run).exit_code == 0
    said = worker.read_work(run, "env.txt").decode()
    assert "hunter2" not in said
    assert "SBATCH_" not in said
    assert "SLURM_JOB_ID=99999" not in said


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"partition": "closed"}, "partition closed is DOWN"),
        ({"partition": "nix"}, "there is no partition nix"),
        ({"cores_total": 5000, "cores_per_plan": 5000}, "no node of the partition fits"),
        ({"memory_per_plan": "900G"}, "no node of the partition fits"),
        ({"options": ("--frobnicate",)}, "sbatch does not take an option"),
        ({"image": "/nowhere/x.sif"}, "apptainer"),
    ],
)
def test_check_says_what_stands_in_the_way(slurm: SlurmPlace, fields, words) -> None:
    (trouble,) = slurm.again(**fields).check()
    assert words in trouble.what
    assert trouble.remedy


APPTAINER = """\
#!/bin/sh
# As Apptainer: exec [--bind FOLDER] IMAGE PROGRAM ARGUMENT...; there is nothing but a file behind the name of an image.
[ "$1" = exec ] || exit 255
shift
[ "$1" = --bind ] && shift 2
[ -f "$1" ] || { echo "FATAL:   could not open image $1: no such file or directory" >&2; exit 255; }
shift
export APPTAINER_CONTAINER=yes
exec "$@"
"""


def test_runs_in_an_image_say_which_and_are_asked_in_it(
    slurm: SlurmPlace, run, monkeypatch, tmp_path
) -> None:
    programs, image = tmp_path / "bin", tmp_path / "hec ras.sif"
    programs.mkdir()
    (programs / "apptainer").write_text(APPTAINER)
    (programs / "apptainer").chmod(0o755)
    image.write_bytes(b"an image")
    monkeypatch.setenv("PATH", f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    worker = slurm.again(image=str(image))
    digest = f"sha256:{hashlib.sha256(b'an image').hexdigest()}"
    assert worker.check() == []
    assert worker.image() == digest
    assert worker.ask('echo "$APPTAINER_CONTAINER $1"', ["a b"]) == "yes a b\n"
    assert worker.find([str(image), "/not/there"]) == (str(image),)
    worker.start(run, slurm.script('echo "$APPTAINER_CONTAINER"'))
    assert slurm.end(run).image == digest
    assert worker.read_log(run) == b"yes\n"


SPEC = """\
version: 1
state: state.db
engine: {{type: command, command: ["true"]}}
workers:
  login: {{type: ssh, hostname: {host}, port: {port}, username: root, ssh_key_path: {key}}}
  hpc: {{type: slurm, through: login, worker_folder: "{folder}", cores_total: 8}}
plans:
  - project: x.prj
"""


def test_jobs_are_submitted_through_a_login_node(
    slurm_cluster: SlurmCluster, network: Network, tmp_path: Path, a_run: Callable[[str], RunId]
) -> None:
    server = network.server(f"SetEnv SLURM_CONF={slurm_cluster.conf} SHLVL=3")
    place = SlurmPlace(slurm_cluster, tmp_path / "it's ras $runs %d", tmp_path)
    (tmp_path / "spec.yaml").write_text(
        SPEC.format(host=server.address, port=server.port, key=network.key, folder=place.folder)
    )
    place.worker = load(tmp_path / "spec.yaml").open_worker("hpc")
    one, other, third = a_run("one"), a_run("other"), a_run("third")
    try:
        assert place.worker.check() == []
        place.worker.start(
            one, place.job(inputs={"a.tif": b"1"}, writes={OUTPUT: b"result"}, prints=b"hello\n")
        )
        place.begin(other, place.job(waits=True))
        assert place.end(one).exit_code == 0
        assert place.worker.fetch(one, OUTPUT, tmp_path / "here").size == 6
        assert place.worker.read_log(one) == b"hello\n"
        assert place.worker.poll([other, third]) == {other: state(place.worker, other), third: Absent()}
        slurm_cluster.ask("scancel", "--name", other)
        found = place.wait(other)
        assert isinstance(found, Vanished)
        assert "scancel" in found.evidence
        place.begin(third, place.job(waits=True))
        place.worker.cancel(third)
        assert place.end(third).cause == "cancelled"
    finally:
        place.worker.close()
        place.tear_down()
