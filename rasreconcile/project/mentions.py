"""What a file of a project says about other files, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.project.file_keys import CALIBRATES, GEOMETRY, PLAN, STEADY_FLOW, TABLES
from rasreconcile.project.flow import flow_mentions, observed_mentions
from rasreconcile.project.followed import followed
from rasreconcile.project.plan import parse_plan
from rasreconcile.project.rasmap import rasmap_mentions
from rasreconcile.project.switches import computations
from rasreconcile.project.text import decode, entries, is_on, refuse_utf_16
from rasreconcile.records import Mention

MOST = 10_000
"""Files that one file may name."""

MENTIONING = frozenset({"plan", "flow", "geometry", "sediment", "water-quality", "rasmap", "observed"})
"""Kinds of text that name other files; `observed`: a flow file, asked for its observed series."""


def mentions_in(kind: str, data: bytes, name: str) -> tuple[Mention, ...]:
    """In the order of the file. What is wrong with the file is a mention too: a `fault`, with what to do."""
    try:
        if kind != "rasmap":  # XML says its encoding
            refuse_utf_16(data, name)
        found = tuple(islice(dict.fromkeys(_mentions(kind, data, name)), MOST + 1))
    except ProjectError as error:
        return (Mention.fault(error.trouble),)
    if len(found) > MOST:
        what = f"{name}: names more than {MOST} files"
        return (Mention.fault(Trouble(what, "check that this is the right file")),)
    return found


def _mentions(kind: str, data: bytes, name: str) -> Iterator[Mention]:
    match kind:
        case "plan":
            yield from _of_plan(decode(data), name)
        case "flow":
            if name.lower().rpartition(".")[2].startswith("f"):
                yield from followed(STEADY_FLOW, entries(decode(data)))
            else:
                yield from flow_mentions(decode(data))
        case "geometry":
            found = list(entries(decode(data)))
            if any(e.key == "Storage Area Is2D" and is_on(e.value or "") for e in found):
                yield Mention("2d-area", "")
            yield from followed(GEOMETRY, found)
        case "observed":
            yield from observed_mentions(decode(data))
        case "sediment" | "water-quality":
            yield from followed(TABLES[kind], entries(decode(data)))
        case "rasmap":
            yield from rasmap_mentions(data, name)
        case _:
            pass


def _of_plan(text: str, name: str) -> Iterator[Mention]:
    plan = parse_plan(text, name)
    named = (("geometry", plan.geometry, "Geom File"), ("flow", plan.flow, "Flow File"))
    for kind, ending, key in named:
        if ending is None:
            yield Mention.fault(Trouble(f"{name}: names no {key}", "open and save the plan in HEC-RAS"))
        else:
            yield Mention(kind, ending)
    for ending in plan.others:
        yield Mention("sediment" if ending.startswith("s") else "water-quality", ending)
    found = list(entries(text))
    yield from followed(PLAN, found)
    if any(entry.key in CALIBRATES for entry in found):
        yield Mention("calibrates", "")
    if plan.short_id:
        yield Mention("short-id", plan.short_id)
    for what in computations(text, name):
        yield Mention("computes", what)
