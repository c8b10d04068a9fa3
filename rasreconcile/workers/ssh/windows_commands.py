"""The agent of a Windows host: compiled there from its source, once, by the compiler that every Windows has."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.printable import printable
from rasreconcile.workers.openssh.connection import Connection
from rasreconcile.workers.ssh.host_commands import MARK
from rasreconcile.workers.windows.source import digest, sources

if TYPE_CHECKING:
    import paramiko

HOME = ".rasreconcile"
"""Below the user's home, where OpenSSH begins: a relative path needs no quotes, whatever the home is called."""
COMPILER = r"cmd /d /c %SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\csc.exe"
"""Of .NET Framework 4, which is part of every Windows since 8 and Server 2012."""
PROBE = "aé€ 字%&"
"""Comes back as it was sent, or a shell in between reads and writes what passes through it."""
LONGEST_FOLDER = 120
"""Characters: a run's name and a project's files need the rest of the 259 that HEC-RAS can use."""
_COMPILING_SECONDS = 120.0

_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)
_LONGEST_NAME = 300


class WindowsCommands:
    """Implements `HostCommands` for Windows hosts whose OpenSSH runs commands by cmd.exe, as it does by itself."""

    platform: Final = "windows"

    def __init__(self, name: str, folder: str, session: Literal["desktop", "none"]) -> None:
        self._name = name
        self._folder = folder
        self._session = session
        self._ready = False
        self._lock = threading.Lock()

    def question(self, verb: str, words: Sequence[str]) -> tuple[str, bytes]:
        return self.dialogue(verb, words)

    def dialogue(self, verb: str, words: Sequence[str]) -> tuple[str, bytes]:
        more = {"launch": (self._session,), "problems": (PROBE,)}.get(verb, ())
        lines = (verb, self._folder, *words, *more)
        if any("\n" in line or not line for line in lines):
            raise Refused(f"{self._name}: a name with a line end cannot be asked for", "rename it")
        text = "".join(f"{line}\n" for line in lines)
        return rf"{HOME}\{_program('host')}", f"{text}\n".encode("utf-8", "replace")

    def make_ready(self, connection: Connection) -> None:
        with self._lock:
            if self._ready:
                return
            with connection.files() as there:
                there_already = all(_is_there(there, _program(kind)) for kind in ("host", "runner"))
                if not there_already or not self._answers(connection):
                    self._install(connection, there)
            self._ready = True

    def invalidate(self) -> None:
        with self._lock:
            self._ready = False

    def problems(self, told: Collection[str]) -> list[Trouble]:
        said: dict[str, list[str]] = {}
        for line in told:
            word, _, rest = line.partition(" ")
            said.setdefault(word, []).append(rest)
        if said.get("echo") != [PROBE]:
            return [
                Trouble(
                    "its shell changes what passes through it",
                    r"make cmd.exe the DefaultShell of its OpenSSH again (HKLM\SOFTWARE\OpenSSH)",
                )
            ]
        found = []
        me, desktops = printable(said.get("me", ["?"])[0])[:_LONGEST_NAME], said.get("desktop", [])
        if self._session == "desktop" and me.casefold() not in {name.casefold() for name in desktops}:
            found.append(
                Trouble(
                    f"nobody is logged on there as {me}, and HEC-RAS needs a desktop",
                    "log on as that user, then lock or disconnect; `session: none` is for programs without windows",
                )
            )
        length = said.get("longest", ["0"])[0]
        if not _NUMBER.fullmatch(length) or int(length) > LONGEST_FOLDER:
            found.append(
                Trouble(
                    f"worker_folder has {length[:20]} characters, and HEC-RAS stops at paths of 259",
                    r"set worker_folder to a shorter path, such as C:\R",
                )
            )
        return found

    def _answers(self, connection: Connection) -> bool:
        """A program that was not yet on the disk when the power failed is there, and is none."""
        command, text = self.dialogue("look", ())
        with connection.talk(command) as talk:
            talk.send(text)
            talk.end_sending()
            return MARK.encode() in talk.rest()

    def _install(self, connection: Connection, there: paramiko.SFTPClient) -> None:
        """Compiled aside and renamed, so that a program of this name is whole; two that do it make the same."""
        token = secrets.token_hex(4)
        aside = f"{HOME}/{token}"
        try:
            for folder in (HOME, aside):
                with suppress(OSError):
                    # There already, or it cannot be made: then what is put into it says so.
                    there.mkdir(folder)
            for name, data in sources().items():
                with there.open(f"{aside}/{name}", "wb") as file:
                    file.write(data)
            for kind, target in (("host", "exe"), ("runner", "winexe")):
                self._compile(connection, aside.replace("/", "\\"), kind, target)
                with suppress(OSError):
                    there.remove(f"{HOME}/{_program(kind)}")
                with suppress(OSError):
                    # Somebody else was quicker, and runs it: then it could not be removed either.
                    there.rename(f"{aside}/{kind}.exe", f"{HOME}/{_program(kind)}")
                if not _is_there(there, _program(kind)):
                    raise Unreachable(
                        f"{self._name}: {HOME}\\{_program(kind)} cannot be put there", "it will be retried"
                    )
        except OSError as error:
            why = error.strerror or str(error)
            raise Refused(
                f"{self._name}: ~\\{HOME}: {why}", "let its user write to the home folder there"
            ) from error
        finally:
            with suppress(OSError):
                for name in there.listdir(aside):
                    there.remove(f"{aside}/{name}")
                there.rmdir(aside)

    def _compile(self, connection: Connection, aside: str, kind: str, target: str) -> None:
        command = rf"{COMPILER} /nologo /optimize /target:{target} /out:{aside}\{kind}.exe {aside}\*.cs"
        with connection.talk(command) as talk:
            talk.wait(_COMPILING_SECONDS)
            talk.end_sending()
            printed = talk.rest()
            if talk.exit_status() != 0:
                printed += talk.stderr()
                said = printed.decode(errors="replace").strip().splitlines() or ["it did not say why"]
                raise Refused(
                    f"{self._name}: its agent cannot be compiled there: {said[0]}",
                    "see that it has .NET Framework 4, and that cmd.exe is the DefaultShell of its OpenSSH",
                )


def _program(kind: str) -> str:
    return f"{kind}-{digest()}.exe"


def _is_there(there: paramiko.SFTPClient, program: str) -> bool:
    try:
        return bool(there.stat(f"{HOME}/{program}").st_size)
    except FileNotFoundError:
        return False
