"""Spec and files on disk in, plans with fingerprints out."""

from rasreconcile.resolve.contents import Contents, HdfReader
from rasreconcile.resolve.digests import Digests, Unstable
from rasreconcile.resolve.resolution import EngineLike, Refusals, Resolution, resolve

__all__ = ["Contents", "Digests", "EngineLike", "HdfReader", "Refusals", "Resolution", "Unstable", "resolve"]
