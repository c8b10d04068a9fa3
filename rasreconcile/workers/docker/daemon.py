"""A Docker daemon: the few calls a worker needs, in our words. Any number of threads; each has a client of its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import docker
import requests
import urllib3
from docker.errors import (
    APIError,
    DockerException,
    ImageNotFound,
    NotFound,
)
from docker.types import LogConfig, Mount
from paramiko import SSHException

from rasreconcile.errors import RasReconcileError, Refused, Unreachable
from rasreconcile.workers import controls
from rasreconcile.workers.docker import answers
from rasreconcile.workers.docker.answers import About
from rasreconcile.workers.docker.container import SCRATCH, Container, ContainerSeen, End, Image, Ran
from rasreconcile.workers.docker.error_messages import NO_FOLDER, reason_of, silence_of
from rasreconcile.workers.docker.transport import TIMEOUT, DaemonAddress, connect, forget_idle
from rasreconcile.workers.long_answers import LongAnswer
from rasreconcile.workers.printed import quoted

_PIDS = 4096
_LARGEST_ANSWER = 64 << 20
"""Bytes that a program in a container may say."""


def _memory_of(user: str) -> str:
    """Options of a tmpfs whose owner is this user, `UID:GID`: of use where the daemon gives it the image's rights."""
    uid, _, gid = user.partition(":")
    return f"rw,exec,nosuid,nodev,mode=1777,uid={uid},gid={gid}"


