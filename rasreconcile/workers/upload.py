"""What travels into a host's cache, each file once, and from there into run directories; by whatever way."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Literal, Protocol

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import RunId, Staged
from rasreconcile.workers.input_cache import changed, reading
from rasreconcile.workers.tar_stream import for_cache

SMALL = 1 << 20
"""Files up to this size travel together; larger ones alone, so that they can go on where the connection was lost."""
PARCEL = 16 << 20
"""Bytes of small files that travel together."""
_TRIES = 3
_LONGEST_STANDSTILL = 300.0
"""Seconds in which another controller must have sent something more."""
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)
_KIND = {"own copy": "own", "read only": "shared"}
_UNTOUCHED = "1"
"""The time every cached file was last changed at: a job that wrote to one through a link gave it another."""


Offer = Literal["arrived", "wrong", "busy", "cut"]
"""What came of a large file: wrong, the digest there is another; busy, somebody else sends it, and a blank and how many
bytes have come may follow."""


class Conduit(Protocol):
    """The way to one host. Each call blocks, may be repeated, and raises Unreachable and Refused."""

    @property
    def room_beside_a_run(self) -> int:
        """Fewer bytes of inputs than this go along with a run; 0: it begins some time after it was sent, and another
        run that needs the same may begin before it."""

    def held(self, digests: Collection[str]) -> Collection[str]:
        """Lines `SIZE CHANGED DIGEST` of those that its cache has."""

    def parcel(self, files: Mapping[str, bytes], verb: str, *words: str) -> list[str]:
        """Sends small files for the verb `stock` or `assemble`; digests that the cache no longer had."""

    def offer(self, staged: Staged) -> Offer | str:
        """Sends a large file, from where an earlier try was cut. Raises InputChanged."""


class Upload:
    """May be used by several threads: two that want the same file send it once."""

    def __init__(self, conduit: Conduit) -> None:
        self._conduit = conduit
        self._known: set[str] = set()
        """Digests that were in the host's cache when this process last heard of them."""
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def bring(self, inputs: Collection[Staged]) -> None:
        """Whatever of the inputs the cache lacks. Raises InputChanged."""
        self._stock(self._bring_large(inputs))

    def deliver(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        """The inputs into the cache, and the run directory out of it. One that is there is left as it is."""
        links = "".join(f"{_KIND[s.writable]} {s.size} {s.digest} {s.name}\n" for s in inputs).encode()
        for _ in range(_TRIES):
            small = self._bring_large(inputs)
            # What is left fits into one tar_stream, and goes with what the run needs besides.
            last = small if sum(s.size for s in small) < self._conduit.room_beside_a_run else []
            self._stock([s for s in small if s not in last])
            with self._those_still_missing(last) as missing:
                files = for_cache(_read(missing)) | dict(controls) | {"links": links}
                gone = self._conduit.parcel(files, "assemble", run, secrets.token_hex(4))
                self._learn(missing)
            if not gone:
                return
            self.forget(gone)
        raise Unreachable(f"the cache was emptied while {run} was staged", "it will be retried")

    def _bring_large(self, inputs: Collection[Staged]) -> list[Staged]:
        """Sends the large files that are missing, and gives back the small ones."""
        missing = self._missing(inputs)
        for staged in missing:
            if staged.size > SMALL:
                self._send_large(staged)
        return [staged for staged in missing if staged.size <= SMALL]

    def _stock(self, small: Iterable[Staged]) -> None:
        for batch in _batches(small):
            with self._those_still_missing(batch) as missing:
                if missing:
                    self._conduit.parcel(for_cache(_read(missing)), "stock", secrets.token_hex(6))
                    self._learn(missing)

    def _send_large(self, staged: Staged) -> None:
        wrong, progress = 0, Progress()
        with self._those_still_missing([staged]) as missing:
            while missing and self._missing(missing):
                said, _, number = self._conduit.offer(staged).partition(" ")
                match said:
                    case "arrived":
                        self._learn(missing)
                    case "wrong" if wrong == 0:
                        # What an earlier transfer had left there was damaged.
                        wrong += 1
                    case "wrong":
                        raise Unreachable(f"{staged.source} arrived damaged", "it is sent again")
                    case "busy":
                        # Another controller sends it; one that died is overtaken there after some seconds.
                        if not progress.goes_on(number):
                            raise Unreachable(
                                f"another controller sends {staged.source} and gets nowhere",
                                "it is tried again",
                            )
                        time.sleep(0.5)
                    case _:
                        raise Unreachable(
                            f"the connection was lost while {staged.source} was sent",
                            "the upload continues from there",
                        )

    def _missing(self, inputs: Iterable[Staged]) -> list[Staged]:
        """In one round trip, and none where all are known to be there. Each digest once."""
        with self._lock:
            unknown = {s.digest: s for s in inputs if s.digest not in self._known}
        if not unknown:
            return []
        intact = {tuple(line.split(" ")) for line in self._conduit.held(tuple(unknown))}
        there = [s for s in unknown.values() if (str(s.size), _UNTOUCHED, s.digest) in intact]
        self._learn(there)
        return [s for s in unknown.values() if s not in there]

    def _learn(self, arrived: Iterable[Staged]) -> None:
        with self._lock:
            self._known.update(s.digest for s in arrived)

    def forget(self, gone: Iterable[str]) -> None:
        """These are no longer in the host's cache."""
        with self._lock:
            self._known.difference_update(gone)

    @contextmanager
    def _those_still_missing(self, wanted: Collection[Staged]) -> Iterator[list[Staged]]:
        """Those that no other thread has sent meanwhile; nobody else sends them before the block is left."""
        with ExitStack() as held:
            # In one order for all, so that no two threads wait for each other.
            for digest in sorted({s.digest for s in wanted}):
                with self._lock:
                    lock = self._locks.setdefault(digest, threading.Lock())
                held.enter_context(lock)
            with self._lock:
                missing = [s for s in wanted if s.digest not in self._known]
            yield missing


class Progress:
    """Whether what another controller sends goes on."""

    def __init__(self) -> None:
        self._most = -1
        self._until = 0.0

    def goes_on(self, number: str) -> bool:
        """`number`: the bytes that have come, in the host's words. False: no more came for some minutes."""
        came = int(number) if _NUMBER.fullmatch(number) else -1
        if came > self._most or not self._until:
            self._most, self._until = came, time.monotonic() + _LONGEST_STANDSTILL
        return time.monotonic() < self._until


def _batches(small: Iterable[Staged]) -> Iterator[list[Staged]]:
    batch: list[Staged] = []
    size = 0
    for staged in small:
        if batch and size + staged.size > PARCEL:
            yield batch
            batch, size = [], 0
        batch.append(staged)
        size += staged.size
    if batch:
        yield batch


def _read(small: Iterable[Staged]) -> dict[str, bytes]:
    """Each file's bytes by digest. Raises InputChanged."""
    found = {}
    for staged in small:
        with reading(staged) as read:
            data = b"".join(iter(read, b""))
        if hashlib.sha256(data).hexdigest() != staged.digest:
            raise changed(staged)
        found[staged.digest] = data
    return found
