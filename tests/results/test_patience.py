"""A file is waited for as long as it is being read, however large it is; memory does not grow with what is in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.errors import ResultError
from rasreconcile.results import tree
from rasreconcile.results.reader_pool import PROGRESS, Readers
from rasreconcile.results.reader_process import serve

DATASETS = int(os.environ.get("RASRECONCILE_DATASETS", "300"))
"""In the largest file; a million takes minutes."""
TELLS = "import sys; ask = sys.stdin.readline(); say = lambda s: print(s, flush=True); going = '{\"progress\": true}'\n"


class Timers:
    """Counts how often the patience begins anew; it never ends."""

    def __init__(self) -> None:
        self.begun: list[float] = []

    def __call__(self, seconds: float, then: Callable[[], None]) -> Timers:
        self.begun.append(seconds)
        return self

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        pass


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file with as many datasets in one group."""
    path = tmp_path / "Willow.p01.hdf"
    with h5py.File(path, "w", libver="latest") as file:
        group = file.create_group("many")
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        for number in range(DATASETS):
            h5py.h5d.create(group.id, b"%d" % number, h5py.h5t.NATIVE_FLOAT, space)
        file["large"] = np.zeros((4, 1 << 17), dtype="<f8")
    return path


def asked(path: Path, patience: float) -> str:
    words: dict[str, object] = {
        "path": str(path),
        "datasets": [],
        "thoroughness": "every dataset",
        "baseline": None,
    }
    return json.dumps({"patience": patience, **words})


def test_a_process_that_reads_on_says_so_and_its_answer_is_the_same(many: Path) -> None:
    now = iter(range(10_000_000))
    told = io.BytesIO()
    serve([asked(many, 300)], told, clock=lambda: float(next(now)))
    *lines, answer = told.getvalue().splitlines(keepends=True)
    assert set(lines) == {PROGRESS}
    assert len(lines) > DATASETS / 10
    quiet = io.BytesIO()
    serve([asked(many, 300)], quiet, clock=lambda: 0.0)
    assert quiet.getvalue() == answer
    assert json.loads(answer)["facts"]["unreadable"] == []
    tree.tell_progress(lambda: None)


def test_patience_begins_anew_with_each_word_of_progress(many: Path) -> None:
    timers = Timers()
    program = TELLS + 'for _ in range(50): say(going)\nsay(\'{"refused": ["enough", ""]}\')\n'
    readers = Readers([sys.executable, "-c", program], timer=timers)
    with pytest.raises(ResultError, match="enough"):
        readers.read(many)
    readers.close()
    assert len(timers.begun) == 51


def test_a_process_that_has_stopped_reading_is_ended(many: Path) -> None:
    program = TELLS + "say(going)\nimport time; time.sleep(600)\n"
    with pytest.raises(ResultError, match="made no progress for"):
        Readers([sys.executable, "-c", program], shortest_patience=0.3).read(many)


def test_how_long_is_waited_does_not_grow_with_a_file_beyond_its_largest_step(tmp_path: Path) -> None:
    timers = Timers()
    for size in (1 << 30, 1 << 40):
        with (tmp_path / "x.p01.hdf").open("wb") as file:
            file.truncate(size)
        with pytest.raises(ResultError):
            Readers([sys.executable, "-c", "pass"], timer=timers).read(tmp_path / "x.p01.hdf")
    assert len(set(timers.begun)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_memory_does_not_grow_with_what_is_in_a_file(many: Path) -> None:
    code = (
        "import sys; from rasreconcile.results import plan_hdf; from pathlib import Path;"
        "facts = plan_hdf.read(Path(sys.argv[1]), thoroughness='every dataset'); assert facts.unreadable == ();"
        # Its own: what getrusage tells begins with that of the process it was forked from.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM:')))"
    )
    done = subprocess.run([sys.executable, "-c", code, many], check=True, capture_output=True, text=True)
    assert int(done.stdout) * 1024 < (300 << 20) + 600 * DATASETS
