"""How a host is asked: in shell scripts that travel with each question, or as another kind of host understands it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, Protocol

from rasreconcile.errors import Trouble
from rasreconcile.workers import rundir
from rasreconcile.workers.openssh.connection import Connection

MARK = "@rasreconcile"
"""The line after which the answer begins: what a login script prints before is none."""


class HostCommands(Protocol):
    """What is asked in verbs is answered in the same lines by every kind of host. May be used by several threads."""

    @property
    def platform(self) -> Literal["posix", "windows"]:
        """Whose programs the host runs."""

    def question(self, verb: str, words: Sequence[str]) -> tuple[str, bytes]:
        """A command, and what it is sent; the whole answer comes after that."""

    def dialogue(self, verb: str, words: Sequence[str]) -> tuple[str, bytes]:
        """A command for a verb that takes or gives bytes, and what it is sent ahead of them."""

    def make_ready(self, connection: Connection) -> None:
        """Puts there what a question needs. Raises Refused where it cannot be put there."""

    def invalidate(self) -> None:
        """A question failed: what was put there may be gone."""

    def problems(self, told: Collection[str]) -> list[Trouble]:
        """What stops runs on this kind of host only, of what it said about itself."""


class PosixCommands:
    """Implements `HostCommands` for any host with a POSIX shell. Nothing is installed there."""

    platform: Final = "posix"

    def __init__(self, folder: str) -> None:
        self._folder = folder_word(folder)

    def question(self, verb: str, words: Sequence[str]) -> tuple[str, bytes]:
        # In braces, so that a script that was cut short does nothing; and nobody in it reads what is left of it.
        return "exec sh", _bytes(f"{{\n{self._script(verb, words)}\nexit\n}} </dev/null\n")

    def dialogue(self, verb: str, words: Sequence[str]) -> tuple[str, bytes]:
        script = _bytes(self._script(verb, words))
        # Read byte by byte: a shell that reads its own script from a pipe would take some of the bytes behind it.
        return f"""exec sh -c 'eval "$(dd bs=1 count={len(script)} 2>/dev/null)"'""", script

    def make_ready(self, connection: Connection) -> None:
        """Nothing is needed there."""

    def invalidate(self) -> None:
        """Nothing was put there."""

    def problems(self, told: Collection[str]) -> list[Trouble]:
        return []

    def _script(self, verb: str, words: Sequence[str]) -> str:
        spoken = " ".join(rundir.quoted(word) for word in words)
        match verb:
            case "look":
                return (
                    f"echo {MARK}\nset -- {self._folder} {spoken}\n"
                    'if [ ! -e "$1" ]; then shift; printf "run %s\\n" "$@"; exit 0; fi\n'
                    + rundir.script("inspect.sh")
                )
            case "list" | "drop":
                return f"echo {MARK}\nset -- {self._folder} {verb} {spoken}\n{rundir.script('upkeep.sh')}"
            case "files":
                return f"echo {MARK}\nset -- {self._folder} {spoken}\n{rundir.script('files.sh')}"
            case "sweep":
                runner = rundir.quoted(rundir.script("runner.sh"))
                return f"{rundir.script('host.sh')}\nrunner={runner}\nhost {verb} {self._folder} {spoken}\n"
            case "ask":
                return f"echo {MARK}\nset -- {' '.join(map(rundir.quoted, words[1:]))}\n{words[0]}"
            case _:
                return f"{rundir.script('host.sh')}\nhost {verb} {self._folder} {spoken}\n"


def folder_word(folder: str) -> str:
    """The worker's folder as a shell reads it. `~` is the home there; so is a path without a slash in front."""
    if folder == "~":
        return '"$HOME"'
    if folder.startswith("~/"):
        return f'"$HOME"/{rundir.quoted(folder[2:])}'
    return rundir.quoted(folder) if folder.startswith("/") else f'"$HOME"/{rundir.quoted(folder)}'


def _bytes(script: str) -> bytes:
    return script.encode("utf-8", "surrogateescape")
