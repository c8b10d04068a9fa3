"""What would stop a run in a container of this image on this daemon, and the remedy."""

from __future__ import annotations

from rasreconcile.errors import Trouble
from rasreconcile.workers.docker.helper import Helper
from rasreconcile.workers.docker.run_storage import INSIDE
from rasreconcile.workers.docker.scripts import script
from rasreconcile.workers.inspect import number_of

NEEDED = ("setsid", "sha256sum", "grep", "ln", "cut", "wc", "date", "stat", "tail", "head", "df")
"""Programs the image must have for the runner and the helper; `sh` shows by itself."""
_LEAST_FREE = 100 << 10
_CLOCK_SECONDS = 60.0


def problems_of(helper: Helper, now: float) -> list[Trouble]:
    """One question to a container; `now` in seconds since the epoch."""
    lines = helper.do(script("probe.sh"), INSIDE, *NEEDED).splitlines()
    words: dict[str, list[str]] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        words.setdefault(key, []).append(value)
    image = helper.kind.image
    found = [
        Trouble(
            f"{name} is not in {image}",
            f"build the image with `{name}`: coreutils and util-linux, or busybox",
        )
        for name in words.get("lacks", ())
    ]
    free = number_of("free", words)
    if free is not None and free < _LEAST_FREE:
        found.append(
            Trouble(f"only {int(free) >> 10} MB are free where run directories lie", "free some space there")
        )
    clock = number_of("clock", words)
    skew = clock - now if clock is not None else 0.0
    if abs(skew) > _CLOCK_SECONDS:
        found.append(
            Trouble(f"its clock is {skew:+.0f} s from this machine's", "synchronise both clocks by NTP")
        )
    return found
