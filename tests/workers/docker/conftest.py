"""Daemons that a test may do harm to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from dockerd import Dockerd, why_not
from services import absent


@pytest.fixture
def own_dockerd() -> Iterator[Callable[..., Dockerd]]:
    """Makes a daemon that can be stopped, with the options given; its images are there."""
    made: list[Dockerd] = []

    def make(*more: str) -> Dockerd:
        if (missing := why_not()) is not None:
            absent(missing)
        made.append(Dockerd(*more))
        made[-1].start()
        made[-1].add_images()
        return made[-1]

    yield make
    for one in made:
        one.remove()
