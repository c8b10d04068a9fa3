"""Which blocked plans are blocked alike: what differs in their notes is names and numbers alone. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rasreconcile.plans import Address
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Verdict

BLOCKED = frozenset({Phase.HELD, Phase.QUARANTINED})
_OF_A_RESULT = frozenset(
    {
        Obstacle.EXPECTATION_FAILED,
        Obstacle.OTHER_OWNER,
        Obstacle.RESULT_UNREADABLE,
        Obstacle.UNKNOWN_ORIGIN,
    }
)
_RUN = re.compile(r"\b\d{8}-\d{6}-[a-z0-9-]+")
_DIGEST = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b")
_NUMBER = re.compile(r"\d+([.,]\d+)*([eE][-+]?\d+)?")
_TIMES = re.compile(r"\bfailed (once: |\d+ times, last: )")


def nameless(text: str, address: Address) -> str:
    """What is said of a plan without its own names, and those of its run."""
    project, _, plan = address.partition("/")
    names = (("PLAN", re.escape(address)), ("PROJECT", re.escape(project)), ("NUMBER", re.escape(plan)))
    text = _RUN.sub("RUN", text)
    for word, name in names:
        text = re.sub(rf"(?<!\w){name}(?!\w)", word, text) if name else text
    return text


def likeness(text: str, address: Address) -> str:
    """The same without any number, and without how often it failed: unstable at another cell is as unstable."""
    text = _TIMES.sub("", nameless(text, address))
    return _NUMBER.sub("#", _DIGEST.sub("#", text))


def said_of(verdict: Verdict) -> str:
    """What blocks a plan, in full: of its result the reasons tell it, and the note what to do."""
    about_result = verdict.obstacle in _OF_A_RESULT
    told = [*(str(reason) for reason in verdict.reasons if about_result), verdict.outlook]
    return "; ".join(filter(None, told))


def blocked_alike(verdicts: Iterable[Verdict]) -> Sequence[Sequence[Verdict]]:
    """Held and quarantined plans in groups, the largest first; in each the order of the spec."""
    groups: dict[object, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.phase in BLOCKED:
            key = (verdict.phase, verdict.obstacle, likeness(said_of(verdict), verdict.address))
            groups.setdefault(key, []).append(verdict)
    return sorted(groups.values(), key=len, reverse=True)
