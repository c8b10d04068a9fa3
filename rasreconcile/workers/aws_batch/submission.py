"""What a container is told to do: its command line, which fetches the program by its digest and runs it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from rasreconcile.workers.aws_batch.keys import Keys

_FETCH = """\
import boto3, botocore.config, hashlib, json, sys
words = json.loads(sys.argv[1])
config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 8})
s3 = boto3.client("s3", region_name=words["region"], endpoint_url=words["endpoint"], config=config)
text = s3.get_object(Bucket=words["bucket"], Key=words["prefix"] + words["program"])["Body"].read()
digest = hashlib.sha256(text).hexdigest()
if words["program"] != "program/" + digest + ".py":
    sys.exit("the program in the bucket is not " + words["program"])
exec(compile(text, "rasreconcile in the container", "exec"), {"__name__": "__main__", "words": words, "s3": s3})
"""
_HALVES = ("container_objects.py", "in_container.py")
_IMPORTS = re.compile(r"^from (?:__future__|rasreconcile)\b[^(\n]*(?:\([^)]*\))?\n", re.MULTILINE)
LOG_SECONDS = 60.0
"""At most so often a piece of the log is sent."""
LOOK_SECONDS = 1.0
"""So often the program in the container looks whether the log has grown."""


@cache
def program() -> bytes:
    """The program that the container runs, as it is sent to the bucket."""
    here = files("rasreconcile.workers.aws_batch")
    first, second = (here.joinpath(name).read_text(encoding="utf-8") for name in _HALVES)
    # In the container they are one text: what the second half imports of the first is there already.
    return f"{first}\n{_IMPORTS.sub('', second)}".encode()


def program_digest() -> str:
    """By which it is fetched there."""
    return hashlib.sha256(program()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every container of a worker is told."""

    keys: Keys
    folder: str
    endpoint: str | None = None
    sealed: Mapping[str, str] = field(default_factory=dict)
    log_seconds: float = LOG_SECONDS
    look_seconds: float = LOOK_SECONDS

    def command(self, region: str, **more: Any) -> Sequence[str]:
        """`more`: what this one is to do."""
        words = {
            "bucket": self.keys.bucket,
            "prefix": self.keys.prefix,
            "program": f"program/{program_digest()}.py",
            "region": region,
            "endpoint": self.endpoint,
            "sealed": dict(self.sealed),
            "folder": self.folder,
            "seconds": self.log_seconds,
            "look": self.look_seconds,
            **more,
        }
        return ("python3", "-c", _FETCH, json.dumps(words))
