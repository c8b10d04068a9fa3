"""`logs --fetch` brings the run directory of a run that failed from every kind of worker."""

from __future__ import annotations

import os

from rasreconcile.operations.fetch import fetch_run

OUTPUT = "x.p01.hdf"
HALF = os.urandom(1 << 20)
"""Of a result; what does not shrink travels as it is."""


def test_a_run_that_failed_comes_back_whole_from_every_kind(place, run, tmp_path) -> None:
    writes = {OUTPUT: b"half a result", "x.p01.computeMsgs.txt": b"ERROR: no luck\n"}
    place.worker.start(run, place.job(writes=writes, prints=b"no luck\n", exits=7))
    assert place.end(run).exit_code == 7
    found = fetch_run(place.again(), run, tmp_path / "here", existing="keep")
    assert found is not None
    assert found.lacking == {}
    assert (found.folder / "log.txt").read_bytes() == b"no luck\n"
    assert {name: (found.folder / "work" / name).read_bytes() for name in writes} == writes
    assert not {"steps", "steps.sh"} & {path.name for path in found.folder.rglob("*")}
    again = fetch_run(place.worker, run, tmp_path / "here", existing="keep")
    assert again is not None
    assert (again.brought, sorted(again.here)) == ({}, sorted(found.brought))


def test_a_run_that_was_killed_comes_back_too(place, run, tmp_path) -> None:
    place.begin(run, place.job(writes={OUTPUT: b"half"}, prints=b"so far\n", waits=True))
    place.until(lambda: place.worker.read_log(run) == b"so far\n")
    place.kill(run)
    place.wait(run)
    found = fetch_run(place.worker, run, tmp_path / "here", existing="keep")
    assert found is not None
    assert found.lacking == {}
    assert (found.folder / "log.txt").read_bytes() == b"so far\n"
