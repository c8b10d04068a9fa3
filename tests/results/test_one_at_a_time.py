"""Two controllers that come to publish one file for the first time: the later one finds the receipt of the other."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rasreconcile.controller.proof import Placed, Proven, put_in_place
from rasreconcile.errors import PublishHeld
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.records import Published
from rasreconcile.results import one_at_a_time as module
from rasreconcile.results import publish
from rasreconcile.results.one_at_a_time import one_at_a_time
from tests.results.test_publish import proven

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no folder can be locked there")
SPEC = """\
version: 1
results: results
engine: {type: steady}
workers: {desk: {type: local}}
plans: [{project: Willow.prj}]
"""


def of(spec: Path, output: Path) -> Published:
    return Published(
        address=Address("Willow/p01"),
        run=RunId(f"r-{spec.stem}"),
        path=output,
        size=3,
        digest="d" * 64,
        fingerprint="f" * 64,
        components=(),
        expectation_digest="e" * 64,
        provenance="computed",
        engine="steady",
        worker="desk",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        spec=spec,
    )


@pytest.fixture
def two(tmp_path: Path) -> tuple[Published, Published]:
    """One file that two specs want."""
    demo = Path(__file__).parents[2] / "specs" / "demo"
    for path in demo.glob("Willow.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    output = tmp_path / "results" / "Willow" / "Willow.p01.hdf"
    output.parent.mkdir(parents=True)
    for name in ("first.yaml", "second.yaml"):
        (tmp_path / name).write_text(SPEC)
    return of(tmp_path / "first.yaml", output), of(tmp_path / "second.yaml", output)


def test_who_comes_while_another_publishes_waits_and_then_sees_whose_the_place_is(two) -> None:
    first, second = two
    temporary = proven(second.path, b"two", second.run)
    ended: list[Placed | PublishHeld] = []

    def publish_second() -> None:
        try:
            ended.append(put_in_place(Proven(second, temporary, (), ())))
        except PublishHeld as error:
            ended.append(error)

    other = threading.Thread(target=publish_second)
    with one_at_a_time(first.path.parent):
        other.start()
        other.join(0.3)
        assert other.is_alive()
        publish.replace(proven(first.path, b"one", first.run), first.path)
        publish.write_receipts(first)
    other.join(60)
    (held,) = ended
    assert isinstance(held, PublishHeld)
    assert "first.yaml publishes to this file too" in str(held)
    assert first.path.read_bytes() == b"one"


def test_who_stays_in_it_is_told_and_nothing_is_published(two, monkeypatch) -> None:
    first, _ = two
    monkeypatch.setattr(module, "LONGEST", 0.05)
    temporary = proven(first.path, b"one", first.run)
    with (
        one_at_a_time(first.path.parent),
        pytest.raises(PublishHeld, match="another controller is publishing there"),
    ):
        put_in_place(Proven(first, temporary, (), ()))
    assert temporary.exists()
    put_in_place(Proven(first, temporary, (), ()))
    assert first.path.read_bytes() == b"one"
    # With its own receipt there it needs nobody's leave.
    again = proven(first.path, b"new", first.run)
    with one_at_a_time(first.path.parent):
        put_in_place(Proven(replace(first, digest="a" * 64), again, (), ()))
    assert first.path.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PublishHeld, match="No such file"), one_at_a_time(tmp_path / "nowhere"):
        pass
