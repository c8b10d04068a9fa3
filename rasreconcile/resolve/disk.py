"""The disk as one resolving sees it: each file, each content and each folder is looked at once."""

from __future__ import annotations

from dataclasses import dataclass

from rasreconcile.resolve.contents import Contents
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.places import Places


@dataclass(frozen=True, slots=True)
class Disk:
    """Shared by the closures of all plans."""

    digests: Digests
    contents: Contents
    places: Places
