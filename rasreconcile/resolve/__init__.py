"""Spec and files on disk in, plans with fingerprints out."""

from rasreconcile.resolve.digests import Digests, Unstable
from rasreconcile.resolve.resolution import EngineLike, Refusals, Resolution, resolve

__all__ = ["Digests", "EngineLike", "Refusals", "Resolution", "Unstable", "resolve"]
