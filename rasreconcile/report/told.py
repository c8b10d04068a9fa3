"""What was told already: a failure is told in full once, and by its plan where it comes again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rasreconcile.plans import Address
from rasreconcile.reconcile.alike import likeness, nameless
from rasreconcile.records import Event

_SHORTEST = 40
"""Characters: what is no longer is as quickly read as a reference to it."""
_MOST = 10_000


@dataclass(slots=True)
class Told:
    """Remembers the failures of one apply."""

    _first: dict[str, Address] = field(default_factory=dict)
    _last: dict[Address, str] = field(default_factory=dict)

    def shortened(self, event: Event) -> Event:
        """The event without what was told before it."""
        address = event.address
        if address is None:
            return event
        if event.kind in {"failed", "lost"}:
            return self._failure(event, address)
        if event.kind == "started" and (why := self._last.get(address)):
            return replace(event, message=event.message.replace(f": {why}", ""))
        return event

    def _failure(self, event: Event, address: Address) -> Event:
        self._last[address] = event.message
        # Which cell went unstable is news; which process was killed is not.
        alike = (likeness if event.kind == "lost" else nameless)(event.message, address)
        first = self._first.get(alike)
        if first is None or len(event.message) < _SHORTEST:
            if len(self._first) < _MOST:
                self._first[alike] = address
            return event
        return replace(event, message="the same again" if first == address else f"the same as {first}")
