"""Damaged files: read or refused in our own words, in bounded memory and time, never a crash.

HDF5 is C, and a damaged file can make it write where it must not. What is damaged is therefore read in a process of
its own, and the end of that process is looked at.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import LONGEST

from rasreconcile.errors import ResultError
from rasreconcile.facts import HdfFacts
from rasreconcile.results import plan_hdf
from rasreconcile.results.expectations import judge
from rasreconcile.spec import Expectations

Patch = tuple[int, str]
"""Where, and the bytes in hex that stand there instead; empty: the file ends there."""

READER = """
import json, pathlib, resource, sys
from rasreconcile.errors import ResultError
from rasreconcile.results import plan_hdf
from rasreconcile.results.expectations import judge
from rasreconcile.spec import Expectations
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
good, path = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2])
for patches in json.load(sys.stdin):
    content = bytearray(good)
    for at, instead in patches:
        if instead:
            content[at : at + len(instead) // 2] = bytes.fromhex(instead)
        else:
            del content[at:]
    path.write_bytes(content)
    try:
        facts = plan_hdf.read(path, thoroughness="every dataset")
    except ResultError as error:
        assert "\\n" not in str(error), error
        print("refused", flush=True)
        continue
    lacking = judge(Expectations(), facts)
    print("unreadable" if facts.unreadable else "fell short" if lacking else "accepted", flush=True)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{peak:.0f} MiB", file=sys.stderr)
"""


def outcomes(good: Path, damaged: Path, damages: Sequence[Sequence[Patch]]) -> Counter[str]:
    """What became of each damage; fails where the reader crashed, hung, or raised anything of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READER, good, damaged],
        input=json.dumps(damages),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    found = done.stdout.split("\n")[:-1]
    assert done.returncode == 0, (
        f"ended with {done.returncode} at {damages[len(found)]}: {done.stderr[-2000:]}"
    )
    assert float(done.stderr.split()[-2]) < 1000, "memory is not bounded"
    return Counter(found)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    return tmp_path / "damaged.hdf"


def test_a_file_cut_anywhere_is_refused(complete_results: list[Path], damaged: Path) -> None:
    for good in complete_results:
        size = good.stat().st_size
        cuts = [*range(0, size, size // 60), *range(1, 9), size - 8, size - 1]
        assert outcomes(good, damaged, [[(at, "")] for at in cuts]) == {"refused": len(cuts)}


def test_a_file_of_the_right_size_with_a_tail_of_zeros_is_never_accepted(
    complete_results: list[Path], damaged: Path
) -> None:
    for good in complete_results:
        content = good.read_bytes()
        cuts = [at for at in range(0, len(content), len(content) // 15) if content[at:].strip(b"\0")]
        tails = [[(at, bytes(len(content) - at).hex())] for at in cuts]
        assert outcomes(good, damaged, tails)["accepted"] == 0


def test_a_hole_is_read_or_told(steady_result: Path, damaged: Path) -> None:
    size = steady_result.stat().st_size
    holes = [[(at, bytes(min(4096, size - at)).hex())] for at in range(0, size, 3 * 4096)]
    found = outcomes(steady_result, damaged, holes)
    assert found["unreadable"] + found["refused"] > len(holes) / 2


def test_a_single_changed_byte_is_read_or_told_and_only_a_digest_finds_them_all(
    complete_results: list[Path], damaged: Path
) -> None:
    chance = random.Random(20261124)
    for good in complete_results:
        content = good.read_bytes()
        flips = [[(at, f"{content[at] ^ 0xFF:02x}")] for at in chance.sample(range(len(content)), 16)]
        found = outcomes(good, damaged, flips)
        # Values that are stored unchecked are silently others: what is read cannot prove a transfer.
        assert found["accepted"] > 0
        assert found["unreadable"] + found["refused"] > 0


def test_headers_full_of_wrong_bytes_are_read_or_told(complete_results: list[Path], damaged: Path) -> None:
    chance = random.Random(20261125)
    for good in complete_results[1:3]:
        content = good.read_bytes()
        heads = [at for mark in (b"TREE", b"SNOD", b"HEAP") for at in _places(content, mark)]
        damages = [
            [
                (
                    min(chance.choice(heads) + chance.randrange(600), len(content) - 1),
                    f"{chance.choice(ODD):02x}",
                )
                for _ in range(3)
            ]
            for _ in range(MANY)
        ]
        assert sum(outcomes(good, damaged, damages).values()) == MANY


MANY = 20
ODD = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def _places(content: bytes, mark: bytes) -> list[int]:
    found, at = [], content.find(mark)
    while at >= 0:
        found.append(at)
        at = content.find(mark, at + 1)
    return found


def test_a_table_whose_columns_lie_over_each_other_is_told(damaged: Path) -> None:
    # Reading such a table, HDF5 2.0 writes past the end of its memory.
    with h5py.File(damaged, "w") as file:
        file["table"] = np.zeros(64, dtype=[("a", "<f4"), ("b", "<f4")])
    content = bytearray(damaged.read_bytes())
    single_precision = content.find(bytes.fromhex("11201f000400000000002000170800177f000000"))
    content[single_precision + 17] = 3  # the exponent's bias: too large for four bytes in memory
    damaged.write_bytes(content)
    facts = plan_hdf.read(damaged, thoroughness="every dataset")
    assert facts.unreadable == ("/table: columns of its table overlap",)


quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@quick
@given(content=st.binary(max_size=4096), signed=st.booleans())
def test_no_content_is_taken_for_a_result(damaged: Path, content: bytes, signed: bool) -> None:
    damaged.write_bytes(b"\x89HDF\r\n\x1a\n" + content if signed else content)
    try:
        facts = plan_hdf.read(damaged, thoroughness="every dataset")
    except ResultError:
        return
    assert judge(Expectations(), facts) != ()


@quick
@given(data=st.data())
def test_a_small_result_with_changed_bytes_is_read_or_told(
    unsteady_result: Path, damaged: Path, data: st.DataObject
) -> None:
    content = bytearray(unsteady_result.read_bytes())
    at = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(at, st.integers(0, 255)), min_size=1, max_size=6)):
        content[place] = value
    damaged.write_bytes(content)
    try:
        assert isinstance(plan_hdf.read(damaged, thoroughness="every dataset"), HdfFacts)
    except ResultError as error:
        assert "\n" not in str(error)
