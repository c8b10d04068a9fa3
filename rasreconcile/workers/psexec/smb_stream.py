"""Bytes of an open file of a share, with some requests always on their way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

CHUNK = 1 << 20
_AHEAD = 4
"""Requests that are on their way at once: the link is never idle while one is answered."""


def received(fd: Any, offset: int, end: int) -> Iterator[bytes]:
    """The bytes from `offset` to `end`; some requests are always ahead."""
    most = min(CHUNK, fd.connection.max_read_size)
    waiting: deque[tuple[Any, Any, int, int]] = deque()
    at = offset
    while at < end or waiting:
        while at < end and len(waiting) < _AHEAD:
            size = min(most, end - at)
            message, receive = fd.read(at, size, send=False)
            waiting.append((_sent(fd, message, size), receive, at, size))
            at += size
        request, receive, begun, size = waiting.popleft()
        data = receive(request)
        yield data
        if len(data) < size:
            # It became shorter, or the host gives less at once: the rest is asked for again, in order.
            for request, receive, *_ in waiting:
                with suppress(Exception):
                    receive(request)
            waiting.clear()
            at = begun + len(data)
            if not data:
                return


def send(fd: Any, offset: int, parts: Iterable[bytes]) -> None:
    most = min(CHUNK, fd.connection.max_write_size)
    waiting: deque[tuple[Any, Any]] = deque()
    for part in parts:
        for start in range(0, len(part), most):
            piece = part[start : start + most]
            while len(waiting) >= _AHEAD:
                request, receive = waiting.popleft()
                receive(request)
            message, receive = fd.write(piece, offset, send=False)
            waiting.append((_sent(fd, message, len(piece)), receive))
            offset += len(piece)
    for request, receive in waiting:
        receive(request)


def _sent(fd: Any, message: Any, size: int) -> Any:
    """Asks for as many credits as the next requests need."""
    tree = fd.tree_connect
    credits_wanted = (max(0, size - 1) >> 16) + 1
    return fd.connection.send(
        message,
        sid=tree.session.session_id,
        tid=tree.tree_connect_id,
        credit_request=credits_wanted * 2,
    )
