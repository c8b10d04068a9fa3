"""Everything that a run, a container or a host leaves or says, by kind. A new kind's parser is one line of `parsers.py`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tests.reliability.enemy.docker_answers import DOCKER
from tests.reliability.enemy.hdfs import HDFS
from tests.reliability.enemy.parsers import PARSERS
from tests.reliability.enemy.spoilt import DIRECTORIES
from tests.reliability.enemy.ssh_answers import SSH
from tests.reliability.enemy.trial import Kind

KINDS: Mapping[str, Kind] = {**PARSERS, **DIRECTORIES, **SSH, **DOCKER, **HDFS}


def refused(kind: str) -> str | None:
    """Why this kind is not tried by this user: a trial that fails to refuse a link harms what its user may write to."""
    if kind in DIRECTORIES and hasattr(os, "geteuid") and os.geteuid() == 0:
        return "spoilt run directories are tried by ordinary users only"
    return None
