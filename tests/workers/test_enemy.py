"""A run and a host that answer anything at all: nothing of it is believed that cannot be so, and nothing waits for it."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasreconcile.errors import Damaged, Refused, Unreachable
from rasreconcile.jobs import Absent, Ended, RunId, Running, Vanished
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.cache_gc import held
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.inspect import look_here, parse_looks
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.openssh import connection
from rasreconcile.workers.openssh.connection import RemoteCommand
from rasreconcile.workers.ssh.download import Download
from rasreconcile.workers.ssh.host import _problem

COUNT = settings(
    max_examples=int(os.environ.get("RASRECONCILE_ENEMY", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
"""10,000 answers of each kind: RASRECONCILE_ENEMY=10000."""

GOOD: dict[str, Any] = {
    "exit_code": 0,
    "cause": "exited",
    "started": 1700000000.5,
    "ended": 1700000001,
    "room": 5,
    "image": "",
    "outputs": {"a b/x.hdf": {"size": 2, "digest": "f" * 64}},
}
CLAIM = "pid 7\nstart 99\nboot abc\ntime 1700000000.5\n"

numbers = st.one_of(
    st.integers(-(10**40), 10**40), st.floats(), st.sampled_from([-1, -7, 10**30, 1e300, True, 2**63])
)
names = st.one_of(
    st.text(max_size=20), st.sampled_from(["../../x", "/etc/passwd", "..", "a\0b", "C:\\x", "CON", "a//b"])
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, names),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=8,
)
records = st.fixed_dictionaries(
    {}, optional={"size": numbers, "digest": st.one_of(st.just("f" * 64), anything)}
)
ends = st.fixed_dictionaries(
    {},
    optional={
        key: st.one_of(st.just(value), anything, st.dictionaries(names, records, max_size=2))
        for key, value in GOOD.items()
    },
)
SAID = (
    "run directory started alive heartbeat growth log unwritten done damage clock free restarted pid start boot time now"
    " cached links folder lacks"
)
words = st.sampled_from(SAID.split())
rests = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["r", "nan", "banana", "inf", "-1", "9" * 5000, "²", "1e999", "1700000000", "[" * 5000]),
)
lines = st.lists(st.tuples(words, rests).map(" ".join), max_size=12).map("\n".join)


def is_believable(end: Ended) -> None:
    assert -(1 << 31) <= end.exit_code < 1 << 32
    assert 1970 <= end.started.year <= 3000
    for name, record in end.outputs.items():
        rundir.check_name(name)
        assert 0 <= record.size <= controls.LARGEST_SIZE
        assert len(record.digest) == 64


@COUNT
@given(
    st.one_of(
        st.text(),
        ends.map(json.dumps),
        anything.map(json.dumps),
        st.binary().map(lambda b: b.decode("latin-1")),
    )
)
def test_whatever_a_done_json_says_it_is_an_end_that_can_be_or_none(said: str) -> None:
    try:
        is_believable(run_files.end_of(said))
    except Unfit as why:
        assert len(str(why)) < 400
        assert "\n" not in str(why)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (json.dumps({**GOOD, "exit_code": 10**30}), "exit code 1000"),
        ('{"exit_code": ' + "9" * 10_000 + "}", "not JSON"),
        (json.dumps({**GOOD, "started": float("nan")}), "NaN"),
        (json.dumps({**GOOD, "outputs": {"x": {"size": -7, "digest": "f" * 64}}}), "size of .* -7"),
        (json.dumps({**GOOD, "outputs": {"../../x": {"size": 7, "digest": "f" * 64}}}), "output .*../../x"),
        (" " * (controls.LARGEST + 1), "more than 4 MB"),
        ("\0" * 100, "not JSON"),
    ],
)
def test_what_cannot_be_is_said_in_words(said: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        run_files.end_of(said)
    lost = run_files.status_of(run_files.RunFiles(started=CLAIM, done=said))
    assert isinstance(lost, Vanished)
    assert lost.cause == "damaged"
    # While its runner runs_there it will write its own end.
    assert isinstance(run_files.status_of(run_files.RunFiles(started=CLAIM, done=said, alive=True)), Running)


@COUNT
@given(st.one_of(lines, st.text()).map(lambda said: f"run r\n{said}"))
def test_whatever_a_host_says_of_a_run_has_a_meaning_or_is_asked_again(said: str) -> None:
    try:
        found = parse_looks(said, [RunId("r")])
    except Unreachable:
        return
    status = run_files.status_of(found[RunId("r")])
    assert isinstance(status, Absent | Vanished | Running | Ended)
    if isinstance(status, Ended):
        is_believable(status)


@COUNT
@given(st.one_of(lines, st.text()))
def test_whatever_a_host_says_of_itself_is_a_problem_or_none(said: str) -> None:
    for line in said.splitlines():
        problem = _problem(line, "/runs", 1700000000.0)
        assert problem is None or problem.remedy
    held(said)


@pytest.mark.parametrize("said", ["clock banana", "clock nan", "clock " + "9" * 400])
def test_a_clock_that_tells_no_time_is_a_problem(said: str) -> None:
    problem = _problem(said, "/runs", 1700000000.0)
    assert problem is not None
    assert "not a number" in problem.what


# ---- what stands in the place of a file


def _put(path: Path, kind: str) -> None:
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "sparse":
            with path.open("wb") as file:
                file.truncate(1 << 33)
        case "good":
            path.write_text(CLAIM if path.name == "started" else json.dumps(GOOD))
        case "rubbish":
            path.write_bytes(b"\xff\0[" * 1000)
        case "unreadable":
            path.write_text("x")
            path.chmod(0)
        case _:
            targets = {
                "zero": "/dev/zero",
                "passwd": "/etc/passwd",
                "circle": str(path),
                "nowhere": "/nowhere",
            }
            path.symlink_to(targets[kind])


KINDS = [
    "",
    "fifo",
    "folder",
    "sparse",
    "good",
    "rubbish",
    "unreadable",
    "zero",
    "passwd",
    "circle",
    "nowhere",
]
CONTROLS = [
    "started",
    "done.json",
    "heartbeat",
    "growth",
    "log.txt",
    "unwritten",
    "boot",
    "cancel",
    "outputs",
    "work",
]


@settings(COUNT, max_examples=60)
@given(
    chosen=st.lists(st.sampled_from(KINDS), min_size=len(CONTROLS), max_size=len(CONTROLS)), number=st.uuids()
)
def test_whatever_stands_in_the_place_of_files_is_seen_at_once_and_can_be_removed(
    tmp_path: Path, chosen: list[str], number: object
) -> None:
    run = RunId(f"r-{number}")
    place = tmp_path / run
    place.mkdir()
    for name, kind in zip(CONTROLS, chosen, strict=True):
        if kind:
            _put(place / name, kind)
    host = LocalHost(tmp_path)
    began = time.monotonic()
    status = run_files.status_of(look_here(tmp_path, [run])[run])
    assert isinstance(status, Absent | Vanished | Ended)
    for name in ("log.txt", "work/x", "runner.err"):
        try:
            assert b"root:" not in host.read(run, name, 0, 1000)
        except Damaged as why:
            assert str(run) in str(why)
    host.mark(run, "cancel")
    assert (place / "cancel").is_file()
    assert not (place / "cancel").is_symlink()
    host.remove(run)
    assert list(tmp_path.glob("*r-*")) == []
    assert time.monotonic() - began < 10
    assert Path("/etc/passwd").stat().st_size > 0


# ---- a host that gives more than it promised


class Enemy:
    """The channel of a host that sends these bytes, and then, perhaps, more without an end."""

    def __init__(self, data: bytes, then: bytes = b"") -> None:
        self.data, self.then, self.given = data, then, 0

    def recv(self, limit: int) -> bytes:
        part, self.data = self.data[:limit], self.data[limit:]
        part = part or self.then
        self.given += len(part)
        return part

    def settimeout(self, seconds: float) -> None:
        """It never waits."""


def _download(tmp_path: Path, enemy: Enemy) -> Any:
    @contextmanager
    def dialogue(*_: str) -> Iterator[RemoteCommand]:
        yield RemoteCommand("box", enemy)  # type: ignore[arg-type]

    return Download(RunId("r"), "a b/x.hdf", tmp_path / "here").go_on(dialogue)


END = json.dumps(GOOD).encode()


@pytest.mark.parametrize(
    ("head", "body", "why"),
    [
        (f"file 2 0 plain {len(END)}", END + b"123", "more came"),
        (f"file 2 0 gzip {len(END)}", END + gzip.compress(bytes(50 << 20)), "more came"),
        (f"file 1000000000000 0 plain {len(END)}", END, "the run recorded 2"),
        (f"file 10 0 plain {1 << 40}", b"", "more than 4 MB"),
        ("file ² 0 plain 0", b"", "cut short"),
        ("file -1 0 plain 0", b"", "cut short"),
        ("file 9 nan plain 0", b"", "cut short"),
        ("banana", b"", "cut short"),
    ],
)
def test_a_host_that_sends_more_than_it_promised_is_stopped(
    tmp_path: Path, head: str, body: bytes, why: str
) -> None:
    enemy = Enemy(f"{head}\n".encode() + body, then=bytes(1 << 18))
    with pytest.raises((Unreachable, Damaged), match=why):
        _download(tmp_path, enemy)
    assert enemy.given < 8 << 20
    assert not (tmp_path / "here").exists() or (tmp_path / "here").stat().st_size <= 2


@COUNT
@given(
    head=st.one_of(st.text(max_size=60), st.lists(rests, max_size=5).map(" ".join)),
    body=st.binary(max_size=200),
)
def test_whatever_comes_as_a_file_ends_in_words(tmp_path: Path, head: str, body: bytes) -> None:
    enemy = Enemy(f"{head}\n".encode("utf-8", "replace") + body, then=bytes(1 << 10))
    with pytest.raises((Unreachable, Refused, FileNotFoundError)):
        _download(tmp_path, enemy)


def test_an_answer_and_a_line_without_an_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    enemy = Enemy(b"", then=b"x" * (1 << 16))
    with pytest.raises(Unreachable, match="does not end"):
        RemoteCommand("box", enemy).rest()  # type: ignore[arg-type]
    assert enemy.given <= connection.LARGEST_ANSWER + (1 << 20)
    with pytest.raises(Unreachable, match="a line without an end"):
        RemoteCommand("box", Enemy(b"", then=b"x" * 100)).line()  # type: ignore[arg-type]
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=iter(range(0, 10**6, 400)).__next__))
    with pytest.raises(Unreachable, match="does not end"):
        RemoteCommand("box", Enemy(b"", then=b"x")).rest()  # type: ignore[arg-type]
