"""Run directories that their job has spoilt: real files, links, pipes and devices, some of them changing all the while."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rasreconcile.workers.inspect import boot_id
from tests.reliability.enemy import values
from tests.reliability.enemy.parsers import CLAIM, END, JOB, MESSAGES

SECRET = b"root:x:0:0: what no run may bring here or change"
CONTROLS = (
    "started",
    "done.json",
    "heartbeat",
    "growth",
    "log.txt",
    "unwritten",
    "unclaimed",
    "boot",
    "cancel",
    "outputs",
    "job.json",
    "settings.sh",
    "steps.sh",
    "runner.sh",
    "runner.err",
)
OUTPUT = "Muncie.p04.hdf"
LARGEST = 1 << 43
"""Bytes of a sparse file; most file systems keep no larger one."""


class Outside(Exception):
    """A name leads out of the run directories of a trial: what lies there is nobody's to change."""


@dataclass
class World:
    """A worker's folder with what lies around it that no run may touch."""

    base: Path
    hard: set[str] = field(default_factory=set)
    """Names below `work/` that are links to the secret which nobody can tell from a file of the run's own."""

    def __post_init__(self) -> None:
        self.base = self.base.resolve()
        self.runs, self.outside, self.here = (self.base / name for name in ("runs", "outside", "here"))
        for folder in (self.runs, self.outside, self.here):
            folder.mkdir()
        self.secret = self.outside / "secret"
        self.secret.write_bytes(SECRET)
        (self.outside / "folder").mkdir()
        (self.outside / "folder" / OUTPUT).write_bytes(SECRET)

    def require_own(self, path: Path) -> None:
        """Raises Outside for a path that is not below the run directories, by its words or by a link on its way."""
        try:
            inside = Path(os.path.abspath(path)) == path and path.parent.resolve() == path.parent  # noqa: PTH100
        except (OSError, RuntimeError, ValueError) as error:
            # A circular link on its way, or no path at all.
            raise Outside(str(path)) from error
        if not (inside and path.is_relative_to(self.runs) and path != self.runs):
            raise Outside(str(path))

    def untouched(self) -> None:
        """That nothing beside the worker's folder was changed."""
        found = {path.relative_to(self.outside).as_posix() for path in self.outside.rglob("*")}
        assert found == {"secret", "folder", f"folder/{OUTPUT}"}, found
        for file in (self.secret, self.outside / "folder" / OUTPUT):
            assert file.read_bytes() == SECRET, f"{file} was written to"
        assert {path.name for path in self.base.iterdir()} == {"runs", "outside", "here"}

    def clear_here(self) -> None:
        shutil.rmtree(self.here)
        self.here.mkdir()
        self.hard.clear()


def spoil(chance: Random, world: World, place: Path) -> None:
    """Makes a run directory, and spoils some of it."""
    if chance.random() < 0.03:
        _stand_in(chance, world, place)
        return
    place.mkdir()
    _good(chance, place)
    for name in chance.sample(CONTROLS, chance.choice([0, 1, 1, 2, 3, 5])):
        _remove(world, place / name)
        _stand_in(chance, world, place / name)
        world.hard.update([name] if _is_secret(world, place / name) else [])
    if chance.random() < 0.1:
        _remove(world, place / "work")
        _stand_in(chance, world, place / "work")
    elif chance.random() < 0.6:
        for name in _names(chance):
            with suppress(OSError, ValueError, Outside):
                _stand_in(chance, world, place / "work" / name)
                world.hard.update([name] if world.secret.samefile(place / "work" / name) else [])
    if chance.random() < 0.05:
        for folder in (place / "work", place):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(chance.choice([0, 0o100, 0o400, 0o500]))


def _good(chance: Random, place: Path) -> None:
    (place / "work").mkdir()
    (place / "work" / OUTPUT).write_bytes(b"12")
    claim = chance.choice([CLAIM, CLAIM, _own_claim(), _claim_of(1), ""])
    texts = {
        "started": values.changed(chance, claim.encode()) if chance.random() < 0.5 else claim.encode(),
        "job.json": JOB,
        "outputs": f"{OUTPUT}\n".encode(),
        "boot": (boot_id() or "").encode(),
        "heartbeat": b"",
        "log.txt": values.changed(chance, MESSAGES),
        "runner.err": values.changed(chance, b"sh: 1: cannot create started.7: No space left on device\n"),
    }
    if chance.random() < 0.6:
        changed = (
            values.text_of(values.document(chance, END)) if chance.random() < 0.6 else values.text_of(END)
        )
        texts["done.json"] = changed + values.rarely_huge(chance)
    if chance.random() < 0.3:
        del texts["started"]
        texts["launched"] = b""
    for name, data in texts.items():
        (place / name).write_bytes(data)
        if name == "launched":
            # A runner that is still awaited is waited for; this one is late.
            os.utime(place / name, (1_700_000_000, 1_700_000_000))
        if chance.random() < 0.1:
            at = chance.choice([-(1 << 40), -1, 0, 1 << 33, 1 << 35, (1 << 62)])
            with suppress(OSError, OverflowError):
                os.utime(place / name, (at, at))


