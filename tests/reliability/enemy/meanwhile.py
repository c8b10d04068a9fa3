"""What changes in a run directory while it is looked at."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests.reliability.enemy.directories import OUTPUT, Outside, World


@contextmanager
def at_work(chance: Random, world: World, place: Path) -> Iterator[str]:
    """Sometimes something changes all the while; what."""
    todo = chance.choice([None] * 6 + list(WORKS))
    if todo is None or not place.is_dir() or place.is_symlink():
        yield "nothing"
        return
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with suppress(OSError, Outside):
                WORKS[todo](world, place)
            over.wait(0.0002)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield todo
    finally:
        over.set()
        thread.join()


@contextmanager
def _own(world: World, path: Path) -> Iterator[int]:
    """A file of the run's own, open to be written: what is a link, of either kind, is left alone."""
    world.require_own(path)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise Outside(str(path))
        yield file
    finally:
        os.close(file)


def _grow(name: str) -> Callable[[World, Path], None]:
    def grow(world: World, place: Path) -> None:
        with _own(world, place / name) as file:
            if os.fstat(file).st_size < 20 << 20:
                os.write(file, b"more\n" * 200_000)

    return grow


def _swap(name: str) -> Callable[[World, Path], None]:
    """A good file, and a link out of the run directory, in turn."""

    def swap(world: World, place: Path) -> None:
        path, aside = place / name, place / ".aside"
        world.require_own(path)
        if path.is_symlink():
            aside.write_bytes(b"12")
        else:
            aside.unlink(missing_ok=True)
            aside.symlink_to(world.secret)
        aside.rename(path)

    return swap


def _swap_work(world: World, place: Path) -> None:
    if (place / "work").is_symlink():
        (place / "work").unlink()
        (place / ".kept").rename(place / "work")
    else:
        (place / "work").rename(place / ".kept")
        (place / "work").symlink_to(world.outside / "folder")


def _rotate(world: World, place: Path) -> None:
    world.require_own(place / "log.txt")
    (place / "log.txt").rename(place / "log.1")
    (place / "log.txt").write_bytes(b"again\n")


def _shrink(world: World, place: Path) -> None:
    with _own(world, place / "work" / OUTPUT) as file:
        os.truncate(file, 0)
        os.write(file, b"1" * 5_000_000)


WORKS: dict[str, Callable[[World, Path], None]] = {
    "an output that grows": _grow(f"work/{OUTPUT}"),
    "a log that grows": _grow("log.txt"),
    "a log that is rotated": _rotate,
    "an output that shrinks and grows": _shrink,
    "an output that is a link at times": _swap(f"work/{OUTPUT}"),
    "a done.json that is a link at times": _swap("done.json"),
    "a work folder that is a link at times": _swap_work,
}
