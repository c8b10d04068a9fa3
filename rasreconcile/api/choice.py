"""Which plans are meant by words: an address, a pattern, or an ending: `p04`, `04`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from rasreconcile.errors import UsageError
from rasreconcile.spelling import name_key


def chosen(words: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """In the order of `known`; without words all of them. Raises UsageError for a word that means nothing."""
    addresses = tuple(known)
    wanted = {address for word in words for address in _meant(word, addresses)}
    return tuple(a for a in addresses if a in wanted) if words else addresses


def chosen_one(word: str, known: Iterable[str]) -> str:
    """Raises UsageError where it means none, or several."""
    found = _meant(word, tuple(known))
    if len(found) > 1:
        raise UsageError(f"{word} means {len(found)} plans: {', '.join(found[:5])}", "name one")
    return found[0]


def _meant(word: str, known: Sequence[str]) -> tuple[str, ...]:
    if word in known:
        return (word,)
    lower = name_key(word)
    found = tuple(a for a in known if fnmatchcase(name_key(a), lower))
    ending = f"/p{int(word):02d}" if re.fullmatch("[0-9]{1,2}", word) else f"/{lower}"
    found = found or tuple(a for a in known if name_key(a).endswith(ending))
    if found:
        return found
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "diff() and status() list the plans"
    raise UsageError(f"{word}: no such plan", hint)
