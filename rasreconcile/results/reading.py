"""The other end of `reader`: reads the files it is asked about, one line of JSON for one, until the pipe closes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rasreconcile.errors import ResultError
from rasreconcile.facts import Baseline
from rasreconcile.results import hdf
from rasreconcile.results.reader import adapter


def answer(line: str) -> bytes:
    """`{"facts": ...}` or `{"refused": why}`."""
    asked = json.loads(line)
    baseline = Baseline(Path(asked["baseline"][0]), asked["baseline"][1]) if asked["baseline"] else None
    try:
        facts = hdf.read(
            Path(asked["path"]),
            datasets=asked["datasets"],
            thoroughness=asked["thoroughness"],
            baseline=baseline,
        )
    except ResultError as error:
        return json.dumps({"refused": str(error)}).encode()
    return b'{"facts": ' + adapter().dump_json(facts) + b"}"


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.buffer.write(answer(line) + b"\n")
        sys.stdout.buffer.flush()
