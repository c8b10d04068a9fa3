"""A Docker daemon of one's own, started by hand and stopped by pid, and images made without a registry."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import docker
import pytest
from services import Service, absent
from waiting import LONGEST

IMAGE = "rasbox:1"
NO_SHELL = "noshell:1"
INSTALLED = "/installed"


def why_not() -> str | None:
    """What is missing here for running a daemon."""
    for program, package in (
        ("dockerd", "docker.io"),
        ("iptables", "iptables"),
        ("busybox", "busybox-static"),
    ):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            return f"{package} is not installed"
    return None if os.geteuid() == 0 else "a Docker daemon of one's own needs root"


class Dockerd:
    """One daemon with all its own: images, containers, socket. It touches no network."""

    def __init__(self, *more: str, hidden: Path | None = None) -> None:
        """`hidden`: a folder of this machine that the daemon sees empty, as one in a machine of its own would."""
        # A socket's name must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="rasdk-", dir="/tmp"))
        self.socket = self.folder / "sock"
        self.tcp = f"tcp://127.0.0.1:{_free_port()}"
        self.more = more
        self.hidden = hidden
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Until it answers."""
        command: list[str | Path] = [
            "dockerd",
            "--data-root",
            self.folder / "data",
            "--exec-root",
            self.folder / "exec",
        ]
        command += [
            "--pidfile",
            self.folder / "pid",
            "-H",
            self.host,
            "-H",
            self.tcp,
            "--bridge=none",
            "--iptables=false",
        ]
        command += ["--ip6tables=false", *self.more]
        if self.hidden is not None:
            apart = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "-m", "sh", "-c", apart, self.hidden, *command]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + LONGEST
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                pytest.fail("dockerd did not start:\n" + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(LONGEST)
            self._process = None

    def remove(self) -> None:
        """With everything it ever had."""
        if self._process is None:
            self.start()
        try:
            with self.client() as client:
                for container in client.containers(all=True):
                    take_away(client, container["Id"])
        finally:
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def client(self) -> docker.APIClient:
        return docker.APIClient(self.host, version="auto", timeout=int(LONGEST))

    def names(self) -> list[str]:
        """Of all containers that are there."""
        with self.client() as client:
            return [name.lstrip("/") for entry in client.containers(all=True) for name in entry["Names"]]

    def add_images(self) -> None:
        """One with busybox and two installs in it, one with nothing but a file."""
        self.add_image(IMAGE, busybox_image())
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            _add(tar, "readme", b"no shell here")
        self.add_image(NO_SHELL, data.getvalue())

    def add_image(self, name: str, data: bytes) -> None:
        repository, _, tag = name.partition(":")
        with self.client() as client:
            client.import_image_from_data(data, repository=repository, tag=tag)

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            with self.client() as client:
                return bool(client.ping())
        except docker.errors.DockerException:
            return False


def take_away(client: docker.APIClient, container: str) -> None:
    """Somebody else may be removing it at this moment, or have done so."""
    try:
        client.remove_container(container, force=True, v=True)
    except docker.errors.APIError as error:
        if error.status_code not in {404, 409}:
            raise


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def busybox_image() -> bytes:
    """busybox under all its names."""
    program = shutil.which("busybox")
    assert program
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        _add(tar, "bin/busybox", Path(program).read_bytes(), 0o755)
        for name in set(names) - {"busybox"}:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for version in ("6.5", "6.6"):
            _add(tar, f"installed/hecras {version}/RasUnsteady", b"")
    return data.getvalue()


_STEADY = ("numpy", "numpy.libs", "h5py", "h5py.libs", "pydantic", "pydantic_core", "annotated_types")
_BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
_SERVICES = re.compile(r".*/botocore/data/(?!s3/)[^/]+/.*")


def python_image(names: Sequence[str] = (*_STEADY, "typing_extensions.py", "typing_inspection")) -> bytes:
    """busybox, and this machine's own Python with what the `steady` engine needs, this package among it."""
    import numpy

    import rasreconcile

    python, library = Path(sys.executable).resolve(), Path(os.__file__).parent
    packages = Path(numpy.__file__).parents[1]
    programs = [python, *(so for so in library.glob("lib-dynload/*.so") if "tkinter" not in so.name)]
    programs += [so for name in names for so in (packages / name).rglob("*.so")]
    data = io.BytesIO(busybox_image())
    with tarfile.open(fileobj=data, mode="a") as tar:
        tar.add(python, str(python), recursive=False)
        link = tarfile.TarInfo("bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, str(python)
        tar.addfile(link)
        tar.add(library, str(library), filter=_needed)
        # Beside the standard library they are found without a word in the environment.
        tar.add(Path(rasreconcile.__file__).parent, f"{library}/rasreconcile", filter=_needed)
        for name in names:
            if (packages / name).exists():
                tar.add(packages / name, f"{library}/{name}", filter=_needed)
        for needed in _shared_libraries(programs):
            if not needed.is_relative_to(library):
                tar.add(needed.resolve(), str(needed))
    return data.getvalue()


def boto3_image() -> bytes:
    """busybox, this machine's own Python, and boto3 for S3: what a container of AWS Batch needs beside an engine."""
    return python_image(_BOTO3)


def _shared_libraries(programs: list[Path]) -> set[Path]:
    """All that the loader finds for them here."""
    printed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    words = {word for line in printed.splitlines() if "(0x" in line for word in line.split()}
    # A path with `..` in it names a file that another names without.
    return {Path(os.path.normpath(word)) for word in words if word.startswith("/")}


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """What no run needs: together two thirds of it."""
    skipped = {"__pycache__", "tests", "test", "idlelib", "ensurepip", "dist-packages", "site-packages"}
    skipped |= {"lib2to3", "tkinter", "turtledemo", "pydoc_data"}
    parts = Path(entry.name).parts
    # Of boto3 each service takes some megabytes; S3 is all that a run needs.
    if _SERVICES.fullmatch(entry.name):
        return None
    return None if skipped & set(parts) or any(part.startswith("config-3") for part in parts) else entry


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    """One for all tests that do not do it harm."""
    if (missing := why_not()) is not None:
        absent(Service.DOCKER, missing)
    one = Dockerd()
    try:
        one.start()
        one.add_images()
        yield one
    finally:
        one.remove()
