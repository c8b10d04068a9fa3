"""The other end of `reader`: reads the files it is asked about, in lines of JSON, until the pipe closes."""

from __future__ import annotations

import json
import math
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from rasreconcile.errors import ResultError
from rasreconcile.facts import Baseline, HdfFacts
from rasreconcile.results import plan_hdf, tables, tree
from rasreconcile.results.reader_pool import PROGRESS, adapter
from rasreconcile.results.water_change import water_change

_ROWS = 50_000
"""In one line."""


def answers(line: str) -> Iterator[bytes]:
    """`{"facts": ...}`; with a file before it `{"water": ...}`; for a dataset `{"rows": [index, values]}` as often as
    there are, and `{"end": true}`.

    Instead of each of these there may come `{"refused": [what, remedy]}`, which is the last line then.
    """
    asked = json.loads(line)
    try:
        if "dataset" in asked:
            yield from _rows(Path(asked["path"]), asked["dataset"])
        elif "before" in asked:
            change = water_change(Path(asked["path"]), Path(asked["before"]))
            yield json.dumps({"water": asdict(change)}).encode()
        else:
            yield b'{"facts": ' + adapter().dump_json(_facts(asked)) + b"}"
    except ResultError as error:
        yield json.dumps({"refused": [error.trouble.what, error.trouble.remedy]}).encode()


def _facts(asked: Mapping[str, Any]) -> HdfFacts:
    baseline = Baseline(Path(asked["baseline"][0]), asked["baseline"][1]) if asked["baseline"] else None
    return plan_hdf.read(
        Path(asked["path"]),
        datasets=asked["datasets"],
        thoroughness=asked["thoroughness"],
        baseline=baseline,
        geometry=Path(asked["geometry"]) if asked.get("geometry") else None,
    )


def _rows(path: Path, place: str) -> Iterator[bytes]:
    for part in tables.parts(path, place):
        for first in range(0, part.values.size, _ROWS):
            cut = slice(first, first + _ROWS)
            index = {name: labels[cut] for name, labels in part.index.items()}
            yield json.dumps({"rows": [index, part.values[cut].astype(float).tolist()]}).encode()
    yield b'{"end": true}'


def _end_after(seconds: int) -> None:
    """Where the controller was killed nobody else ends a read that hangs; nor does Python, within HDF5. 0: never."""
    if sys.platform != "win32":
        signal.alarm(seconds)


class _Progress:
    """Says that the file is being read on, a few times within the patience of whoever waits for it."""

    def __init__(self, out: BinaryIO, patience: float, clock: Callable[[], float]) -> None:
        self._out, self._patience, self._clock = out, patience, clock
        self._said = clock()

    def __call__(self) -> None:
        now = self._clock()
        if now - self._said >= min(5.0, self._patience / 4):
            self._said = now
            self._out.write(PROGRESS)
            self._out.flush()
            _end_after(math.ceil(self._patience) + 1)


def serve(requests: Iterable[str], out: BinaryIO, clock: Callable[[], float] = time.monotonic) -> None:
    """Until there are no more requests."""
    for line in requests:
        patience = json.loads(line)["patience"]
        seconds = math.ceil(patience) + 1
        _end_after(seconds)
        tree.tell_progress(_Progress(out, patience, clock))
        for answer in answers(line):
            # Whoever asked may take his time over what he has.
            _end_after(0)
            out.write(answer + b"\n")
            out.flush()
            _end_after(seconds)
        _end_after(0)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout.buffer)
