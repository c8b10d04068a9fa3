"""What a Docker daemon answers: a small server on a socket in its place, whose answers are changed, endless or in drips."""

from __future__ import annotations

import hashlib
import io
import json
import re
import socket
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from rasreconcile.jobs import Staged
from rasreconcile.workers import retry, run_files
from rasreconcile.workers.docker import daemon, helper, transport
from rasreconcile.workers.docker.choose_storage import DockerSettings
from rasreconcile.workers.docker.container import Image, Mounted
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.helper import Helper, HelperKind
from rasreconcile.workers.docker.host import DockerHost, Limits
from rasreconcile.workers.docker.transport import DaemonAddress
from rasreconcile.workers.docker.volume import VolumeStorage
from tests.reliability.enemy import values
from tests.reliability.enemy.parsers import HELD, JOB, LISTING, LOOK, OTHER, RUN, is_said, is_status
from tests.reliability.enemy.ssh_answers import INPUT, OUTPUT, PROMISED
from tests.reliability.enemy.trial import Attempt, Kind

IMAGE = "sha256:" + "ab" * 32
STATE = {
    "Status": "exited",
    "ExitCode": 137,
    "OOMKilled": True,
    "FinishedAt": "2026-11-27T12:00:00.123456789Z",
}
GOOD: tuple[tuple[str, int, Any], ...] = (
    (r"GET .*/version", 200, {"ApiVersion": "1.41", "Version": "20.10.24"}),
    (
        r"GET .*/info",
        200,
        {"ServerVersion": "20.10.24", "OSType": "linux", "MemoryLimit": True, "Architecture": "x86_64"},
    ),
    (r"GET .*/images/.*/json", 200, {"Id": IMAGE, "Architecture": "amd64"}),
    (
        r"GET .*/containers/json",
        200,
        [
            {
                "Names": [f"/{RUN}"],
                "State": "running",
                "Labels": {"rasreconcile.run": RUN},
                "Created": 1700000000,
            }
        ],
    ),
    (
        r"GET .*/containers/[^/]*/json",
        200,
        {"State": STATE, "Config": {"Tty": False, "Labels": {"rasreconcile.run": RUN}}},
    ),
    (r"POST .*/containers/create", 201, {"Id": "c" * 64, "Warnings": []}),
    (r"POST .*/containers/[^/]*/exec", 201, {"Id": "e" * 64}),
    (r"GET .*/exec/.*/json", 200, {"ExitCode": 0, "Running": False}),
    (r"POST .*/volumes/create", 201, {"Name": "v", "Mountpoint": "/var/lib/docker/volumes/v/_data"}),
    (r"PUT .*/archive", 200, ""),
    (r"(POST|DELETE) ", 204, ""),
)
SAYS: tuple[tuple[str, bytes], ...] = (
    ("inspect", LOOK),
    ("claim_seconds", LOOK),
    ("%f %s %Y %n", LISTING),
    ("upkeep", HELD),
    ("tail -c", PROMISED),
    ("lacks", b"clock 1700000000\nfree 12345678\nuser 1000:1000\ntoken x\nlinks\n"),
    ("missing", f"missing {hashlib.sha256(INPUT).hexdigest()}\n".encode()),
    ('echo "$n"', b"0\n"),
)


def frame(data: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


def archive(chance: Random | None) -> bytes:
    """The output as a tar; by chance something else in its place."""
    name = "Muncie.p04.hdf"
    made = io.BytesIO()
    form = chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]) if chance else tarfile.PAX_FORMAT
    with tarfile.open(fileobj=made, mode="w", format=form) as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(OUTPUT)
        if chance is not None:
            _spoil(chance, entry)
        with suppress(ValueError):
            tar.addfile(entry, io.BytesIO(OUTPUT) if entry.isreg() else None)
    return made.getvalue()


