"""Spec and files on disk in, plans with fingerprints out."""

from rasreconcile.resolve.contents import Contents, HdfReader
from rasreconcile.resolve.digests import Digests, Unstable
from rasreconcile.resolve.remembered import Memory
from rasreconcile.resolve.resolution import EngineLike, Resolution, published_by, resolve

__all__ = [
    "Contents",
    "Digests",
    "EngineLike",
    "HdfReader",
    "Memory",
    "Resolution",
    "Unstable",
    "published_by",
    "resolve",
]
