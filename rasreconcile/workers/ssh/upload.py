"""What an SSH host is sent: through the standard input of its commands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Final

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import Staged
from rasreconcile.workers.input_cache import changed, reading
from rasreconcile.workers.openssh.connection import RemoteCommand
from rasreconcile.workers.tar_stream import tar_stream
from rasreconcile.workers.upload import PARCEL

Dialogue = Callable[..., AbstractContextManager[RemoteCommand]]

_SLOWEST_DISK = 20_000_000
"""Bytes a second, at least, that a host can hash and flush."""
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)


class SshConduit:
    """Implements `Conduit`."""

    room_beside_a_run: Final = PARCEL

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def held(self, digests: Collection[str]) -> Collection[str]:
        with self._dialogue("held", *digests) as talk:
            return talk.rest().decode(errors="replace").splitlines()

    def parcel(self, files: Mapping[str, bytes], verb: str, *words: str) -> list[str]:
        with self._dialogue(verb, *words) as talk:
            for part in tar_stream(files):
                talk.send(part)
            talk.end_sending()
            answer = talk.rest().decode(errors="replace")
        return [line.removeprefix("gone ") for line in answer.splitlines() if line.startswith("gone ")]

    def offer(self, staged: Staged) -> str:
        with self._dialogue("receive", staged.digest, str(staged.size)) as talk:
            said = talk.line() or "cut"
            word, _, number = said.partition(" ")
            if word != "from":
                return said
            if not _NUMBER.fullmatch(number) or int(number) > staged.size:
                raise Unreachable(
                    f"the host wants {staged.source} from `{number[:100]}` on", "it is asked again"
                )
            digest = _pour(staged, int(number), talk)
            talk.end_sending()
            talk.wait(60.0 + staged.size / _SLOWEST_DISK)
            said = talk.line() or "cut"
        if digest != staged.digest:
            raise changed(staged)
        return said


def _pour(staged: Staged, offset: int, talk: RemoteCommand) -> str:
    """Sends the file from `offset` on. The digest of the whole, from the same read."""
    whole, at = hashlib.sha256(), 0
    with reading(staged) as read:
        while chunk := read():
            whole.update(chunk)
            new = chunk[max(0, offset - at) :]
            at += len(chunk)
            if new:
                talk.send(new)
    return whole.hexdigest()
