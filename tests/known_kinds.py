"""Prints the places outside the folder of a worker kind that know one by name; the table of kinds should be the only one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "rasreconcile"
OF_OTHERS = {"api/ras_commander.py"}
"""Readers of another program's file: the words are that program's, and end here in a spec that names a kind."""


def kinds() -> frozenset[str]:
    """Every folder of `workers/` that describes a kind."""
    return frozenset(path.parent.name for path in (PACKAGE / "workers").glob("*/kind.py"))


def places() -> list[str]:
    """Modules outside the folders of kinds that import one, or compare something with the name of one: `FILE:LINES`."""
    names, found = kinds(), []
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        if (inside[0] == "workers" and inside[1] in names) or "/".join(inside) in OF_OTHERS:
            continue
        if lines := sorted(set(_lines(ast.parse(path.read_text(encoding="utf-8")), names))):
            found.append(f"{path.relative_to(PACKAGE.parent)}:{','.join(map(str, lines))}")
    return found


def _lines(tree: ast.Module, names: frozenset[str]) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)):
                modules = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            case ast.Import():
                modules = [alias.name for alias in node.names]
            case ast.Compare() | ast.MatchValue() | ast.Subscript() | ast.Dict():
                if names & set(_words(node)):
                    yield node.lineno
                continue
            case _:
                continue
        if any(
            f"{module}.".startswith(f"rasreconcile.workers.{name}.") for module in modules for name in names
        ):
            yield node.lineno


def _words(node: ast.AST) -> Iterator[str]:
    """Texts of a comparison, a case, an index, or the keys of a table; not what is indexed, nor the table's values."""
    match node:
        case ast.Compare():
            parts: list[ast.expr] = [node.left, *node.comparators]
        case ast.MatchValue():
            parts = [node.value]
        case ast.Subscript():
            parts = [node.slice]
        case ast.Dict():
            parts = [key for key in node.keys if key is not None]
        case _:
            parts = []
    for part in parts:
        members = part.elts if isinstance(part, ast.Tuple | ast.Set | ast.List) else [part]
        for member in members:
            if isinstance(member, ast.Constant) and isinstance(member.value, str):
                yield member.value


if __name__ == "__main__":
    for place in places():
        print(place)
