"""The plans that a user means by words: addresses, patterns, numbers and ranges of them, projects, plan files. PURE."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from rasreconcile.errors import UsageError
from rasreconcile.plans import Address, is_preparation
from rasreconcile.spelling import name_key

_NUMBERS = re.compile(r"p?(\d{1,2})(?:-p?(\d{1,2}))?", re.IGNORECASE)
_HEC_RAS_FILE = re.compile(r".*\.(?:[a-z]\d\d|prj|hdf|dss|rasmap)", re.IGNORECASE)
_PLAN_FILE = re.compile(r"(?:.*[/\\])?([^/\\]+)\.p(\d\d)(?:\.hdf)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedPlans:
    """Plans as a user names them: by the words of a command line, or the arguments of a call."""

    words: tuple[str, ...] = ()
    """Empty: every plan."""
    left_out: tuple[str, ...] = ()
    """Words for those that are not meant."""

    @property
    def narrowed(self) -> bool:
        """Whether not simply every plan is meant."""
        return bool(self.words or self.left_out)

    def pick(self, known: Iterable[Address]) -> tuple[Address, ...]:
        """Those of `known` that are meant, in their order. Raises UsageError where a word means none."""
        addresses = tuple(known)
        if not self.narrowed:
            return addresses
        wanted = _all_of(self.words, addresses) if self.words else set(addresses)
        unwanted = self.unwanted(addresses)
        return tuple(address for address in addresses if address in wanted - unwanted)

    def unwanted(self, known: Iterable[Address]) -> frozenset[Address]:
        """Those that are left out by name. Raises UsageError where a word means none."""
        return frozenset(_all_of(self.left_out, tuple(known)))

    def one(self, known: Iterable[Address]) -> Address:
        """The one plan that is meant. Raises UsageError with what is near."""
        return one_plan(self.words, known)


EVERY_PLAN = NamedPlans()


def is_plan_file(word: str) -> bool:
    """Whether a word is the name of a plan file of HEC-RAS, or of its result."""
    return _PLAN_FILE.fullmatch(word) is not None


def is_hec_ras_file(word: str) -> bool:
    """Whether a word is named like a file of HEC-RAS, of any kind."""
    return _HEC_RAS_FILE.fullmatch(word) is not None


def one_plan(words: Sequence[str], known: Iterable[Address]) -> Address:
    """The one plan meant by `words`. Raises UsageError with what is near."""
    if len(words) != 1:
        raise UsageError("name one plan by its address, as `diff` and `status` list them: Muncie/p04")
    found = plans_matching(words[0], known)
    if len(found) > 1:
        raise UsageError(f"{words[0]} means {len(found)} plans: {', '.join(found[:5])}", "name one")
    return found[0]


def plans_matching(word: str, known: Iterable[Address]) -> tuple[Address, ...]:
    """The plans that a word means: an address, a pattern, an end of addresses, a number, a project, or a plan file.

    A pattern means plans, and preparations only where it says so (`*/prepare-*`). Raises UsageError for none, and
    where a number is also the name of a project.
    """
    addresses = tuple(known)
    if word in addresses:
        return (Address(word),)
    if "/prepare" not in word:
        addresses = tuple(address for address in addresses if not is_preparation(address))
    low = name_key(word).rstrip("/")
    numbered, project = _numbered(low, addresses), _project(low, addresses)
    if numbered and project and "/" not in low:
        raise UsageError(
            f"{word} is a number of plans and the name of a project", f"write p{low.zfill(2)}, or '{word}/*'"
        )
    found = (
        [a for a in addresses if fnmatch.fnmatchcase(name_key(a), name_key(word))]
        or [a for a in addresses if name_key(a).endswith("/" + low)]
        or [a for a in addresses if fnmatch.fnmatchcase(_last(a), low)]
        or numbered
        or project
        or _of_file(word, addresses)
    )
    if found:
        return tuple(found)
    raise UsageError(f"{word}: no such plan", _hint(word, addresses))


def _hint(word: str, known: Sequence[Address]) -> str:
    if "," in word:
        return "write a blank between plans, and no comma"
    if word.casefold() == "all":
        return "'*', in quotes, means every plan"
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "`diff` and `status` list the plans"


def _all_of(words: Iterable[str], known: tuple[Address, ...]) -> set[Address]:
    return {address for word in words for address in plans_matching(word, known)}


def _numbered(word: str, known: Iterable[Address]) -> list[Address]:
    """`04`, `4`, `p04`, `04-12`, `muncie/04`."""
    head, _, last = word.rpartition("/")
    match = _NUMBERS.fullmatch(last)
    if match is None:
        return []
    first, final = int(match[1]), int(match[2] or match[1])
    ends = {f"p{number:02d}" for number in range(first, final + 1)}
    return [a for a in known if _last(a) in ends and (not head or _within(_prefix(a), head))]


def _project(word: str, known: Iterable[Address]) -> list[Address]:
    return [a for a in known if (name_key(a) + "/").startswith(word + "/")]


def _of_file(word: str, known: Iterable[Address]) -> list[Address]:
    """`models/Muncie/Muncie.p04`, or its result."""
    match = _PLAN_FILE.fullmatch(word)
    if match is None:
        return []
    stem, end = name_key(match[1]), f"p{match[2]}"
    return [a for a in known if _last(a) == end and _within(_prefix(a), stem)]


def _prefix(address: Address) -> str:
    return name_key(address).rpartition("/")[0]


def _last(address: Address) -> str:
    return name_key(address).rpartition("/")[2]


def _within(prefix: str, head: str) -> bool:
    return prefix == head or prefix.endswith("/" + head)
