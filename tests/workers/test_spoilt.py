"""A run that spoils its own directory, on every kind of worker: seen at once, in words, and removed."""

from __future__ import annotations

import time

import pytest

from rasreconcile.errors import Damaged
from rasreconcile.jobs import Absent, Vanished

SPOIL = {
    "pipe": 'rm -f "../$1"; mkfifo "../$1"',
    "endless": 'rm -f "../$1"; ln -s /dev/zero "../$1"',
    "out of it": 'rm -f "../$1"; ln -s /etc/passwd "../$1"',
    "folder": 'rm -f "../$1"; mkdir "../$1"',
}


@pytest.fixture(params=["local", "ssh"])
def place(request):
    """Where run directories lie on this machine, with and without a wire."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("how", SPOIL.values(), ids=SPOIL)
@pytest.mark.parametrize("name", ["done.json", "started", "log.txt"])
def test_what_stands_in_place_of_a_file_is_told_and_removed(place, run, tmp_path, how, name) -> None:
    kill = "" if name == "log.txt" else 'kill -9 "$(sed -n "s/^pid //p" ../started)";'
    script = f"sh -c '{kill} {how.replace(chr(39), '')}' sh {name}"
    place.worker.start(run, place.script(script))
    spoilt = place.folder / run / name
    place.until(lambda: spoilt.is_symlink() or (spoilt.exists() and not spoilt.is_file()))
    began = time.monotonic()
    if name == "log.txt":
        place.end(run)
        with pytest.raises(Damaged, match=r"log\.txt is"):
            place.worker.read_log(run)
    else:
        place.until(lambda: isinstance(place.worker.poll([run])[run], Vanished))
        status = place.worker.poll([run])[run]
        assert status.cause == "damaged"
        assert name in status.evidence
    place.worker.cancel(run)
    place.worker.discard(run)
    assert place.worker.poll([run])[run] == Absent()
    assert time.monotonic() - began < 60
    assert not (place.folder / run).exists()
