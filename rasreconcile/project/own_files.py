"""Files that a plan's own run writes beside its project, by their names. PURE."""

from __future__ import annotations

import re


def written_by_run(name: str, stem: str, number: str, geometry: str | None) -> bool:
    """Whether the run of plan `number` writes, or prepares, a file of this name in the project's folder.

    `geometry`: the ending of its geometry, `g01`. What other plans of the project leave is theirs: a plan may read it.
    Restart files are left out: one may be kept under the name it was written with.
    """
    of_plan = (
        rf"p{number}\.hdf|p{number}\.tmp\.hdf|p{number}\.(computeMsgs|comp_msgs|data_errors)\.txt|p{number}\.blf"
        rf"|(bco|ic\.o|o|b|r){number}"
    )
    of_geometry = rf"|[cx]{re.escape(geometry[1:])}" if geometry else ""
    return re.fullmatch(rf"{re.escape(stem)}\.({of_plan}{of_geometry})", name, re.IGNORECASE) is not None


def is_result(name: str, stem: str, number: str) -> bool:
    """Whether it is what the run of this plan computes, and not what was prepared for it."""
    return written_by_run(name, stem, number, None) and not re.search(
        r"\.(p\d\d\.tmp\.hdf|[br]\d\d)$", name, re.IGNORECASE
    )
