"""Disks that are full or read-only, machines that were restarted: told, held, and put right by the next apply."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST

ROOM = {"results": 600, "state": 300, "runs": 600}
"""Kilobytes; enough for a whole apply where nothing fills them."""


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mounts a small tmpfs; skipped where nobody may."""
    mounted: list[Path] = []

    def do(place: Path, kilobytes: int) -> None:
        place.mkdir(parents=True, exist_ok=True)
        size = f"size={kilobytes}k,mode=700"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=False)
        if done.returncode:
            absent(Service.DISKS, "this machine lets nobody mount a small disk")
        mounted.append(place)

    yield do
    for place in reversed(mounted):
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("free", [0, 4, 28, 120])
@pytest.mark.parametrize("where", ["results", "state", "runs"])
def test_a_full_disk_is_told_and_after_making_room_the_next_apply_finishes(study, mount, where, free) -> None:
    study.command()
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("state: state.db", "state: state/state.db"))
    mount(study.folder / where, ROOM[where])
    filler = study.folder / where / "filler"
    with filler.open("wb") as file:
        file.write(bytes(max(ROOM[where] - free - 4, 0) * 1024))
    done = study.apply(check=None)
    assert done.returncode in {0, 1, 4}, done.stderr
    if done.returncode:
        said = done.stdout + done.stderr
        assert any(word in said for word in ("full", "No space", "MB are free", "free some space")), said
        assert "damaged" not in said, said
    filler.unlink()
    if where == "runs":
        # Less than a run may need is free on so small a disk: it is said, and nothing is tried there.
        assert "MB are free" in study.apply(check=4).stdout
        return
    study.apply()
    assert set(study.computations().values()) == {1}
    assert list(study.folder.rglob("*.part")) == []


def test_a_read_only_results_folder_is_told_before_anything_is_computed(study, mount) -> None:
    study.command()
    place = study.folder / "results"
    mount(place, 600)
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    why = "results cannot be written to results/Willow: its file system is read-only; make it writable"
    assert why in study.run("check", "spec.yaml", check=4).stdout
    assert why in study.apply(check=4).stdout
    assert study.computations() == {}
    subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    study.apply()


def test_a_results_folder_that_becomes_read_only_holds_what_was_computed_until_it_can_be_written(
    study, mount
) -> None:
    study.command(waits=True)
    place = study.folder / "results"
    mount(place, 600)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    study.let_go()
    said, _ = controller.communicate(timeout=LONGEST)
    assert controller.returncode == 4
    assert "the file system is read-only; make it writable" in said
    assert "3 runs have ended and are kept; `apply` publishes their results." in said
    assert "go on" not in said.splitlines()[-1]
    assert "held" in study.run("status", "spec.yaml").stdout
    subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    study.apply()
    assert set(study.computations().values()) == {1}


def killed(study) -> None:
    """A controller, its runners and their jobs are gone, as if the power had failed."""
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    for _ in range(3):
        for pid in study.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    study.let_go()


def test_after_a_restart_of_the_machine_what_was_lost_runs_again_once(study, tmp_path) -> None:
    study.command(waits=True)
    killed(study)
    study.command()
    boot = tmp_path / "boot_id"
    boot.write_text("00000000-0000-4000-8000-000000000001\n")
    script = f"mount --bind {boot} /proc/sys/kernel/random/boot_id && exec {sys.executable} -m rasreconcile apply spec.yaml"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=study.folder, capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        absent(Service.MOUNTS, "this machine lets nobody have mounts of their own")
    assert done.returncode == 0, done.stderr
    runs = study.json("history", "spec.yaml")["runs"]
    lost = {run["run"] for run in runs if run["state"] == "lost"}
    assert (len(lost), [run["state"] for run in runs].count("succeeded"), len(runs)) == (3, 4, 7)
    assert {run["failure"]["cause"] for run in runs if run["run"] in lost} == {"restarted"}
    # What the lost ones left stays for whoever looks for the cause; their processes, which a restart would have ended,
    # still end by themselves here.
    study.wait_for(lambda: study.processes() == [])
    assert {path.rpartition("/")[2] for path in study.left_over()} == lost


def test_a_process_number_that_is_used_again_is_not_taken_for_the_run(study) -> None:
    study.command(waits=True)
    killed(study)
    for started in study.folder.glob("runs/*/*/started"):
        lines = started.read_text().splitlines()
        started.write_text("\n".join([f"pid {os.getpid()}", *lines[1:]]) + "\n")
    study.apply()
    states = [run["state"] for run in study.json("history", "spec.yaml")["runs"]]
    assert (states.count("lost"), states.count("succeeded")) == (3, 4)
