"""What the agent of a host says of it, as problems with the command or policy that cures each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rasreconcile.errors import Trouble
from rasreconcile.workers.host import LEAST_FREE
from rasreconcile.workers.psexec.agent import DESK, Told
from rasreconcile.workers.windows.source import version

PROBE = "aé€ 字%&"
LONGEST_FOLDER = 120
"""Characters: a run's name and a project's files need the rest of the 259 that HEC-RAS can use."""
LARGEST_CLOCK_DIFFERENCE = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a host is to be like."""

    server: str
    port: int
    folder: str
    """Behind the share, as the host calls it."""
    session: int | None
    """None: any but that of the services."""


def problems_of(lines: Sequence[str], *, now: float, status: Told | None, wanted: Wanted) -> list[Trouble]:
    """What stops runs, of what the agent answered to `problems` and `facts`. `now`: seconds since the epoch, here."""
    said: dict[str, list[str]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "fact":
            word, _, rest = rest.partition(" ")
        said.setdefault(word, []).append(rest)
    found = [*_of_the_session(status, wanted), *_of_the_folder(said), *_of_the_clock(said, now)]
    return [*found, *_of_hecras(said)]


def _of_the_session(status: Told | None, wanted: Wanted) -> list[Trouble]:
    if status is None:
        return []
    if status.session == "0":
        return [
            Trouble(
                "its agent runs in session 0, where HEC-RAS hangs without a desktop",
                'end it there (`taskkill /f /fi "IMAGENAME eq runner-*"`), log on, and open join.cmd in that session',
            )
        ]
    if wanted.session is not None and status.session != str(wanted.session):
        return [
            Trouble(
                f"its agent runs in session {status.session} as {status.me}, and session_id is {wanted.session}",
                f"set session_id: {status.session}; `query session /server:{wanted.server}` shows whose each is",
            )
        ]
    if status.version < version():
        return [
            Trouble(
                f"its agent is version {status.version}, and {version()} cannot take over",
                rf"see {DESK}\uncompiled in the share for the compiler's words; end the agent and open join.cmd",
            )
        ]
    return []


def _of_the_folder(said: Mapping[str, Sequence[str]]) -> list[Trouble]:
    found = [
        Trouble(
            f"worker_folder: {why}",
            "let the user of the session change files there: icacls FOLDER /grant USER:(OI)(CI)M",
        )
        for why in said.get("folder", ())
    ]
    if "links" in said:
        found.append(
            Trouble(
                "worker_folder does not support hard links", "set worker_folder to a folder of an NTFS disk"
            )
        )
    free, longest = _number(said, "free"), _number(said, "longest")
    if free is not None and free << 10 < LEAST_FREE:
        found.append(Trouble(f"worker_folder: only {free >> 10} MB are free", "free some space"))
    if longest is not None and longest > LONGEST_FOLDER:
        found.append(
            Trouble(
                f"worker_folder has {longest} characters, and HEC-RAS stops at paths of 259",
                r"set worker_folder to a shorter path, such as C:\R",
            )
        )
    return found


def _of_the_clock(said: Mapping[str, Sequence[str]], now: float) -> list[Trouble]:
    try:
        off = float(said.get("clock", [""])[0]) - now
    except ValueError:
        return []
    if abs(off) <= LARGEST_CLOCK_DIFFERENCE:
        return []
    return [Trouble(f"its clock is {off:+.0f} s off this one's", "run `w32tm /resync` there")]


def _of_hecras(said: Mapping[str, Sequence[str]]) -> list[Trouble]:
    """HEC-RAS that is there and whose terms nobody has accepted hangs at its first start, at an unseen dialog."""
    accepted: Collection[str] = {name.casefold() for name in said.get("terms", ())}
    return [
        Trouble(
            f"HEC-RAS {name}: its terms were never accepted by {said.get('me', ['its user'])[0]}",
            "start it once in that session and accept them",
        )
        for name in said.get("hecras", ())
        if accepted and not any(_is_of(name, one) for one in accepted)
    ]


def _is_of(name: str, folder: str) -> bool:
    return name.casefold() in folder or name.replace(".", "") in folder


def _number(said: Mapping[str, Sequence[str]], word: str) -> int | None:
    text = said.get(word, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
