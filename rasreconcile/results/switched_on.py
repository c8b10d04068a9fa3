"""Whether a result holds what its plan switches on: a program that did not run leaves no word. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rasreconcile.facts import HdfFacts, Identity
from rasreconcile.hecras_versions import parsed, version_in
from rasreconcile.project import KEYS, Computation

_WORDS: dict[Computation, str] = {
    "unsteady": "unsteady flow",
    "steady": "steady profiles",
    "sediment": "sediment transport",
    "water-quality": "water quality",
}
_WATER_QUALITY = re.compile(r"\b(?:water quality|wqnet)\b", re.IGNORECASE)
_SINCE_BREACHES = (6,)
"""In which versions before it every breach has output of its own is not known."""


def ran_water_quality(facts: HdfFacts) -> bool:
    """Whether the file tells of a water quality computation: its process, or its messages."""
    said = (*(facts.processes or ()), facts.messages or "")
    return any(_WATER_QUALITY.search(text) for text in said)


def later_water_quality(facts: HdfFacts) -> bool:
    """Whether the messages are of a water quality computation that ran to its end on top of results it left alone.

    It writes messages and processes of its own over those of the run whose water it took.
    """
    ended = facts.messages is not None and "Complete Process" in facts.messages
    return ended and ran_water_quality(facts)


def switched_on(facts: HdfFacts, identity: Identity) -> Iterator[str]:
    """One line for each thing that the plan switches on and the file has no number of."""
    for what, words in _WORDS.items():
        if what not in identity.computes or what in facts.outputs:
            continue
        if what == "water-quality" and ran_water_quality(facts):
            # It may keep its numbers in a file of its own.
            continue
        yield f"holds no output of {words}, which {identity.plan_filename} switches on ({KEYS[what]})"
    yield from _breaches(facts, identity)


def _breaches(facts: HdfFacts, identity: Identity) -> Iterator[str]:
    """Only of structures that the geometry has: a plan may keep the breaches of another one."""
    version = version_in(facts.file_version)
    if version is None or parsed(version) < _SINCE_BREACHES:
        return
    for names in identity.breaches:
        known = [facts.structures[name] for name in names if name in facts.structures]
        if known and not any(known):
            yield (
                f"holds no output of the breach of {min(names)}, which {identity.plan_filename} switches on"
                " (Breach Loc)"
            )