_ODD = (LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""What comes of an answer that is no JSON of Docker's."""


class NoFolder(Refused):
    """The daemon's machine has no folder of this path."""


class Gone(Unreachable):
    """There is no such container, or it does not run: perhaps the daemon was restarted."""


class Daemon:
    """Raises Unreachable where there is no answer, Refused where the answer is no."""

    def __init__(self, address: DaemonAddress) -> None:
        self.address = address
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._clients: list[docker.APIClient] = []

    def about(self) -> About:
        with self._asked() as client:
            return answers.about_in(client.info())

    def image(self, name: str) -> Image | None:
        """None where the daemon has no such image."""
        with self._asked() as client:
            try:
                found = client.inspect_image(name)  # type: ignore[no-untyped-call]  # so in its stubs
            except ImageNotFound:
                return None
            return answers.image_in(found)

    def containers(self, label: str) -> dict[str, ContainerSeen]:
        """All containers with the label, by name, in one round trip."""
        with self._asked() as client:
            listed = answers.entries(client.containers(all=True, filters={"label": label}))
            seen = map(answers.container_in, listed)
            return {name: container for names, container in seen for name in names}

    def container(self, name: str) -> ContainerSeen | None:
        """One container; None where there is none of this name."""
        with self._asked() as client:
            try:
                found = client.inspect_container(name)
            except NotFound:
                return None
            said = answers.labels(answers.part(found, "Config", "Labels"))
            return ContainerSeen(answers.text(found, "State", "Status"), said)

    def end_of(self, name: str) -> End | None:
        """How the container ended, or goes on; None where there is none of this name."""
        with self._asked() as client:
            try:
                return answers.end_in(client.inspect_container(name))
            except NotFound:
                return None

    def last_words(self, name: str) -> str:
        """The end of what the container printed. Raises Gone."""
        with self._asked(container=True) as client:
            said = client.logs(name, tail=20)
        return bytes(said)[-2000:].decode(errors="replace").strip()

    def create(self, wanted: Container) -> Literal["made", "there"]:
        """Makes a container; one that has the name is left as it is."""
        with self._asked() as client:
            limits: dict[str, Any] = {}
            if wanted.cpus is not None:
                limits["nano_cpus"] = round(wanted.cpus * 1e9)
            if wanted.memory is not None:
                # No swap beside it: a run that swaps takes its machine with it.
                limits.update(mem_limit=wanted.memory, memswap_limit=wanted.memory)
            if wanted.shares is not None:
                limits["cpu_shares"] = wanted.shares
            host = client.create_host_config(
                mounts=[Mount(wanted.mount.target, wanted.mount.source, type=wanted.mount.kind)],
                network_mode="none",
                read_only=True,
                tmpfs={SCRATCH: _memory_of(wanted.user), "/tmp": _memory_of(wanted.user)},  # noqa: S108  its own
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                pids_limit=_PIDS,
                # A helper goes without: then a missing shell is an error of its start.
                init=wanted.ends == "stays until removed",
                auto_remove=wanted.ends == "goes when it ends",
                log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": "1m"}),
                **limits,
            )
            try:
                client.create_container(
                    wanted.image,
                    name=wanted.name,
                    entrypoint=list(wanted.command),
                    command=[],
                    user=wanted.user,
                    working_dir=wanted.mount.target,
                    labels=dict(wanted.labels),
                    environment={"HOME": SCRATCH, "TMPDIR": SCRATCH, **wanted.env},
                    network_disabled=True,
                    healthcheck={"test": ["NONE"]},
                    host_config=host,
                )
            except APIError as error:
                if error.status_code == 409:
                    return "there"
                raise
        return "made"

    def start(self, name: str) -> None:
        """Starting one that runs does nothing. Raises Gone."""
        with self._asked(container=True) as client:
            client.start(name)

    def kill(self, name: str) -> None:
        """Ends all its processes; one that is over, or not there, is left as it is."""
        with self._asked() as client:
            try:
                client.kill(name)
            except APIError as error:
                if error.status_code not in {404, 409}:
                    raise

    def remove(self, name: str) -> None:
        """With all that is its own, also while it runs; one that is not there is no error."""
        with self._asked() as client:
            try:
                client.remove_container(name, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                # Two that remove the same.
                if error.status_code != 409 or "already in progress" not in str(error.explanation):
                    raise

    def volume(self, name: str, labels: Mapping[str, str]) -> str:
        """Makes the volume where it is not there; the folder behind it, as the daemon calls it."""
        with self._asked() as client:
            return answers.text(client.create_volume(name, labels=dict(labels)), "Mountpoint")

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], *, seconds: float) -> Ran:
        """Runs a program in a running container; it may be silent for `seconds`. Raises Gone."""
        with self._asked(container=True) as client:
            said = client.exec_create(name, list(command), environment=dict(env), workdir="/")
            made = controls.word(answers.part(said, "Id"), "exec", "[A-Za-z0-9]{1,128}")
            # Without the upgrade an answer through ssh comes empty; the SDK reads past what came with the headers.
            url = f"{client.base_url}/v{client.api_version}/exec/{made}/start"
            asked: dict[str, Any] = {
                "json": {"Detach": False, "Tty": False},
                "headers": {"Connection": "Upgrade", "Upgrade": "tcp"},
            }
            with client.post(url, **asked, stream=True, timeout=seconds) as answer:
                answers.checked(answer)
                stream: Any = answer.raw
                out, err = answers.frames(self._heard(name, stream._fp.fp, seconds))
            forget_idle(client)
            code = answers.part(client.exec_inspect(made), "ExitCode")
            if code is None:
                raise Unreachable(f"{self.address}: {command[0]} in {name} did not end", "it will be retried")
            return Ran(controls.whole(code, "exit code", -(1 << 31), (1 << 32) - 1), out, err)

    def _heard(self, name: str, stream: Any, seconds: float) -> bytes:
        try:
            # Nothing to read where the answer was without an upgrade.
            said = bytes(stream.read(_LARGEST_ANSWER + 1)) if stream is not None else b""
        except TimeoutError as error:
            # A daemon may lose the end of what a program said, and then of all that are run in this container.
            late = f"{self.address}: there was no answer from {name} for {seconds:.0f} s"
            raise Gone(late, "it is made again") from error
        if len(said) > _LARGEST_ANSWER:
            raise LongAnswer(f"{self.address}: the answer of {name} does not end", "it is asked again")
        return said

    def put(self, name: str, folder: str, archive: Iterable[bytes]) -> None:
        """Unpacks an archive in a folder of a container. What the archive raises goes through. Raises Gone."""
        with self._asked(container=True) as client:
            client.put_archive(name, folder, iter(archive))

    def get(self, name: str, path: str) -> Iterator[bytes]:
        """A file of a container as an archive, in pieces. Raises Gone."""
        with self._asked(container=True) as client:
            url = f"{client.base_url}/v{client.api_version}/containers/{name}/archive"
            with client.get(url, params={"path": path}, stream=True, timeout=TIMEOUT) as answer:
                answers.checked(answer)
                yield from answer.iter_content(1 << 20)

    def close(self) -> None:
        """Gives back the connections of every thread."""
        with self._lock:
            clients, self._clients = self._clients, []
            self._mine = threading.local()
        for client in clients:
            client.close()

    def _client(self) -> docker.APIClient:
        client: docker.APIClient | None = getattr(self._mine, "client", None)
        if client is None:
            with self._lock:
                # Once: `docker context use` in the middle must not send half of the threads elsewhere.
                self.address = self.address.resolved()
            client = connect(self.address)
            self._mine.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _hang_up(self) -> None:
        client: docker.APIClient | None = getattr(self._mine, "client", None)
        if client is None:
            return
        self._mine.client = None
        with self._lock:
            if client in self._clients:
                self._clients.remove(client)
        client.close()

    @contextmanager
    def _asked(self, *, container: bool = False) -> Iterator[docker.APIClient]:
        """What goes wrong in a call, in our words; after silence the next call dials again."""
        try:
            yield self._client()
        except RasReconcileError:
            # Of what was sent: the connection is in the middle of a sentence.
            self._hang_up()
            raise
        except _ODD as error:
            # The SDK looks into answers without asking what they are.
            self._hang_up()
            said = quoted(str(error).encode("utf-8", "replace")) or type(error).__name__
            raise Unreachable(
                f"{self.address}: it answers as no Docker daemon does: {said}",
                "check what listens at that address",
            ) from error
        except APIError as error:
            said = quoted(str(error.explanation or error).encode("utf-8", "replace"))
            if container and (isinstance(error, NotFound) or "is not running" in said):
                raise Gone(f"{self.address}: {said}", "it will be retried") from error
            if why := reason_of(said):
                refused = NoFolder if re.search(NO_FOLDER, said, re.IGNORECASE) else Refused
                raise refused(f"{self.address}: {why.what}", why.remedy) from error
            if error.is_server_error():
                raise Unreachable(f"{self.address}: {said}", "it will be retried") from error
            raise Refused(f"{self.address}: {said}", "look at the daemon's log") from error
        except (
            DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            SSHException,
            EOFError,
            ConnectionError,
            TimeoutError,
        ) as error:
            self._hang_up()
            said = quoted(str(error).encode("utf-8", "replace"))
            if why := reason_of(said, str(self.address)):
                raise Refused(f"{self.address}: {why.what}", why.remedy) from error
            silence = quoted(silence_of(error).encode("utf-8", "replace"))
            raise Unreachable(
                f"{self.address}: {silence}", "check that the daemon is running and reachable"
            ) from error
