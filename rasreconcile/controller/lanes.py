"""Lanes: threads that talk to one worker, and the queue by which they hand back what they learned."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from rasreconcile.clock import Clock
from rasreconcile.errors import RasReconcileError

T = TypeVar("T")

Answer = Callable[[], None]
"""What the main thread does with what a lane learned."""

Expected = (RasReconcileError, OSError)
"""What may go wrong in the world. Anything else is a bug, and ends the program in the main thread."""


class Answers:
    """The one queue on which the main thread waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: SimpleQueue[Answer] = SimpleQueue()
        self._expected = 0

    def put(self, answer: Answer) -> None:
        """From any thread: the main thread wakes up for it."""
        self._queue.put(answer)

    def expect(self) -> None:
        """The main thread: a lane was given work, and will put its answer here."""
        self._expected += 1

    def put_expected(self, answer: Answer) -> None:
        """A lane: the answer to work that it was given."""

        def given() -> None:
            self._expected -= 1
            answer()

        self._queue.put(given)

    def take(self, timeout: float) -> bool:
        """Deals with everything that has come in, waiting up to `timeout` seconds for the first. True: some came."""
        first = self._clock.first(self._queue, timeout, "busy" if self._expected else "idle")
        if first is None:
            return False
        first()
        while True:
            try:
                self._queue.get_nowait()()
            except Empty:
                return True


class Lane:
    """Work for one worker, done in order by `threads` threads that end with the program."""

    def __init__(self, name: str, threads: int, answers: Answers) -> None:
        """Raises RasReconcileError where the system has no thread left."""
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._answers = answers
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}-{n}", daemon=True) for n in range(threads)
        ]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError as error:
            raise RasReconcileError(
                "no thread can be started here any more", "raise `ulimit -u` and `ulimit -v`"
            ) from error

    def do(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        """Does `work` in the lane, then `then` or `failed` in the main thread."""

        def step() -> None:
            try:
                result = work()
            except Expected as error:
                self._answers.put_expected(_bind(failed, error))
            except BaseException as error:  # noqa: BLE001  a bug: told where it cannot be overlooked
                self._answers.put_expected(_raise(error))
            else:
                self._answers.put_expected(_bind(then, result))

        self._answers.expect()
        self._work.put(step)

    def close(self) -> None:
        """No more work; threads end when what they do is done."""
        for _ in self._threads:
            self._work.put(None)

    def _serve(self) -> None:
        while (step := self._work.get()) is not None:
            step()


def _bind(call: Callable[[T], None], value: T) -> Answer:
    return lambda: call(value)


def _raise(error: BaseException) -> Answer:
    def again() -> None:
        raise error

    return again
