"""PsExec.exe of Sysinternals, from a Windows controller: where it is, whose it is, and how it is called."""

from __future__ import annotations

import base64
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from rasreconcile.errors import Refused
from rasreconcile.workers.psexec.launch import BY_HAND, Run, join_arguments, run
from rasreconcile.workers.psexec.task import Target

_NAMES = ("PsExec64.exe", "PsExec.exe")
_FOLDERS = (
    "~/PSTools",
    "~/Downloads/PSTools",
    "C:/PSTools",
    "C:/Tools/PSTools",
    "C:/Program Files/PSTools",
    "C:/Program Files (x86)/PSTools",
    "C:/Program Files/SysinternalsSuite",
)
GET_IT = (
    "download https://download.sysinternals.com/files/PSTools.zip, unpack it into %USERPROFILE%\\PSTools, "
    "or set psexec_path"
)
_SIGNED = (
    "$s = Get-AuthenticodeSignature -LiteralPath '{path}'; if ($s.Status -eq 'Valid' -and "
    "$s.SignerCertificate.Subject -match 'O=Microsoft Corporation') {{ 'signed-by-microsoft' }}"
)


def places() -> Iterator[Path]:
    """Where PsExec is looked for, in this order, after PATH."""
    for folder in _FOLDERS:
        for name in _NAMES:
            yield Path(folder).expanduser() / name


def find(named: Path | None, which: Callable[[str], str | None] = shutil.which) -> Path:
    """Raises Refused where it is not there."""
    if named is not None:
        if named.is_file():
            return named
        raise Refused(f"psexec_path: {named} is not there", GET_IT)
    found = [Path(path) for name in _NAMES if (path := which(name)) is not None]
    found += [path for path in places() if path.is_file()]
    if not found:
        raise Refused("PsExec.exe is not there", GET_IT)
    return found[0]


def command_line(program: Path, target: Target, service: str) -> str:
    """As Windows takes it; PsExec hands on what follows `cmd.exe` as it is. No password is ever on it.

    `-d`: PsExec ends once the agent has begun.
    """
    return (
        rf'"{program}" \\{target.host} -accepteula -nobanner -h -r {service} -i {target.session} -d '
        f"cmd.exe {join_arguments(target.folder)}"
    )


class PsExecLauncher:
    """Implements `Launcher`. As the user of the controller, or whom `cmdkey` knows for the host."""

    starts = True
    remedy = f"see what `check` says of the host; or {BY_HAND}, with launcher: none"

    def __init__(self, target: Target, named: Path | None, run: Run = run) -> None:
        self._target = target
        self._named = named
        self._run = run

    def start(self) -> str:
        program = find(self._named)
        self._see_who_signed(program)
        # It exits with the process id of the agent, or an error, and nobody can tell which: the status tells.
        _, said = self._run(command_line(program, self._target, f"rasreconcile-{secrets.token_hex(3)}"))
        return said

    def _see_who_signed(self, program: Path) -> None:
        """Raises Refused where Microsoft has not."""
        script = _SIGNED.format(path=str(program).replace("'", "''"))
        encoded = base64.b64encode(script.encode("utf-16-le")).decode("ascii")
        _, said = self._run(["powershell.exe", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded])
        if "signed-by-microsoft" not in said:
            raise Refused(f"{program} does not carry a valid signature of Microsoft", GET_IT)
