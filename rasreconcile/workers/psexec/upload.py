"""What a host behind a share is sent: files for its cache, and runs for its inbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from rasreconcile.jobs import Staged
from rasreconcile.workers.input_cache import changed, reading
from rasreconcile.workers.psexec.agent import DESK, Agent
from rasreconcile.workers.psexec.share import Share
from rasreconcile.workers.rundir import CACHE
from rasreconcile.workers.tar_stream import tar_stream

_SLOWEST_DISK = 20_000_000
"""Bytes a second, at least, that a host can hash."""
_UNSURE = 8 << 20
"""Bytes at the end of a part that a cut may have left with holes."""


class ShareConduit:
    """Implements `Conduit`."""

    room_beside_a_run: Final = 0

    def __init__(self, share: Share, agent: Agent) -> None:
        self._share = share
        self._agent = agent

    def held(self, digests: Collection[str]) -> Collection[str]:
        return self._agent.ask("held", *digests).decode(errors="replace").splitlines()

    def parcel(self, files: Mapping[str, bytes], verb: str, *words: str) -> list[str]:
        if verb == "assemble":
            # Taken up when the host is there: it may sleep meanwhile.
            self._share.write(f"{DESK}/inbox/{words[0]}", tar_stream(files))
        else:
            self._agent.ask(verb, *words, body=tar_stream(files))
        return []

    def offer(self, staged: Staged) -> str:
        """Two who send the same write the same bytes to the same places; the agent proves the whole."""
        part = f"{CACHE}/{staged.digest[:2]}/.{staged.digest}.part"
        there = self._share.entry(part)
        offset = max(0, there.size - _UNSURE) if there and there.size <= staged.size else 0
        if there and there.size > staged.size:
            self._share.remove(part)
        whole = hashlib.sha256()
        self._share.append(part, offset, _poured(staged, offset, whole.update))
        if whole.hexdigest() != staged.digest:
            self._share.remove(part)
            raise changed(staged)
        patience = 60.0 + staged.size / _SLOWEST_DISK
        said = self._agent.ask("keep", staged.digest, str(staged.size), patience=patience)
        return said.decode(errors="replace").strip()


def _poured(staged: Staged, offset: int, hashed: Callable[[bytes], None]) -> Iterator[bytes]:
    """The file from `offset` on; every byte of it is hashed."""
    at = 0
    with reading(staged) as read:
        while chunk := read():
            hashed(chunk)
            new = chunk[max(0, offset - at) :]
            at += len(chunk)
            if new:
                yield new
