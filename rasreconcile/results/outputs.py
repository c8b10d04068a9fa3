"""Which of the things that a plan may switch on a plan HDF holds output of, version by version.

Sources: what the public readers rivia, ras-commander and rashdf read, and HEC's own script that removes results.
"""

from __future__ import annotations

from collections.abc import Iterator

from rasreconcile.results.tree import Tree

_BLOCKS = "Results/Unsteady/Output/Output Blocks"
_QUASI_UNSTEADY = "Results/Sediment"
_SECTIONS = "Cross Sections/Water Surface"
_SEDIMENT_AT_ROOT = ("Bed Time Series", "Transport Time Series")
_STRUCTURES = "Geometry/Structures/Attributes"
_PIPES = "Pipe Networks"
_DEEPEST = 8
_MOST = 2_000
"""Objects of a group that are looked at before it counts as empty."""


def outputs(tree: Tree) -> tuple[str, ...]:
    """In the words of `HdfFacts.outputs`."""
    return tuple(
        what
        for what, places in (
            ("unsteady", ("Results/Unsteady",)),
            ("steady", ("Results/Steady",)),
            ("sediment", tuple(_sediment(tree))),
            ("water-quality", tuple(_water_quality(tree))),
        )
        if any(holds_numbers(tree, place) for place in places)
    )


def _sediment(tree: Tree) -> Iterator[str]:
    yield _QUASI_UNSTEADY
    # `Sediment` in 1D; `Sediment Bed`, `Sediment Transport` and their like in 2D.
    yield from (f"{_BLOCKS}/{name}" for name in tree.names(_BLOCKS) if name.startswith("Sediment"))
    yield from _SEDIMENT_AT_ROOT


def _water_quality(tree: Tree) -> Iterator[str]:
    """Nobody has published where it is; whatever is called so counts."""
    blocks = [f"Results/{kind}/Output/Output Blocks" for kind in ("Unsteady", "Steady")]
    for place in ("", "Results", *blocks):
        for name in tree.names(place):
            if "water quality" in name.casefold() or name.casefold() in {"wq", "wqnet"}:
                yield f"{place}/{name}".lstrip("/")


def sediment_surface(tree: Tree) -> str | None:
    """Where a quasi-unsteady run has the water surface of its sections, float32[n_times, n_sections]."""
    return next((place for place in _datasets(tree, _QUASI_UNSTEADY) if place.endswith(_SECTIONS)), None)


def holds_numbers(tree: Tree, place: str) -> bool:
    """Whether any dataset there, or below, has a value."""
    return any(True for _ in _datasets(tree, place))


def _datasets(tree: Tree, place: str) -> Iterator[str]:
    """Those there and below that have values."""
    waiting, looked = [(place, 0)], 0
    while waiting and looked < _MOST:
        here, depth = waiting.pop()
        looked += 1
        shape = tree.shape(here)
        if shape is not None and 0 not in shape:
            yield here
        if depth < _DEEPEST:
            waiting += [(f"{here}/{name}", depth + 1) for name in reversed(tree.names(here))]


# ---- what the geometry has


def structures(tree: Tree) -> dict[str, bool]:
    """Each structure of the geometry by the name of its group, else of its connection or place; all in lower case."""
    columns = [tree.texts(_STRUCTURES, of=name) for name in ("Groupname", "Connection")]
    parts = [tree.texts(_STRUCTURES, of=name) or () for name in ("River", "Reach", "RS")]
    places = tuple(" ".join(filter(None, each)) for each in zip(*parts, strict=False))
    broken = {name.casefold() for name in _broken(tree)}
    names = {name.casefold() for column in (*columns, places) for name in column or () if name}
    return {name: any(name in one or one in name for one in broken) for name in sorted(names)}


def _broken(tree: Tree) -> Iterator[str]:
    """Names of the groups that have output of a breach."""
    for block in tree.names(_BLOCKS):
        series = f"{_BLOCKS}/{block}/Unsteady Time Series"
        kinds = [
            f"{series}/{name}" for name in ("SA 2D Area Conn", "Inline Structures", "Lateral Structures")
        ]
        areas = f"{series}/2D Flow Areas"
        kinds += [f"{areas}/{area}/2D Hyd Conn" for area in tree.names(areas)]
        for kind in kinds:
            for name in tree.names(kind):
                if tree.shape(f"{kind}/{name}/Breaching Variables"):
                    yield name


def pipe_networks(tree: Tree) -> dict[str, bool]:
    """Each pipe network of the geometry, and whether any block has output of it."""
    names = [name for name in tree.names(f"Geometry/{_PIPES}") if tree.is_group(f"Geometry/{_PIPES}/{name}")]
    if not names:
        return {}
    blocks = tree.names(_BLOCKS)
    series = ("Unsteady Time Series", "Summary Output")
    return {
        name: any(
            holds_numbers(tree, f"{_BLOCKS}/{block}/{part}/{_PIPES}/{name}")
            for block in blocks
            for part in series
        )
        for name in names
    }
