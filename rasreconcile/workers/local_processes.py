"""How a run is started on this machine, detached from this process, and what that needs: by the system's own ways."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.workers import rundir
from rasreconcile.workers.ci_agents import unmarked
from rasreconcile.workers.host import ASK_SECONDS

NEEDED = ("sh", "setsid", "sha256sum", "nice")
"""Programs without which the POSIX runner cannot do its work."""
LAUNCH = 'umask 077; rm -rf "$1/runner.err"; set -C; sh "$1/runner.sh" "$1" </dev/null >/dev/null 2>"$1/runner.err" &'
"""Shell text that starts the runner of directory $1 and ends at once: the runner is then nobody's child.

What an earlier start has left may be a link, or a pipe: it is removed, and nothing that is there is written to.
"""
_START_SECONDS = 60.0
_RUNNER = (
    "import sys; sys.path.append(sys.argv[1]);"
    " from rasreconcile.workers.windows_runner import main; sys.exit(main(sys.argv[2:]))"
)
"""Behind the standard library, so that nothing that is installed beside this package takes its place."""


class LocalProcesses(Protocol):
    """Raises Unreachable where a process cannot be started now."""

    @property
    def platform(self) -> Literal["posix", "windows"]:
        """Whose programs run."""

    def launch(self, place: Path) -> None:
        """Starts the runner of a run directory, which outlives this process and its terminal."""

    def sweep(self, place: Path) -> None:
        """Ends what a runner that was killed has left behind."""

    def ask(self, script: str, words: Sequence[str]) -> str:
        """What a shell script prints. Raises Refused where there is no POSIX shell."""

    def problems(self) -> list[Trouble]:
        """What a runner would miss here."""


class PosixProcesses:
    """By runner.sh."""

    platform: Final = "posix"

    def launch(self, place: Path) -> None:
        command = ["sh", "-c", LAUNCH, "sh", str(place)]
        try:
            subprocess.run(
                command,
                check=True,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                env=unmarked(os.environ),
                timeout=_START_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise _not_started(place, error) from error

    def sweep(self, place: Path) -> None:
        # Ours, and not the one that lies there: the job may have written to that.
        command = ["sh", "-c", rundir.script("runner.sh"), "sh", str(place), "sweep"]
        try:
            subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"what is left of {place.name} could not be ended: {error}", "it will be retried"
            ) from error

    def ask(self, script: str, words: Sequence[str]) -> str:
        command = ["sh", "-c", script, "sh", *words]
        try:
            done = subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"this machine could not be looked at: {error}", "it will be retried"
            ) from error
        return done.stdout.decode(errors="replace")

    def problems(self) -> list[Trouble]:
        return [
            Trouble(f"{name} is not there", f"install the package that has `{name}`")
            for name in NEEDED
            if shutil.which(name) is None
        ]


class WindowsProcesses:
    """By `workers/windows_runner.py`, in the interpreter that this program runs in."""

    platform: Final = "windows"

    def launch(self, place: Path) -> None:
        try:
            _launch_windows(place)
        except OSError as error:
            raise _not_started(place, error) from error

    def sweep(self, place: Path) -> None:
        """The kernel ended the job with its runner."""

    def ask(self, script: str, words: Sequence[str]) -> str:
        raise Refused("this machine has no POSIX shell", "ask it by `find`")

    def problems(self) -> list[Trouble]:
        return []


def processes_here() -> LocalProcesses:
    """Of the system that this program runs on."""
    return WindowsProcesses() if sys.platform == "win32" else PosixProcesses()


def _not_started(place: Path, error: Exception) -> Unreachable:
    return Unreachable(f"the runner of {place.name} could not be started: {error}", "it will be retried")


if sys.platform == "win32":

    def _launch_windows(place: Path) -> None:
        # The interpreter itself: the one of a virtual environment is a launcher that starts it and ends it.
        python = getattr(sys, "_base_executable", sys.executable)
        words = [python, "-I", "-S", "-c", _RUNNER, str(Path(__file__).parents[2]), str(place)]
        # A console of its own that nobody sees: neither Ctrl-C nor a closed window reaches it. Not in the job object of
        # whoever started this program, where that lets anybody out.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        try:
            _popen(words, place, flags | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:
            _popen(words, place, flags)

    def _popen(words: list[str], place: Path, flags: int) -> None:
        with (place / rundir.COMPLAINTS).open("ab") as complaints:
            started = subprocess.Popen(
                words,
                # A folder that somebody stands in cannot be renamed or removed.
                cwd=place.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env=unmarked(os.environ),
                creationflags=flags,
            )
        # It is nobody's child: nothing is to be waited for, and there are no zombies here.
        started.returncode = 0

else:

    def _launch_windows(place: Path) -> None:
        raise NotImplementedError(place)
