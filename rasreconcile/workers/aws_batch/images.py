"""The image of a job definition. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def properties_of(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the one container that a job definition has; empty where it is of another make."""
    found = definition.get("containerProperties")
    if isinstance(found, Mapping):
        return found
    tasks: Sequence[Any] = (definition.get("ecsProperties") or {}).get("taskProperties") or ()
    containers: Sequence[Any] = (tasks[0].get("containers") or ()) if tasks else ()
    return containers[0] if len(containers) == 1 else {}


def image_of(definition: Mapping[str, Any] | None) -> str | None:
    """Its digest where it is named with one, else its name; None: there is no such definition."""
    name = str(properties_of(definition or {}).get("image", ""))
    return name.partition("@")[2] or name or None
