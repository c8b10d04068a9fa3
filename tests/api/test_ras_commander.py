"""ras-commander's RemoteWorkers.json: what a worker means there, it means here, and what differs is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rasreconcile
from rasreconcile.api.ras_commander import workers_in

LOCAL = {
    "name": "Local Compute",
    "worker_type": "local",
    "worker_folder": "C:\\RasRemote",
    "process_priority": "low",
    "queue_priority": 0,
    "cores_total": 4,
    "cores_per_plan": 2,
    "enabled": True,
}
PSEXEC = {
    "name": "Remote-PC-01",
    "worker_type": "psexec",
    "hostname": "192.168.1.100",
    "share_path": "\\\\192.168.1.100\\RasRemote",
    "worker_folder": "C:\\RasRemote",
    "username": ".\\username",
    "password": "hunter2",
    "ras_exe_path": "C:\\Program Files\\HEC\\HEC-RAS\\6.6\\RAS.exe",
    "session_id": 2,
    "process_priority": "low",
    "queue_priority": 1,
    "cores_total": 8,
    "cores_per_plan": 4,
    "enabled": False,
}
DOCKER = {
    "name": "Remote Docker 6.6 (SSH)",
    "worker_type": "docker",
    "docker_image": "hecras:6.6",
    "docker_host": "ssh://username@192.168.1.100",
    "share_path": "\\\\192.168.1.100\\RasRemote",
    "remote_staging_path": "/mnt/c/RasRemote",
    "cores_total": 8,
    "cores_per_plan": 4,
    "max_runtime_minutes": 120,
    "queue_priority": 3,
    "_comment": "SSH recommended",
}


def file_of(folder: Path, *workers: Any) -> Path:
    path = folder / "RemoteWorkers.json"
    path.write_text(json.dumps({"description": "x", "workers": list(workers), "_comments": {}}))
    return path


def loaded(workers: tuple[rasreconcile.Worker, ...]) -> Any:
    """The workers as a spec has them: each is without a fault."""
    return rasreconcile.study("Willow.prj", "01", engine="steady", workers=workers).loaded.spec.workers


def test_the_template_is_read_and_disabled_workers_are_left_out(tmp_path: Path) -> None:
    (one,) = rasreconcile.workers_from_json(file_of(tmp_path, LOCAL, PSEXEC))
    assert (one.name, one.type) == ("Local-Compute", "local")
    spec = loaded((one,))["Local-Compute"]
    assert (spec.slots, spec.process_priority, spec.queue_priority) == (2, "low", 0)
    assert one.remarks == ("worker_folder is left out: C:\\RasRemote is a path of Windows",)
    assert len(rasreconcile.workers_from_json(file_of(tmp_path, LOCAL, PSEXEC), enabled_only=False)) == 2


def test_on_windows_a_folder_of_windows_is_kept() -> None:
    (one,) = workers_in([LOCAL], "f", "windows", enabled_only=True)
    assert one.fields["worker_folder"] == "C:\\RasRemote"
    assert one.remarks == ()


def test_a_password_is_named_and_never_taken_over(tmp_path: Path) -> None:
    (one,) = rasreconcile.workers_from_json(file_of(tmp_path, PSEXEC | {"enabled": True}))
    assert one.fields["credentials"] == {
        "username": ".\\username",
        "password": {"env": "REMOTE_PC_01_PASSWORD"},
    }
    assert one.remarks == (
        "its password is not taken over: set the environment variable REMOTE_PC_01_PASSWORD",
    )
    assert "hunter2" not in repr(one)
    assert loaded((one,))["Remote-PC-01"].session_id == 2
    same = {k: v for k, v in PSEXEC.items() if k not in {"username", "password", "enabled"}}
    (two,) = rasreconcile.workers_from_json(
        file_of(tmp_path, same | {"credentials": {"username": ".\\username", "password": "hunter2"}})
    )
    assert two == one


def test_what_is_left_out_has_the_default_that_it_has_there(tmp_path: Path) -> None:
    bare = (
        {"worker_type": "local"},
        {"worker_type": "psexec", "hostname": "pc", "share_path": "\\\\pc\\R"},
        {"worker_type": "docker", "docker_image": "hecras:6.6"},
    )
    here, pc, container = loaded(rasreconcile.workers_from_json(file_of(tmp_path, *bare))).values()
    assert (here.slots, here.cores_per_plan, here.process_priority) == (1, 4, "low")
    assert (pc.session_id, pc.folder_on_host, pc.process_priority) == (2, "C:\\R", "low")
    assert (container.preprocess_on_host, container.max_runtime_minutes) == (True, 480)
    # The priority of a container is never set there.
    assert container.process_priority == "normal"


def test_a_share_that_this_machine_cannot_open_is_left_out_with_its_other_end() -> None:
    (here,) = workers_in([DOCKER], "f", "posix", enabled_only=True)
    assert {"share_path", "remote_staging_path"} & set(here.fields) == set()
    assert len(here.remarks) == 2
    (there,) = workers_in([DOCKER], "f", "windows", enabled_only=True)
    assert there.fields["remote_staging_path"] == "/mnt/c/RasRemote"
    assert there.remarks == ()
    linux = {k: v for k, v in DOCKER.items() if k != "share_path"}
    (one,) = workers_in([linux], "f", "windows", enabled_only=True)
    assert one.remarks == ("remote_staging_path is left out: files travel through Docker itself",)
    loaded((here, rasreconcile.Worker("b", there.type, there.fields)))


def test_priorities_beyond_nine_keep_their_order() -> None:
    entries = [DOCKER | {"name": str(n), "queue_priority": n} for n in (10, 2, 11, 0)]
    found = workers_in(entries, "f", "posix", enabled_only=True)
    assert [one.fields["queue_priority"] for one in found] == [2, 1, 3, 0]
    assert "queue_priority is 2 instead of 10: it goes from 0 to 9" in found[0].remarks
    many = [DOCKER | {"name": str(n), "queue_priority": n} for n in range(30)]
    assert workers_in(many, "f", "posix", enabled_only=True)[29].fields["queue_priority"] == 9


def test_a_worker_with_fewer_cores_than_a_plan_asks_for_has_one_slot() -> None:
    (one,) = workers_in([{"worker_type": "local", "cores_total": 2}], "f", "posix", enabled_only=True)
    assert loaded((one,))["local"].slots == 1
    assert one.remarks == ("cores_per_plan is 2 instead of 4: cores_total is no more",)


def test_of_a_container_the_folder_of_the_solvers_counts() -> None:
    entry = {
        "worker_type": "docker",
        "docker_image": "hecras:6.6",
        "hostname": "bigbox",
        "max_parallel_plans": 3,
    }
    programs = ("/app/bin/RasUnsteady", "C:\\Program Files\\HEC\\HEC-RAS\\6.6\\Ras.exe")
    found = workers_in(
        [entry | {"ras_exe_path": program} for program in programs], "f", "windows", enabled_only=True
    )
    assert [one.fields.get("ras_exe_path") for one in found] == ["/app/bin", None]
    assert [worker.slots for worker in loaded(found).values()] == [3, 3]


def test_what_nobody_needs_here_is_named() -> None:
    entry = PSEXEC | {"enabled": True, "system_account": True, "remote_temp_folder": None, "metadata": {}}
    (one,) = workers_in([entry], "f", "posix", enabled_only=True)
    assert one.remarks[0] == "system_account is left out: HEC-RAS hangs under the system account"
    assert len(one.remarks) == 2


def test_names_are_made_such_as_a_spec_takes_and_each_once() -> None:
    names = ("Büro 1", "Büro 1", "***", "x" * 90, "CLB02 (3 workers x 2 cores)")
    found = workers_in([LOCAL | {"name": name} for name in names], "f", "posix", enabled_only=True)
    assert [one.name for one in found] == [
        "B-ro-1",
        "B-ro-1-2",
        "local",
        "x" * 60,
        "CLB02-3-workers-x-2-cores",
    ]
    loaded(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "RemoteWorkers.json is not JSON: .*; name ras-commander's RemoteWorkers.json"),
        ("[]", 'RemoteWorkers.json has no list "workers"; name ras-commander'),
        ('{"workers": {}}', 'has no list "workers"'),
        (
            '{"workers": [{"name": "a"}]}',
            'worker 1 has no worker_type; write "worker_type": "local", or another',
        ),
        ('{"workers": [7]}', "worker 1 has no worker_type"),
        ('{"workers": [{"worker_type": "winrm"}]}', 'no workers of type winrm here; write "enabled": false'),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "RemoteWorkers.json").write_text(text)
    with pytest.raises(rasreconcile.UsageError, match=said):
        rasreconcile.workers_from_json(tmp_path / "RemoteWorkers.json")
    with pytest.raises(rasreconcile.RasReconcileError, match="No such file"):
        rasreconcile.workers_from_json(tmp_path / "none.json")


def test_an_unknown_key_is_a_fault_of_the_worker_as_in_a_spec(tmp_path: Path) -> None:
    (one,) = rasreconcile.workers_from_json(file_of(tmp_path, {"worker_type": "local", "cores_totl": 8}))
    with pytest.raises(rasreconcile.SpecError, match=r"workers.local.cores_totl: unknown key; did you mean"):
        loaded((one,))


_KEYS = sorted({*LOCAL, *PSEXEC, *DOCKER, "credentials", "system_account"} - {"worker_type"})
_ANY = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        7,
        40,
        1.5,
        "",
        "x",
        "C:\\R",
        "\\\\h\\s",
        "/a",
        [],
        ["a"],
        {},
        {"password": "hunter2"},
    ]
)
_ENTRY = st.tuples(
    st.sampled_from(["local", "psexec", "docker", "ssh", "slurm"]),
    st.dictionaries(st.sampled_from(_KEYS), _ANY, max_size=6),
).map(lambda pair: {**pair[1], "worker_type": pair[0]})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_ENTRY, max_size=3))
def test_whatever_a_file_holds_it_is_read_or_refused_and_no_password_is_kept(entries: list[Any]) -> None:
    for entry in entries:
        if "password" in entry:
            entry["password"] = "hunter2"
    try:
        found = workers_in(entries, "f", "posix", enabled_only=True)
        loaded(found)
    except rasreconcile.RasReconcileError as error:
        assert "hunter2" not in str(error)
    else:
        assert len({one.name for one in found}) == len(found)
        assert "hunter2" not in repr(found)
