"""Reading published results again: a disk can lose bytes of a file that no date or size tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from rasreconcile.errors import Trouble
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.specfile import LoadedSpec
from rasreconcile.studies.store_view import remembered


@dataclass(frozen=True, slots=True)
class Reread:
    """A published result that was read from its first byte to its last."""

    published: Published
    trouble: Trouble | None
    """None: its bytes are those that were published."""


def published_of(loaded: LoadedSpec) -> tuple[Published, ...]:
    """The current results that the store knows, in the order of their addresses. Raises StoreError."""
    with ExitStack() as stack:
        known = remembered(loaded.state_path, stack).outputs.published()
    return tuple(known[address] for address in sorted(known))


def reread(results: Iterable[Published]) -> Iterator[Reread]:
    """One after the other, each when it is asked for. Blocks for as long as its file takes to be read."""
    for published in results:
        yield Reread(published, _trouble(published))


def _trouble(published: Published) -> Trouble | None:
    again = f"look at the disk, then `retry {published.address}` computes it again"
    try:
        size, digest = publish.digest_file(published.path)
    except FileNotFoundError:
        return Trouble(f"{published.path} is gone", "`apply` computes it again")
    except OSError as error:
        return Trouble(f"{published.path}: {error.strerror or error}", again)
    if (size, digest) == (published.size, published.digest):
        return None
    what = f"{published.path} is not what was published: sha256 {digest[:12]} of {size:,} bytes, not"
    return Trouble(f"{what} {published.digest[:12]} of {published.size:,}", again)
