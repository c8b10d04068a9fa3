"""A controller that is killed while results are being read leaves no process that reads on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import h5py
import numpy as np

READING = b"rasreconcile.results.reader_process"


def readers() -> dict[int, bytes]:
    """Processes that read results, with whose child each is."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and READING in (entry / "cmdline").read_bytes():
                found[int(entry.name)] = (entry / "cwd").readlink().as_posix().encode()
        except OSError:
            continue
    return found


def test_readers_end_with_the_controller_that_was_killed_while_they_read(study) -> None:
    with h5py.File(study.folder / "ready.hdf", "w") as file:
        file["x"] = np.random.default_rng(1).random(6_000_000)
    engine = {"type": "command", "command": ["cp", str(study.folder / "ready.hdf"), "{output}"]}
    study.spec(json.dumps(engine), "{completed: false, datasets: {/x: {finite: true}}}")
    here = study.folder.as_posix().encode()
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: here in readers().values())
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    study.wait_for(lambda: here not in readers().values())
    study.apply()
    assert here not in readers().values()
    assert study.left_over() == []
