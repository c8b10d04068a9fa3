"""An input that changes while it is hashed and while it is staged: no result is published for what it was not made of."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest
from waiting import LONGEST

SIZE = 24 << 20
COMPUTE = """\
import hashlib, os, sys, time
import h5py
with h5py.File(sys.argv[1], "w") as file:
    file["read"] = hashlib.sha256(open("terrain.tif", "rb").read()).hexdigest()
"""
REWRITE = """\
import os, sys
file, number = os.open(sys.argv[1], os.O_WRONLY), 0
while True:
    number += 1
    for place in range(0, int(sys.argv[2]), 1 << 20):
        os.pwrite(file, bytes([number % 256]) * (1 << 20), place)
"""


@pytest.fixture
def changing(study):
    """A study whose one large input another process writes over and over, and that process."""
    (study.folder / "compute.py").write_text(COMPUTE)
    engine = {"type": "command", "command": [sys.executable, str(study.folder / "compute.py"), "{output}"]}
    study.spec(
        json.dumps(engine), "{completed: false}", "    numbers: ['01', '02']\n    inputs: [terrain.tif]\n"
    )
    terrain = study.folder / "terrain.tif"
    terrain.write_bytes(bytes(SIZE))
    writer = subprocess.Popen([sys.executable, "-c", REWRITE, str(terrain), str(SIZE)])
    yield study, writer
    writer.kill()
    writer.wait()


def proven(output: Path) -> bool:
    """Whether a result and its receipt, seen together, are about the same input; False: not seen together."""
    receipt_file = output.with_name(f"{output.name}.receipt.json")
    try:
        receipt, data = json.loads(receipt_file.read_bytes()), output.read_bytes()
    except FileNotFoundError:
        return False
    if hashlib.sha256(data).hexdigest() != receipt["sha256"]:
        return False
    seen = output.parents[2] / f"seen-{os.getpid()}"
    seen.write_bytes(data)
    with h5py.File(seen) as file:
        read = file["read"][()].decode()
    (said,) = [part["digest"] for part in receipt["components"] if part["name"].endswith("terrain.tif")]
    assert read == said
    return True


def test_a_result_is_never_published_for_an_input_it_was_not_made_of(changing) -> None:
    study, writer = changing
    controller = study.start("apply", "spec.yaml")
    until = time.monotonic() + 12
    while time.monotonic() < until:
        for output in study.results():
            proven(output)
        time.sleep(0.05)
    writer.send_signal(signal.SIGSTOP)
    _, said = controller.communicate(timeout=LONGEST)
    assert controller.returncode in {0, 3, 4}, said
    assert "Traceback" not in said
    study.apply()
    assert len(study.results()) == 2
    now = hashlib.sha256((study.folder / "terrain.tif").read_bytes()).hexdigest()
    for output in study.results():
        assert proven(output)
        with h5py.File(output) as file:
            assert file["read"][()].decode() == now
    assert study.left_over() == []
