"""Signals that ask an apply to stop: Ctrl-C stops dispatching, a later Ctrl-C cancels, SIGTERM and SIGHUP leave."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import FrameType
from typing import Protocol

from rasreconcile.cli.closed_console import console_closing

LINGER = 5.0
"""Seconds in which a second Ctrl-C still reaches this process, and cancels."""
BURST = 0.75
"""Seconds: a Ctrl-C that follows another so soon is part of it. A key that is held down repeats; wrappers pass on."""

SAID = {
    1: (
        "stopping: no new runs are started, running runs continue "
        f"(press Ctrl-C again within {LINGER:.0f} s to cancel them)"
    ),
    2: "cancelling the running runs (press Ctrl-C again to leave at once; `apply` then collects them)",
}
TERMINATED = "stopping: no new runs are started, running runs continue; `apply` collects them"


class Stoppable(Protocol):
    """An apply, as far as signals go."""

    def interrupt(self, linger: float = 0.0) -> int: ...
    def leave(self) -> bool: ...


@dataclass(slots=True)
class Interrupts:
    """What came so far. Handlers run in the main thread, between any two of its steps: they only note and queue."""

    apply: Stoppable
    monotonic: Callable[[], float]
    lines: SimpleQueue[str | None] = field(default_factory=SimpleQueue)
    leaving: bool = False
    """Somebody ends the program: it is on its way out, whatever comes after."""
    _last: float = float("-inf")

    def interrupted(self) -> None:
        """Ctrl-C. What comes in one burst counts once, however long the burst is."""
        now, before = self.monotonic(), self._last
        self._last = now
        if now - before < BURST:
            return
        self.lines.put(SAID.get(self.apply.interrupt(LINGER), "leaving"))

    def terminated(self) -> None:
        """SIGTERM, or the end of the terminal: the runs are left alone, however often it comes."""
        self.leaving = True
        if self.apply.leave():
            self.lines.put(TERMINATED)

    def tell(self, show: Callable[[str], None]) -> None:
        """Shows each line as it comes, in a thread of its own: the main thread may be reading large files."""
        while (line := self.lines.get()) is not None:
            try:
                show(line)
            except OSError:
                # The terminal is gone, and with it everyone who could read it.
                return


@contextmanager
def stopping(apply: Stoppable, show: Callable[[str], None], monotonic: Callable[[], float]) -> Iterator[None]:
    """Signals are in hand within; every line is shown when it is left."""
    interrupts = Interrupts(apply, monotonic)
    telling = threading.Thread(target=interrupts.tell, args=(show,), name="interrupts", daemon=True)
    telling.start()

    def interrupted(signum: int, frame: FrameType | None) -> None:
        interrupts.interrupted()

    def terminated(signum: int, frame: FrameType | None) -> None:
        interrupts.terminated()

    # Asked now: of a terminal that is gone nobody can tell later that it was one.
    terminals = [fd for fd in (1, 2) if os.isatty(fd)]

    def hung_up(signum: int, frame: FrameType | None) -> None:
        # A signal sent by hand leaves the terminal as it is; of one that was closed every write would fail.
        for fd in terminals:
            if not os.isatty(fd):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, fd)
                os.close(nowhere)
        interrupts.terminated()

    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupted),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminated),
    }
    if sys.platform == "win32":
        # Ctrl-Break, and what another process sends where there is no SIGTERM.
        previous[signal.SIGBREAK] = signal.signal(signal.SIGBREAK, terminated)
    elif signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        # The terminal was closed; under nohup it was said beforehand that this must not matter.
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, hung_up)
    try:
        with console_closing(interrupts.terminated):
            yield
    finally:
        for number, before in previous.items():
            # Who ends a program tells it twice, or closes its terminal as well: its last words are not cut short.
            if not (interrupts.leaving and number != signal.SIGINT):
                signal.signal(number, before)
        interrupts.lines.put(None)
        telling.join(1.0)
