"""The table of worker kinds. A new kind is a folder with a `kind.py`, and a line here."""

from __future__ import annotations

from rasreconcile.workers.aws_batch.kind import AWS_BATCH
from rasreconcile.workers.docker.kind import DOCKER
from rasreconcile.workers.kind import Kinds
from rasreconcile.workers.local.kind import LOCAL
from rasreconcile.workers.psexec.kind import PSEXEC
from rasreconcile.workers.slurm.kind import SLURM
from rasreconcile.workers.ssh.kind import SSH

KINDS: Kinds = {kind.name: kind for kind in (LOCAL, PSEXEC, SSH, DOCKER, SLURM, AWS_BATCH)}
