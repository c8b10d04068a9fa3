"""The part of a text that can change a result: what HEC-RAS itself rewrites, and what people note, is left out."""

from __future__ import annotations

from rasreconcile.project.prj import is_project, parse_project
from rasreconcile.project.text import BOM, decode, described, split

IGNORED_KEYS: dict[str, tuple[str, ...]] = {
    # Which machine computes, how much is written to logs and what the GUI shows does not change a result.
    "plan": (
        "UNET D1 Cores",
        "UNET D2 Cores",
        "PS Cores",
        "Echo Input",
        "Echo Parameters",
        "Echo Output",
        "Global Log Level",
        "Write Detailed",
        "Run RASMapper",
    ),
    "geometry": ("Viewing Rectangle",),
}
IGNORED_KEYS["other-plan"] = IGNORED_KEYS["plan"]


def canonical(kind: str, data: bytes) -> bytes:
    """What HEC-RAS makes of a text file: line ends, trailing blanks, a byte order mark, descriptions and IGNORED_KEYS
    left out.

    Of a project only the units line counts. Anything else about a file's bytes is kept, so that a doubtful change
    costs a run rather than a wrong result.
    """
    if kind == "project" and is_project(text := decode(data)):
        return parse_project(text, "project").units.encode()
    ignored = IGNORED_KEYS.get(kind, ())
    lines = [line.rstrip() for line in split(data.removeprefix(BOM).decode("latin-1"))]
    free = described(lines)
    kept = [
        line
        for place, line in enumerate(lines)
        if place not in free and not (ignored and line.partition("=")[0].strip() in ignored)
    ]
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept).encode("latin-1")
