"""What a controller puts into a share before anything else: the agent's source, and what starts it."""

from __future__ import annotations

from importlib.resources import files

from rasreconcile.workers.psexec.agent import DESK
from rasreconcile.workers.psexec.share import Share
from rasreconcile.workers.windows.source import sources, version

JOIN = "join.cmd"
_WANTED = f"{DESK}/wanted"


def join_text() -> bytes:
    """Batch files have Windows' line ends: with others cmd.exe misses labels."""
    text = files("rasreconcile.workers.psexec").joinpath(JOIN).read_text(encoding="ascii")
    return text.replace("\n", "\r\n").encode("ascii")


def furnish(share: Share) -> None:
    """Whatever of it is not there. An agent of an older version then hands over to this one; a newer one stays."""
    if (share.read(_WANTED) or b"").decode(errors="replace").strip() >= version():
        return
    for name, data in sources().items():
        share.write(f"{DESK}/sources/{version()}/{name}", [data])
    share.write(JOIN, [join_text()])
    # Last: an agent that reads it finds the rest.
    share.write(_WANTED, [f"{version()}\r\n".encode("ascii")])
