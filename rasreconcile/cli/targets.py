"""Which spec is meant, and which of its plans: the words of a command line, whatever their order."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.verb import invocation
from rasreconcile.errors import UsageError
from rasreconcile.plans import Address, is_preparation
from rasreconcile.spelling import name_key

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from rasreconcile.reconcile.selection import Selection

NAMES = ("rasreconcile.yaml", "rasreconcile.yml")
"""Of a spec that need not be named."""
SPEC_ENDINGS = (".yaml", ".yml")
_NUMBERS = re.compile(r"p?(\d{1,2})(?:-p?(\d{1,2}))?", re.IGNORECASE)
_PLAN_FILE = re.compile(r"(?:.*[/\\])?([^/\\]+)\.p(\d\d)(?:\.hdf)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A spec, and the plans of it that a command line names."""

    spec: Path
    named: tuple[str, ...] = ()
    """As the user wrote them; empty: every plan."""
    left_out: tuple[str, ...] = ()
    """By `-x`."""

    @property
    def narrowed(self) -> bool:
        """Whether not simply every plan is meant."""
        return bool(self.named or self.left_out)

    def pick(self, known: Iterable[Address]) -> tuple[Address, ...]:
        """Those of `known` that are meant, in their order. Raises UsageError where a word means none."""
        addresses = tuple(known)
        if not self.narrowed:
            return addresses
        wanted = _all_of(self.named, addresses) if self.named else set(addresses)
        unwanted = _all_of(self.left_out, addresses)
        return tuple(address for address in addresses if address in wanted - unwanted)

    def one(self, known: Iterable[Address]) -> Address:
        """The one plan that is meant. Raises UsageError with what is near."""
        return one_plan(self.named, known)

    def selection(self, known: Iterable[Address]) -> Selection | None:
        """What `apply` goes by; None: every plan. Raises UsageError where nothing is left."""
        if not self.narrowed:
            return None
        from rasreconcile.reconcile.selection import Selection  # noqa: PLC0415  only where plans are named

        addresses = tuple(known)
        picked = self.pick(addresses)
        if not picked:
            raise UsageError("-x leaves out every plan that was named", "leave out fewer")
        return Selection(frozenset(picked), frozenset(_all_of(self.left_out, addresses)))


def takes_plans(metavar: str = "[SPEC] [PLAN...]") -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The words of a verb and `-x`, given to it as `target`."""

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @click.option(
            "-x",
            "--exclude",
            "left_out",
            multiple=True,
            metavar="PLAN",
            shell_complete=_complete,
            help="Leave these plans out; may be given several times.",
        )
        @click.argument("words", nargs=-1, metavar=metavar, shell_complete=_complete)
        @functools.wraps(function)
        def with_target(words: tuple[str, ...], left_out: tuple[str, ...], **others: Any) -> int:
            spec, named = spec_and_plans(words)
            return function(target=Target(spec, named, left_out), **others)

        return with_target

    return decorate


def takes_one_plan(function: Callable[..., int]) -> Callable[..., int]:
    """`[SPEC] PLAN`, given to a verb as `target`."""

    @click.argument("words", nargs=-1, metavar="[SPEC] PLAN", shell_complete=_complete)
    @functools.wraps(function)
    def with_target(words: tuple[str, ...], **others: Any) -> int:
        spec, named = spec_and_plans(words)
        return function(target=Target(spec, named), **others)

    return with_target


# ---- which spec


def spec_and_plans(words: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """The spec among the words, wherever it stands, else the one that is meant without being named; and the rest."""
    specs = [word for word in words if _is_spec(word)]
    if len(specs) > 1:
        raise UsageError(f"{specs[0]} and {specs[1]} are two specs", "name one; each has its own store")
    return spec_path(Path(specs[0]) if specs else None), tuple(word for word in words if word not in specs)


def _is_spec(word: str) -> bool:
    if word.lower().endswith(SPEC_ENDINGS):
        return True
    # A spec may have any name; a plan file of HEC-RAS is none.
    return os.path.isfile(word) and not _PLAN_FILE.fullmatch(word)  # noqa: PTH113  Path raises for what cannot be a name


def spec_path(given: Path | None) -> Path:
    """The spec meant: as given, else $RASRECONCILE_SPEC, else rasreconcile.yaml or .yml here or in a folder above."""
    path = given or _from_environment() or _found_upward(Path.cwd())
    if path is None:
        raise UsageError(
            f"no spec was named, and there is no {NAMES[0]} (or .yml) here or in a folder above",
            "name one: rasreconcile VERB spec.yaml, or write one: rasreconcile init PROJECT.prj",
        )
    if invocation().verbose:
        click.echo(f"spec: {os.path.abspath(path)}", err=True)  # noqa: PTH100  Path.absolute keeps `..`
    return path


def _from_environment() -> Path | None:
    named = os.environ.get("RASRECONCILE_SPEC")
    return Path(named) if named else None


def _found_upward(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        found = [folder / name for name in NAMES if (folder / name).is_file()]
        if len(found) > 1:
            raise UsageError(f"{folder} has both {NAMES[0]} and {NAMES[1]}", "name the one you mean")
        if found:
            path = found[0]
            if folder != start and _may_be_planted(path):
                raise UsageError(
                    f"{path} is another user's, in a folder that everybody may write to", "name it to use it"
                )
            return Path(os.path.relpath(path, start))
    return None


def _may_be_planted(path: Path) -> bool:
    """A spec names programs that are run: one that anybody may have put into /tmp is not taken unasked."""
    if sys.platform == "win32":
        return False
    return path.stat().st_uid not in {os.getuid(), 0} and bool(path.parent.stat().st_mode & stat.S_IWOTH)


# ---- which plans


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
    near = get_close_matches(word, addresses, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`diff` and `status` list the plans"
    raise UsageError(f"{word}: no such plan", hint)


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


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from rasreconcile.cli.complete import words  # noqa: PLC0415  only while a shell asks

    return words(ctx.params.get("words") or (), incomplete)
