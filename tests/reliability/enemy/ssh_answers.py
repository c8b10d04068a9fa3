"""What an SSH host answers, verb by verb: changed, cut, endless, in drips, or the answer to another question."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from rasreconcile.jobs import Staged
from rasreconcile.workers import retry, run_files, upload
from rasreconcile.workers.openssh import connection
from rasreconcile.workers.ssh.host import SshHost
from rasreconcile.workers.ssh.host_commands import MARK, PosixCommands
from rasreconcile.workers.ssh.upload import SshConduit
from tests.reliability.enemy import values
from tests.reliability.enemy.channels import Scripted, ssh_host
from tests.reliability.enemy.parsers import END, HELD, LISTING, LOOK, OTHER, PROBLEMS, RUN, is_status
from tests.reliability.enemy.trial import Attempt, Kind

OUTPUT = b"12" * 1000
"""What the run left."""
PROMISED = values.text_of(
    {
        **END,
        "outputs": {"Muncie.p04.hdf": {"size": len(OUTPUT), "digest": hashlib.sha256(OUTPUT).hexdigest()}},
    }
)
INPUT = b"terrain" * 1000
_DIGEST = hashlib.sha256(INPUT).hexdigest()


class Clock:
    """Each look at it is a second later: what comes in drips takes its time, and no test waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _sent(how: str) -> bytes:
    body = gzip.compress(OUTPUT) if how == "gzip" else OUTPUT
    return f"file {len(OUTPUT)} 0 {how} {len(PROMISED)}\n".encode() + PROMISED + body


GOOD: dict[str, bytes] = {
    "look": LOOK,
    "list": HELD,
    "files": LISTING,
    "problems": PROBLEMS,
    "part_of": b"a line of its log\n" * 100,
    "send": _sent("plain"),
    "send packed": _sent("gzip"),
    "found": b"/opt/hecras/6.6/RasUnsteady\n",
    "ask": b"/opt/x\t/opt/x\n",
    "held": f"{len(INPUT)} 1 {_DIGEST}\n".encode(),
    "receive": b"from 0\narrived\n",
    "busy": b"busy 100\n",
    "assemble": b"",
    "gone": f"gone {_DIGEST}\n".encode(),
    "": b"",
}


def _fetch(host: SshHost, here: Path) -> str:
    into = here / "part"
    try:
        fetched = host.get(RUN, "Muncie.p04.hdf", into)
    except FileNotFoundError as error:
        assert error.filename == "Muncie.p04.hdf"
        return "no such output"
    except OSError as error:
        assert error.filename == str(into), error
        return "no room"
    finally:
        assert not into.exists() or into.stat().st_size <= 64 << 20
    data = into.read_bytes()
    assert (fetched.size, fetched.digest) == (len(data), hashlib.sha256(data).hexdigest())
    return "as it was promised" if data == OUTPUT else "seen to be another by its digest"


def _look(host: SshHost, _: Path) -> str:
    found = host.look([RUN, OTHER])
    return " and ".join(is_status(run_files.status_of(found[run])) for run in (RUN, OTHER))


def _read(host: SshHost, _: Path) -> str:
    assert len(host.read(RUN, "log.txt", 0, 1000)) <= 1000
    return "read"


def _runs(host: SshHost, _: Path) -> str:
    return "some" if host.runs() else "none"


def _trim(host: SshHost, _: Path) -> str:
    trimmed = host.trim_cache(unused_for=timedelta(0), at_most=0, how="remove")
    assert trimmed.size >= 0
    return "trimmed"


def _found(host: SshHost, _: Path) -> str:
    asked = ("/opt/hecras/6.6/RasUnsteady", "/nowhere")
    assert set(host.find(asked)) <= set(asked)
    return "looked"


def _told(host: SshHost, _: Path) -> str:
    """What is answered by nothing but an end."""
    host.launch(RUN)
    host.mark(RUN, "cancel")
    host.remove(RUN)
    return "told"


def _stage(host: SshHost, here: Path) -> str:
    source = here / "terrain.tif"
    source.write_bytes(INPUT)
    staged = Staged(source=source, name="terrain.tif", digest=_DIGEST, size=len(INPUT), writable="read only")
    host._arrivals = upload.Upload(SshConduit(host._dialogue))
    host.stage([staged])
    host.prepare(RUN, [staged], {"job.json": b"{}"})
    return "staged"


ASKED: tuple[tuple[Callable[[SshHost, Path], str], tuple[str, ...]], ...] = (
    (_look, ("look",)),
    (_look, ("look",)),
    (_fetch, ("send",)),
    (_fetch, ("send packed",)),
    (_read, ("part_of",)),
    (_runs, ("list",)),
    (_trim, ("list", "")),
    (_found, ("found",)),
    (_stage, ("held", "receive", "held", "assemble")),
    (lambda host, _: f"{len(host.files(RUN)) and 'some'} files", ("files",)),
    (lambda host, _: "fit" if not host.problems() else "problems", ("problems",)),
    (lambda host, _: host.ask("echo", [])[:0] or "asked", ("ask",)),
    (_told, ("", "", "")),
)


def _channel(chance: Random, good: bytes) -> Scripted:
    """One of the ways in which a host answers."""
    if chance.random() < 0.1:
        good = chance.choice(list(GOOD.values()))
    answer = b"" if chance.random() < 0.05 else f"{MARK}\n".encode()
    answer = values.changed(chance, answer + values.changed(chance, good))
    then = b""
    if chance.random() < 0.15:
        then = chance.choice([b"x" * (1 << 18), b"x", b"\n", b"run r\n", LISTING, HELD, LOOK, b"\0" * 4096])
    step = 1 << 18 if len(answer) > 1 << 20 else chance.choice([1 << 18, 1 << 18, 1000, 1])
    errors = values.changed(chance, b"sh: 1: cannot create x: Permission denied\n" * 3)
    return Scripted(
        answer,
        then=then,
        step=step,
        status=chance.choice([0, 0, 0, 0, 0, 1, 65, 127, 137, 255, -1]),
        errors=errors,
    )


@contextmanager
def _answers(folder: Path) -> Iterator[Attempt]:
    retry.PATIENCE_SECONDS = 0.0
    for name in ("here", "outside"):
        (folder / name).mkdir()

    def attempt(chance: Random) -> str:
        clock: Any = Clock()
        vars(connection)["time"] = SimpleNamespace(monotonic=clock.monotonic)
        vars(upload)["time"] = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
        ask, questions = chance.choice(ASKED)
        waiting = iter(questions)
        # One of the answers is changed, so that those after the first have their turn.
        wrong = chance.randrange(len(questions))
        asked = iter(range(1 << 60))

        def channel_of(_: str) -> Scripted:
            good = GOOD[next(waiting, questions[-1])]
            number = next(asked)
            assert number < 1000, "it asks without an end"
            if number < wrong:
                return Scripted(f"{MARK}\n".encode() + good)
            return _channel(chance, good)

        host = ssh_host(channel_of, "/runs", PosixCommands("/runs"))
        here = folder / "here"
        try:
            return f"{ask.__name__.strip('_<>')}: {ask(host, here)}"
        finally:
            assert {path.name for path in folder.iterdir()} == {"here", "outside"}
            assert {path.name for path in here.iterdir()} <= {"part", "terrain.tif"}
            for path in here.iterdir():
                path.unlink()

    yield attempt


SSH: dict[str, Kind] = {"ssh-answers": Kind("what an SSH host answers, verb by verb", _answers, 600)}
