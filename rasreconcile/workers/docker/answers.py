"""What a Docker daemon answers, as our words: itself, its moments, and the two streams of a program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import requests
from docker.errors import create_api_error_from_http_exception


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
    """Output and errors, out of the frames in which Docker sends both: kind, three zeros, length, bytes."""
    found: tuple[list[bytes], list[bytes]] = ([], [])
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        found[data[at] == 2].append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(found[0]), b"".join(found[1])


def moment(text: str) -> datetime | None:
    """Docker's time, to the microsecond; None where it has not come yet."""
    if text.startswith("0001"):
        return None
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
