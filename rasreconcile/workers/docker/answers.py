"""What a Docker daemon answers, as our words: itself, its moments, and the two streams of a program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from docker.errors import create_api_error_from_http_exception

from rasreconcile.workers import controls
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.docker.container import ContainerSeen, End, Image

_LONGEST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class About:
    """What a daemon says of itself."""

    version: str
    system: str
    limits_memory: bool
    limits_cpus: bool
    architecture: str = ""
    """Of its machine, as the kernel spells it: `x86_64`, `aarch64`."""


def checked(answer: requests.Response) -> None:
    """Raises docker's own error where the answer is one."""
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        create_api_error_from_http_exception(error)


def frames(data: bytes) -> tuple[bytes, bytes]:
    """Output and errors, out of the frames in which Docker sends both: kind, three zeros, length, bytes.

    Raises Unfit where the last one was cut: what is short would be taken for all there is.
    """
    found = (bytearray(), bytearray())
    at = 0
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if at + 8 > len(data) or end > len(data) or data[at] not in {0, 1, 2}:
            raise Unfit("what a program said was cut short")
        found[data[at] == 2].extend(memoryview(data)[at + 8 : end])
        at = end
    return bytes(found[0]), bytes(found[1])


def moment(text: str) -> datetime | None:
    """Docker's time, to the microsecond; None where it has not come yet. Raises Unfit."""
    if text.startswith("0001"):
        return None
    whole, _, fraction = text[:64].rstrip("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
    except ValueError as error:
        raise Unfit(f"says the time {controls.shown(text)}") from error


# ---- one part of an answer; a daemon, or what sits in its place, may answer anything


def part(found: Any, *names: str) -> Any:
    """What stands under these names; None where there is nothing. Raises Unfit where it is no object."""
    for name in names:
        if not isinstance(found, dict):
            raise Unfit(f"says {controls.shown(found)} where an object with `{name}` belongs")
        found = found.get(name)
    return found


def text(found: Any, *names: str) -> str:
    """The text there. Raises Unfit, also where it is longer than any that Docker uses."""
    said = part(found, *names)
    if not isinstance(said, str) or len(said) > _LONGEST_TEXT or not said.isprintable():
        raise Unfit(f"says {names[-1]} {controls.shown(said)}")
    return said


def entries(found: Any) -> list[Any]:
    """The list that it is. Raises Unfit."""
    if not isinstance(found, list):
        raise Unfit(f"says {controls.shown(found)} where a list belongs")
    return found


def labels(found: Any) -> dict[str, str]:
    """The labels that it is. Raises Unfit."""
    said = found or {}
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise Unfit(f"says labels {controls.shown(found)}")
    return said


def container_in(entry: Any) -> tuple[list[str], ContainerSeen]:
    """A container of the daemon's list, and its names. Raises Unfit."""
    made = controls.moment(part(entry, "Created"), "created").timestamp()
    names = [name.lstrip("/") for name in entries(part(entry, "Names") or []) if isinstance(name, str)]
    return names, ContainerSeen(text(entry, "State"), labels(part(entry, "Labels")), made)


def end_in(found: Any) -> End:
    """How an inspected container ended. Raises Unfit."""
    code = controls.whole(part(found, "State", "ExitCode"), "exit code", -(1 << 31), (1 << 32) - 1)
    at = moment(text(found, "State", "FinishedAt"))
    return End(text(found, "State", "Status"), code, part(found, "State", "OOMKilled") is True, at)


def about_in(found: Any) -> About:
    """What the daemon says of itself. Raises Unfit."""
    return About(
        version=text(found, "ServerVersion"),
        system=text(found, "OSType") if part(found, "OSType") else "linux",
        limits_memory=bool(part(found, "MemoryLimit")),
        limits_cpus=bool(found.get("CpuCfsQuota", True)),
        architecture=text(found, "Architecture") if part(found, "Architecture") else "",
    )


def image_in(found: Any) -> Image:
    """An image of the daemon's. Raises Unfit."""
    return Image(
        controls.word(part(found, "Id"), "image", "[a-z0-9:]{1,200}"),
        text(found, "Architecture") if part(found, "Architecture") else "",
    )
