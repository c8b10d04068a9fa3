"""Daemons that a test may do harm to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dockerd import Dockerd, why_not
from services import Service, absent


@pytest.fixture
def own_dockerd() -> Iterator[Callable[..., Dockerd]]:
    """Makes a daemon that can be stopped, as is asked for; its images are there."""
    made: list[Dockerd] = []

    def make(*more: str, hidden: Path | None = None) -> Dockerd:
        if (missing := why_not()) is not None:
            absent(Service.DOCKER, missing)
        made.append(Dockerd(*more, hidden=hidden))
        made[-1].start()
        made[-1].add_images()
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(params=["bound", "volume"])
def docker(request: pytest.FixtureRequest):
    """Both ways of staging."""
    return request.getfixturevalue(request.param)