def _spoil(chance: Random, entry: tarfile.TarInfo) -> None:
    if chance.random() < 0.3:
        entry.name = chance.choice(["../x", "/etc/x", "x" * 4000, entry.name.upper(), "a/../x"])
    if chance.random() < 0.2:
        kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
        entry.type = chance.choice([*kinds, tarfile.GNUTYPE_SPARSE, b"Z"])
        entry.linkname = "/nowhere/x"
    if chance.random() < 0.2:
        keys = ["size", "path", "mtime", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.name"]
        said = values.number(chance).encode("ascii", "replace").decode() or "x"
        entry.pax_headers = {chance.choice(keys): said}


class Enemy:
    """A daemon on a socket. Only one thing that it says is wrong, so that what comes after it has its turn."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(8)
        self.chance, self.wrong, self.asked = Random(), 0, 0
        self._script = ""
        threading.Thread(target=self._serve, daemon=True).start()

    def begin(self, chance: Random) -> None:
        self.chance, self.wrong, self.asked = (
            Random(chance.random()),
            chance.choice([0, 1, 2, 3, 4, 5, 6, 8]),
            0,
        )

    def _serve(self) -> None:
        while True:
            with suppress(OSError, ValueError), self._socket.accept()[0] as line:
                line.settimeout(20)
                self._talk(line)

    def _talk(self, line: socket.socket) -> None:
        with line.makefile("rb") as read:
            first = read.readline(1 << 16).decode("latin-1").strip()
            heads = dict(
                head.decode("latin-1").lower().strip().split(": ", 1)
                for head in iter(read.readline, b"\r\n")
                if b": " in head
            )
            body = _body(read, heads)
        if "/exec" in first and b"Cmd" in body:
            self._script = json.loads(body)["Cmd"][2]
        answer, is_wrong = self._answer(first), self.asked == self.wrong
        self.asked += 1
        if not is_wrong:
            line.sendall(answer)
            return
        line.sendall(values.changed(self.chance, answer) if self.chance.random() < 0.4 else answer)
        if self.chance.random() < 0.1:
            # More than was promised, or a little at a time.
            part, pause = self.chance.choice(
                [(b"x" * (1 << 20), 0.0), (b"x", 0.02), (b" ", 0.02), (b"1\r\nx\r\n", 0.02)]
            )
            over = threading.Event()
            for _ in range(400):
                line.sendall(part)
                over.wait(pause)

    def _answer(self, first: str) -> bytes:
        is_wrong = self.asked == self.wrong

        def change(data: bytes) -> bytes:
            return values.changed(self.chance, data) if is_wrong and self.chance.random() < 0.4 else data

        if re.match(r"POST .*/exec/.*/start", first):
            said = next((good for mark, good in SAYS if mark in self._script), b"")
            head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
            return head + change(frame(change(said)) + (frame(b"sh: banana", 2) if is_wrong else b""))
        if re.match(r"GET .*/archive", first):
            data = archive(self.chance if is_wrong else None)
            return _http(200, change(data), "application/x-tar")
        if re.match(r"GET .*/logs", first):
            return _http(200, change(frame(b"sh: not found\n", 2)), "application/octet-stream")
        status, good = next(
            ((status, good) for pattern, status, good in GOOD if re.match(pattern, first)),
            (404, {"message": "page not found"}),
        )
        if is_wrong and self.chance.random() < 0.3:
            status = self.chance.choice([200, 204, 301, 400, 404, 409, 500, 503, 101, 100, 999])
            good = self.chance.choice(
                [good, {"message": values.name(self.chance)}, {}, [], "no space left on device", None]
            )
        data = (
            values.text_of(values.document(self.chance, good))
            if is_wrong and self.chance.random() < 0.7
            else values.text_of(good)
        )
        return _http(status, b"" if good == "" else change(data), "application/json")


def _body(read: Any, heads: dict[str, str]) -> bytes:
    if heads.get("transfer-encoding") == "chunked":
        parts = []
        while size := int(read.readline(100) or b"0", 16):
            parts.append(read.read(size))
            read.readline(100)
        read.readline(100)
        return b"".join(parts)
    return bytes(read.read(int(heads.get("content-length", "0"))))


def _http(status: int, body: bytes, kind: str) -> bytes:
    where = "Location: http://127.0.0.1:1/\r\n" if status == 301 else ""
    return (
        f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: {kind}\r\n{where}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


# ---- what is asked


def _get(host: DockerHost, here: Path) -> str:
    into = here / "part"
    try:
        fetched = host.get(RUN, "Muncie.p04.hdf", into)
    except OSError as error:
        assert error.filename in {"Muncie.p04.hdf", str(into)}, error
        return "no such output, or no room"
    finally:
        assert not into.exists() or into.stat().st_size <= 64 << 20
    data = into.read_bytes()
    assert (fetched.size, fetched.digest) == (len(data), hashlib.sha256(data).hexdigest())
    return "as it was promised" if data == OUTPUT else "seen to be another by its digest"


def _look(host: DockerHost, _: Path) -> str:
    found = host.look([RUN, OTHER])
    return " and ".join(is_status(run_files.status_of(found[run])) for run in (RUN, OTHER))


def _prepare(host: DockerHost, here: Path) -> str:
    source = here / "terrain.tif"
    source.write_bytes(INPUT)
    digest = hashlib.sha256(INPUT).hexdigest()
    staged = Staged(source=source, name="terrain.tif", digest=digest, size=len(INPUT), writable="read only")
    host.stage([staged])
    host.prepare(RUN, [staged], {"job.json": JOB})
    host.launch(RUN)
    return "launched"


def _removed(host: DockerHost, _: Path) -> str:
    host.mark(RUN, "cancel")
    host.sweep(RUN)
    host.remove(RUN)
    return "removed"


def _kept(host: DockerHost, _: Path) -> str:
    host.runs()
    host.trim_cache(unused_for=timedelta(0), at_most=0, how="remove")
    return f"{len(host.files(RUN)) and 'some'} files"


def _fit(host: DockerHost, _: Path) -> str:
    problems = host.problems()
    for problem in problems:
        is_said(problem.what)
        assert problem.remedy
    return "problems" if problems else "fit"


def _read(host: DockerHost, _: Path) -> str:
    assert len(host.read(RUN, "log.txt", 0, 1000)) <= 1000
    assert set(host.find(["/opt/x", "/opt/y"])) <= {"/opt/x", "/opt/y"}
    return "read"


ASKED: tuple[Callable[[DockerHost, Path], str], ...] = (
    _look,
    _look,
    _get,
    _get,
    _prepare,
    _removed,
    _kept,
    _fit,
    _read,
)


@contextmanager
def _answers(folder: Path) -> Iterator[Attempt]:
    retry.PATIENCE_SECONDS = 0.0
    # Nobody waits for minutes in a trial.
    vars(transport).update(TIMEOUT=2, _LONGEST=1.0)
    vars(daemon).update(TIMEOUT=2)
    vars(helper)["_DEATH"] = 0.2
    here = folder / "here"
    here.mkdir()
    enemy = Enemy(folder / "sock")
    address = DaemonAddress(host=f"unix://{folder / 'sock'}")
    settings = DockerSettings(worker="w", image="hecras:6.6", found=Image(IMAGE), folder=folder / "runs")

    def attempt(chance: Random) -> str:
        enemy.begin(chance)
        asked = Daemon(address)
        kind = HelperKind(
            worker="w",
            image="hecras:6.6",
            found=Image(IMAGE),
            user="1000:1000",
            mount=Mounted("volume", "v", "/r"),
        )
        host = DockerHost(asked, settings, Limits(), {})
        host._found = VolumeStorage("/var/lib/docker/volumes/v/_data", Helper(asked, kind))
        ask = chance.choice(ASKED)
        try:
            return f"{ask.__name__.strip('_')}: {ask(host, here)}"
        finally:
            enemy.wrong = -1
            host.close()
            assert {path.name for path in folder.iterdir()} == {"here", "sock"}
            assert {path.name for path in here.iterdir()} <= {"part", "terrain.tif"}
            for path in here.iterdir():
                path.unlink()

    yield attempt


DOCKER: dict[str, Kind] = {
    "docker-answers": Kind("what a Docker daemon answers, and what a helper prints there", _answers, 100)
}
