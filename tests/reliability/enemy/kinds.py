"""Everything that a run, a container or a host leaves or says, by kind. A new kind's parser is one line of `parsers.py`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.reliability.enemy.docker_answers import DOCKER
from tests.reliability.enemy.hdfs import HDFS
from tests.reliability.enemy.parsers import PARSERS
from tests.reliability.enemy.spoilt import DIRECTORIES
from tests.reliability.enemy.ssh_answers import SSH
from tests.reliability.enemy.trial import Kind

KINDS: Mapping[str, Kind] = {**PARSERS, **DIRECTORIES, **SSH, **DOCKER, **HDFS}
