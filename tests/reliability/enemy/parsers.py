"""Parsers of what is said: each is given changed answers, and what it makes of them must be something that can be."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rasreconcile.engines.hec_ras import install_search
from rasreconcile.engines.hec_ras.install_search import FoundInstall, NotFound, WantedInstall
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Status, Unknown, Vanished
from rasreconcile.results.log import Reading, done, resumed, simulation_window
from rasreconcile.store.disk import is_lost
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.cache_gc import Held, held, needless
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.inspect import parse_looks
from rasreconcile.workers.listing import MOST_FILES, parse_listing
from rasreconcile.workers.ssh.host import problems_of
from rasreconcile.workers.ssh.windows_commands import PROBE, WindowsCommands
from tests.reliability.enemy import values
from tests.reliability.enemy.trial import Attempt, Kind

RUN, OTHER = RunId("20261127-120000-muncie-p04-00c0ffee"), RunId("r2")
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 2, tzinfo=UTC)
CLAIM = "pid 7\nstart 99\nboot abc\ntime 1700000000.5\n"
END: dict[str, Any] = {
    "exit_code": 0,
    "cause": "exited",
    "started": 1700000000.5,
    "ended": 1700000001,
    "room": 5,
    "image": "sha256:ab12",
    "outputs": {
        "Muncie.p04.hdf": {"size": 2, "digest": "f" * 64},
        "a b/x.tif": {"size": 1 << 30, "digest": "0" * 64},
    },
}
LOOK = f"""run {RUN}
directory
started pid 7
started start 99
started boot abc
started time 1700000000.5
alive
heartbeat 1700000000
growth 1700000000
log 1234
run {OTHER}
directory
started pid 8
started start 98
started boot abd
started time 1700000000.5
restarted
done {values.text_of(END).decode()}
""".encode()
LISTING = b"""41c0 4096 1700000000 .
81a4 123 1700000000 ./done.json
41c0 4096 1700000000 ./work
81a4 1000000 1700000000.5 ./work/a b.hdf
a1ff 7 1700000000 ./work/link
1180 0 1700000000 ./work/pipe
4000 0 1700000000 ./work/closed
"""
HELD = f"""now 1700000000
run 1690000000 {RUN}
run 1690000000 .r2.0a1b2c3d.new
cached 1690000000 1690000001 123456 1 cache/ab/ab{"0" * 62}
cached 1690000000 1690000001 123456 2 cache/cd/.cd{"1" * 62}.0a1b2c.part
""".encode()
PROBLEMS = b"lacks flock\nclock 1700000000\nfree 12345678\nlinks no\nfolder Permission denied\n"
WINDOWS = (
    f"echo {PROBE}\nme DESK\\ras\ndesktop DESK\\ras\nlongest 40\nclock 1700000000\nfree 12345678\n".encode()
)
SOLVERS = b"""/opt/hecras/6.6/bin_ras/RasUnsteady\t/opt/hecras/6.6/bin_ras/RasUnsteady
/opt/hecras/Linux_RAS_v66/RAS_v65/Release/RasUnsteady\t/opt/hecras/Linux_RAS_v66/RAS_v65/Release/RasUnsteady
"""
TRIES = b"""program RasGeomPreprocess 1
| usage
program RasUnsteady 127
| error while loading shared libraries: libifcore.so.5: cannot open shared object file
program RasSteady absent
"""
MESSAGES = b"""Message  | Plan: 'Base' (Muncie.p04)
PROCESS:    UNSTEADY
Progress | 0.01
Message  | 02JAN1900 00:10:00     Perimeter 1   12   945.31  0.012  20
02JAN1900 00:20:00     Perimeter 1   12   945.31  NaN  20
Progress | 0.5
Overall Volume Accounting Error as percentage:  0.000321
ERROR: Unable to compute face tables.
Finished Unsteady Flow Simulation
"""
JOB = rb"""{"run": "r", "store": "host:/home/x/state.db", "cores": 2, "process_priority": "low",
 "inputs": [{"name": "a", "sha256": "0", "size": 3}]}"""


def of_bytes(parse: Callable[[bytes], str], good: bytes, what: str, share: int = 300) -> Kind:
    """A kind of answer, by its parser, which says in a word what it made of it, and a good answer."""

    @contextmanager
    def begin(_: Path) -> Iterator[Attempt]:
        yield lambda chance: parse(values.changed(chance, good))

    return Kind(what, begin, share)


def of_json(parse: Callable[[str], str], good: dict[str, Any], what: str, share: int = 600) -> Kind:
    """The same of a JSON document."""

    def said(chance: Random) -> bytes:
        if chance.random() < 0.3:
            return values.changed(chance, values.text_of(good))
        return values.text_of(values.document(chance, good)) + values.rarely_huge(chance)

    @contextmanager
    def begin(_: Path) -> Iterator[Attempt]:
        yield lambda chance: parse(said(chance).decode(errors="replace"))

    return Kind(what, begin, share)


# ---- what can be


def is_moment(at: datetime | None) -> None:
    assert at is None or FIRST <= at <= LAST, at


def is_status(status: Status) -> str:
    """That it is one that can be; its name."""
    match status:
        case Ended():
            assert -(1 << 31) <= status.exit_code < 1 << 32
            is_moment(status.started)
            is_moment(status.ended)
            for name, record in status.outputs.items():
                rundir.check_name(name)
                assert 0 <= record.size <= controls.LARGEST_SIZE
                assert len(record.digest) == 64 and set(record.digest) <= set("0123456789abcdef")
            assert status.room is None or 0 <= status.room <= controls.LARGEST_SIZE
        case Running():
            is_moment(status.started)
            is_moment(status.heartbeat)
            is_moment(status.grew)
            assert 0 <= status.log_size <= controls.LARGEST_SIZE
        case Vanished(evidence=said) | Absent(why=said):
            is_said(said)
        case Queued():
            pass
        case Unknown():
            raise AssertionError("a worker that answers is known")
    return type(status).__name__


def is_said(said: str, longest: int = 1000) -> None:
    """Words of an enemy in a message: in bounds, on one line."""
    assert len(said) <= longest, f"{len(said)} characters"
    assert "\n" not in said


def done_json(said: str) -> str:
    status = run_files.status_of(run_files.RunFiles(started=CLAIM, done=said))
    try:
        run_files.end_of(said)
    except Unfit as why:
        is_said(str(why), 400)
        assert isinstance(status, Vanished) and status.cause == "damaged"
    return is_status(status)


def claim(said: bytes) -> str:
    found = run_files.claim_of(said.decode(errors="replace"))
    if found is None:
        return "none"
    is_moment(found.at)
    assert 0 <= found.pid < 1 << 40
    return "a claim"


def look(said: bytes) -> str:
    found = parse_looks(said.decode(errors="replace"), [RUN, OTHER])
    return " and ".join(is_status(run_files.status_of(found[run])) for run in (RUN, OTHER))


def listing(said: bytes) -> str:
    found = parse_listing(said)
    assert len(found) <= MOST_FILES
    for one in found:
        assert 0 <= one.size <= controls.LARGEST_SIZE
        assert 0 <= one.changed <= controls.LATEST
        assert len(one.name) <= 1 << 16
    return "some" if found else "none"


def cache_list(said: bytes) -> str:
    found: Held = held(said.decode(errors="replace"))
    for at in found.runs.values():
        is_moment(at)
    for run in found.runs:
        rundir.check_run(run)
    gone = needless(found.cached, now=found.now, unused_for=LAST - FIRST, at_most=0)
    for one in gone:
        # These names are given to `drop`, which removes them.
        assert ".." not in one.name.split("/") and not one.name.startswith("/")
    return "some" if found.cached else "none"


def host_problems(said: bytes) -> str:
    found = problems_of(said.decode(errors="replace"), "/runs", 1700000000.0)
    for problem in found:
        is_said(problem.what)
        assert problem.remedy
    return "problems" if found else "fit"


def windows_problems(said: bytes) -> str:
    lines = said.decode(errors="replace").splitlines()
    found = WindowsCommands("lab", "C:\\R", "desktop").problems(lines)
    for problem in found:
        is_said(problem.what)
        assert problem.remedy
    return "problems" if found else "fit"


def solvers(said: bytes) -> str:
    wanted = WantedInstall("6.6", "posix", None)
    return _install(install_search.solvers_in(wanted, said.decode(errors="replace")))


def tries(said: bytes) -> str:
    wanted, there = WantedInstall("6.6", "posix", None), FoundInstall("/opt/hecras/6.6")
    return _install(install_search.started(wanted, there, said.decode(errors="replace")))


def _install(found: FoundInstall | NotFound) -> str:
    if isinstance(found, NotFound):
        is_said(found.why)
        assert found.remedy
        return "not there"
    is_said(found.home, 4096)
    # It becomes a word of a command.
    rundir.quoted(found.home)
    return "there"


def job_json(said: str) -> str:
    owner = rundir.owner_in(said)
    is_said(owner, 4200)
    is_lost(owner)
    try:
        cores, priority = run_files.work_of(said)
    except Unfit as why:
        is_said(str(why), 400)
        return "no job"
    assert 1 <= cores <= 1 << 20 and priority in rundir.PRIORITIES
    return "a job"


def messages(chance: Random) -> str:
    data = values.changed(chance, MESSAGES * chance.choice([1, 1, 5]))
    reading, at = Reading(), 0
    while at < len(data):
        step = chance.choice([1, 7, 100, 1 << 18]) if len(data) < 5000 else 1 << 18
        reading = reading.fed(data[at : at + step])
        at += step
        assert len(reading.rest) <= 1 << 12
    again = resumed(reading.facts, reading.kept())
    assert again == reading
    window = simulation_window("Simulation Date=02JAN1900,0000,02JAN1900,0200\n")
    share = done(reading.facts, window)
    assert share is None or 0.0 <= share <= 1.0
    is_said(reading.facts.first_error)
    is_said(reading.facts.unstable)
    return "finished" if reading.facts.finished else "not finished"


@contextmanager
def _messages(_: Path) -> Iterator[Attempt]:
    yield messages


PARSERS: dict[str, Kind] = {
    "done.json": of_json(done_json, END, "how a run ended, as its runner wrote it, or its job"),
    "started": of_bytes(claim, CLAIM.encode(), "who runs it"),
    "job.json": of_json(
        job_json,
        {"store": f"{socket.gethostname()}:/a/b", "cores": 2, "process_priority": "low"},
        "what was asked",
    ),
    "look": of_bytes(look, LOOK, "the answer of inspect.sh, or a Windows agent, of two runs", 1000),
    "listing": of_bytes(listing, LISTING, "the answer of files.sh, or a Windows agent"),
    "cache-list": of_bytes(cache_list, HELD, "the answer of upkeep.sh, or a Windows agent"),
    "host-problems": of_bytes(host_problems, PROBLEMS, "what a POSIX host says of itself"),
    "windows-problems": of_bytes(windows_problems, WINDOWS, "what a Windows host says of itself"),
    "solvers": of_bytes(solvers, SOLVERS, "where the solvers are"),
    "solver-tries": of_bytes(tries, TRIES, "how the solvers start"),
    "messages": Kind("what an engine prints, in parts", _messages),
}
