"""Questions to the image: each is a job, whose answer is kept, because a machine for it may take minutes to come."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from datetime import timedelta

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.aws_batch.bucket import Bucket
from rasreconcile.workers.aws_batch.images import image_of
from rasreconcile.workers.aws_batch.queue import JobQueue, Submission
from rasreconcile.workers.aws_batch.submission import Surroundings, program, program_digest
from rasreconcile.workers.host import ASK_SECONDS
from rasreconcile.workers.paths_there import LOOK, those_there

_KEPT_SECONDS = 86400.0
_LIMIT = timedelta(minutes=15)


class Questions:
    """Of one job definition."""

    def __init__(self, bucket: Bucket, queue: JobQueue, around: Surroundings, memory: int | None) -> None:
        self._bucket = bucket
        self._queue = queue
        self._around = around
        self._memory = memory

    def find(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those that are in the image, in this order."""
        if not paths:
            return ()
        return those_there(paths, self.ask(LOOK, paths))

    def ask(self, script: str, words: Sequence[str]) -> str:
        """What the script prints there. Raises Unreachable while the queue has no machine for it."""
        definition = self._queue.described()
        if definition is None:
            raise Refused(
                f"there is no active job definition {self._queue.definition}",
                "register it, or correct `job_definition`",
            )
        asked = json.dumps({"script": script, "words": list(words)}).encode()
        which = f"{definition.get('jobDefinitionArn')} {image_of(definition)} {program_digest()} "
        digest = hashlib.sha256(which.encode() + asked).hexdigest()
        if (answer := self._answer(digest)) is not None:
            return answer
        job = self._job(digest, asked)
        until = time.monotonic() + ASK_SECONDS
        while True:
            state = self._queue.seen([job])[job]
            if (answer := self._answer(digest)) is not None:
                return answer
            if not state.goes_on:
                raise Refused(
                    f"no container of {image_of(definition)} answers: {state.why or state.state.lower()}",
                    "the image needs `python3` with boto3, and a job role that may read and write the bucket",
                )
            if time.monotonic() > until:
                waiting = f"the queue {self._queue.queue} has no machine yet for a first look at the image"
                raise Unreachable(f"{waiting} (job {job}: {state.state})", "it is asked again")
            time.sleep(self._around.look_seconds)

    def _job(self, digest: str, asked: bytes) -> str:
        """The job that answers it: one that waits or runs, or a new one."""
        name = f"rasreconcile-question-{digest[:24]}"
        there = self._queue.seen(self._queue.named(name))
        if going := [job for job, state in there.items() if state.goes_on]:
            return going[0]
        question = self._bucket.keys.question(digest)
        self._bucket.put(self._bucket.keys.program(program_digest()), program())
        self._bucket.put(question, asked)
        key = question.removeprefix(self._bucket.keys.prefix)
        command = self._around.command(self._bucket.account.region, question=key)
        wanted = Submission(name=name, command=command, cores=1, memory=self._memory, limit=_LIMIT)
        return self._queue.submit(wanted)

    def _answer(self, digest: str) -> str | None:
        """None: there is none, or it is of another day. Raises Refused where the script could not run."""
        kept = self._bucket.read(self._bucket.keys.question(digest, ".answer"), 0, 16 << 20)
        if kept is None:
            return None
        said = json.loads(kept)
        if time.time() - said["time"] > _KEPT_SECONDS:
            return None
        if said["code"] != 0:
            # Not to be said again when the image is correct.
            self._bucket.remove([self._bucket.keys.question(digest, ".answer")])
            raise Refused(
                f"a script ended with {said['code']} in the image: {said['err']}", "correct the image"
            )
        return base64.b64decode(said["out"]).decode(errors="replace")
