"""Spec and files on disk in, plans with fingerprints out."""

from rasreconcile.resolve.contents import Contents, HdfReader
from rasreconcile.resolve.digests import Digests, Unstable
from rasreconcile.resolve.resolution import EngineLike, Refusals, Resolution, published_by, resolve

__all__ = [
    "Contents",
    "Digests",
    "EngineLike",
    "HdfReader",
    "Refusals",
    "Resolution",
    "Unstable",
    "published_by",
    "resolve",
]
