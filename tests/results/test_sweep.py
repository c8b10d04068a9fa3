"""What publications that were cut off leave, and what is swept of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rasreconcile.results import publish
from tests.results.test_publish import MIB, OTHER, RUN, proven


def test_only_temporary_files_of_runs_that_are_over_are_removed(tmp_path: Path) -> None:
    output = tmp_path / "Muncie.p04.hdf"
    over = proven(output, b"x", OTHER)
    over_receipt = publish.temporary_name(publish.receipt_path(output), OTHER)
    over_receipt.write_text("{}")
    kept = [
        proven(output, b"x", RUN),
        tmp_path / f".Muncie.p05.hdf.{OTHER}.part",
        tmp_path / f".MuncieXp04.hdf.{OTHER}.part",
        tmp_path / f"Muncie.p04.hdf.{OTHER}.part",
        tmp_path / ".Muncie.p04.hdf.Notes of Anna.part",
        tmp_path / f".Muncie.p04.hdf.{OTHER}.part.txt",
        tmp_path / "Muncie.p04.hdf.receipt.json",
        output,
    ]
    for path in kept:
        path.write_bytes(b"x")
    folder = tmp_path / ".Muncie.p04.hdf.folder.part"
    folder.mkdir()
    link = tmp_path / ".Muncie.p04.hdf.link.part"
    link.symlink_to(output)
    assert set(publish.sweep(tmp_path, ["Muncie.p04.hdf"], [RUN])) == {over, over_receipt}
    assert {p for p in tmp_path.iterdir() if p != over} == {*kept, folder, link}


def test_there_is_nothing_to_sweep_where_there_is_nothing(tmp_path: Path) -> None:
    assert publish.sweep(tmp_path / "absent", ["a"], []) == ()
    assert publish.sweep(tmp_path, [], []) == ()


def test_a_killed_publication_leaves_a_whole_output(tmp_path: Path) -> None:
    output = tmp_path / "Muncie.p04.hdf"
    script = f"""
import pathlib
from rasreconcile.results import publish
output = pathlib.Path({str(output)!r})
n = 0
while True:
    temporary = publish.temporary_name(output, "run-1")
    temporary.write_bytes(bytes([n % 256]) * {MIB})
    publish.replace(temporary, output)
    n += 1
    print(n, flush=True)
"""
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(5):
                writer.stdout.readline()
            writer.kill()
        content = output.read_bytes()
        assert len(content) == MIB
        assert len(set(content)) == 1
    publish.sweep(tmp_path, [output.name], [])
    assert [p.name for p in tmp_path.iterdir()] == [output.name]