def _is_secret(world: World, path: Path) -> bool:
    try:
        return world.secret.samefile(path) and not path.is_symlink()
    except OSError:
        return False


def _own_claim() -> str:
    """As if this process were the runner."""
    return _claim_of(os.getpid())


def _claim_of(pid: int) -> str:
    said = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split(" ")
    return f"pid {pid}\nstart {said[19]}\nboot {boot_id()}\ntime 1700000000.5\n"


def _names(chance: Random) -> list[str]:
    twins = ["twin.tif", "TWIN.tif", "Twin.TIF"]
    odd = [
        "a\nb",
        "x" * 255,
        "\udcff\udc80",
        "e\u0301",
        "é",
        "-rf",
        "$(x)",
        "\x1b[31m",
        " ",
        "a b",
        "CON",
        "x\\y",
    ]
    deep = "/".join(["d"] * chance.choice([1, 5, 100])) + "/deep"
    return chance.sample([*twins, *odd, deep, OUTPUT, "a b/x.tif", *values.NAMES], chance.randrange(1, 8))


def _remove(world: World, path: Path) -> None:
    world.require_own(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _stand_in(chance: Random, world: World, path: Path) -> None:
    """Something in the place of `path`."""
    world.require_own(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Again, now that the folder is there: a part of it may be a link.
    world.require_own(path)
    if os.path.lexists(path):
        _remove(world, path)
    chance.choice(STAND_INS)(chance, world, path)


def _link_to(target: Callable[[World, Path], str | Path]) -> Callable[[Random, World, Path], None]:
    return lambda _, world, path: path.symlink_to(target(world, path))


def _socket(_: Random, __: World, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, suppress(OSError):
        # The path of a socket has a hundred bytes at most: from its own folder it is short.
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(path.parent)
            made.bind(path.name)
        finally:
            os.fchdir(here)
            os.close(here)


def _device(_: Random, __: World, path: Path) -> None:
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError:
        # Only root makes devices.
        path.symlink_to("/dev/zero")


def _folder(chance: Random, world: World, path: Path) -> None:
    path.mkdir()
    for number in range(chance.choice([0, 0, 1, 50])):
        (path / f"{number}").write_bytes(b"x")
    if chance.random() < 0.3:
        (path / OUTPUT).symlink_to(world.secret)


def _sparse(chance: Random, _: World, path: Path) -> None:
    with path.open("wb") as file:
        for size in (LARGEST, 1 << 40, 1 << 33):
            with suppress(OSError):
                file.truncate(size - chance.randrange(2))
                break


def _noise(chance: Random, _: World, path: Path) -> None:
    path.write_bytes(chance.randbytes(chance.choice([0, 1, 100, 5000])) + values.rarely_huge(chance))


def _unreadable(_: Random, __: World, path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


def _endless_line(_: Random, __: World, path: Path) -> None:
    path.write_bytes(b"x" * (5 << 20))


STAND_INS: tuple[Callable[[Random, World, Path], None], ...] = (
    lambda _, __, path: os.mkfifo(path),
    _folder,
    _sparse,
    _noise,
    _noise,
    _unreadable,
    _endless_line,
    _socket,
    _device,
    lambda _, world, path: path.hardlink_to(world.secret),
    _link_to(lambda world, _: world.secret),
    _link_to(lambda world, _: world.outside / "folder"),
    _link_to(lambda _, path: path),
    _link_to(lambda _, __: "/dev/zero"),
    _link_to(lambda _, __: "/dev/tty"),
    _link_to(lambda _, __: "/proc/kmsg"),
    _link_to(lambda _, __: "/nowhere/x"),
    _link_to(lambda world, path: os.path.relpath(world.secret, path.parent)),
)
