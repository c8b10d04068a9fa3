"""What a container is to be made of, and what a daemon says of one. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

SCRATCH = "/rasreconcile-scratch"
"""Memory of a container's own, where no image has a folder: where one has a /tmp, some daemons keep its rights."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the daemon's."""

    digest: str
    architecture: str = ""
    """As Docker spells it: `amd64`, `arm64`; empty where the image does not say."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """What a container sees below its mount point: a folder as the daemon calls it, or a volume by its name."""

    kind: Literal["bind", "volume"]
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container to be made. All are without network and rights, and write nothing but mount, SCRATCH and /tmp."""

    name: str
    image: str
    command: Sequence[str]
    user: str
    mount: Mounted
    labels: Mapping[str, str]
    cpus: float | None = None
    memory: str | None = None
    shares: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ends: Literal["stays until removed", "goes when it ends", "is asked why it ended"] = "stays until removed"


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """A container in the daemon's list."""

    state: str
    labels: Mapping[str, str] = field(default_factory=dict)
    made: float = 0.0
    """Seconds since the epoch, by the daemon's clock; 0 where it was not told."""

    @property
    def goes_on(self) -> bool:
        return self.state in {"running", "paused", "restarting", "removing"}


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended."""

    state: str
    exit_code: int
    out_of_memory: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program in a container did."""

    exit_code: int
    out: bytes
    err: bytes
