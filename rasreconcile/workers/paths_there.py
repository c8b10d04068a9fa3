"""Which paths are there, asked by a shell script: of a container's image, which has no more than a shell."""

from __future__ import annotations

from collections.abc import Collection

LOOK = """\
n=0
for path; do
    case $path in "~/"*) path=$HOME/${path#"~/"} ;; esac
    [ -e "$path" ] && echo "$n"
    n=$((n + 1))
done
true"""
"""Prints the numbers of those of its words that are there, from 0."""


def those_there(paths: Collection[str], said: str) -> tuple[str, ...]:
    """Of these paths, in their order, those that `LOOK` has found; `said`: what it printed."""
    numbers = set(said.split())
    return tuple(path for n, path in enumerate(paths) if str(n) in numbers)
