"""Runs a notebook's code cells and writes their outputs into it: `python -m tests.docs.notebook docs/notebook.ipynb`.

It stands in for Jupyter where there is none: cells share one namespace, what is printed is a stream, and the value of a
last expression is displayed by its `_repr_html_` and `repr`.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

CLONE = "/home/me/rasreconcile"
_VARIES = (
    (re.compile(r" *\n"), "\n"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min|h)\b"), "DURATION"),
    (re.compile(r"\b\d{8}-\d{6}-[a-z0-9-]+-[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"\b(desk|night)\b"), "WORKER"),
    (re.compile(r"(?<=<td>)\d+(\.\d+)?(?=</td><td>WORKER</td>)"), "SECONDS"),
    (re.compile(r"(?<=\s)\d+(\.\d+)?(?=\s+WORKER)"), "SECONDS"),
    (re.compile(r"\b\d+ bytes, sha256 [0-9a-f]+"), "BYTES"),
)


def run(cells: Iterable[dict[str, Any]]) -> None:
    """Gives every code cell its outputs. Raises what a cell raises."""
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate((c for c in cells if c["cell_type"] == "code"), 1):
        printed = io.StringIO()
        with redirect_stdout(printed):
            value = _value("".join(cell["source"]), space)
        cell["execution_count"] = number
        cell["outputs"] = list(_outputs(printed.getvalue(), value, number))


def _value(source: str, space: dict[str, Any]) -> Any:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), space)
    return (
        eval(compile(ast.Expression(last.value), "<cell>", "eval"), space)
        if isinstance(last, ast.Expr)
        else None
    )


def _outputs(printed: str, value: Any, number: int) -> Iterator[dict[str, Any]]:
    if printed:
        yield {"name": "stdout", "output_type": "stream", "text": printed.splitlines(keepends=True)}
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        if hasattr(value, "_repr_html_"):
            data = {"text/html": value._repr_html_().splitlines(keepends=True), **data}
        yield {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"}


def shown(notebook: dict[str, Any]) -> list[str]:
    """What its outputs show, without what differs from run to run; lines of events in any order."""
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            texts = [output["text"]] if "text" in output else list(output["data"].values())
            found += [_plain("".join(text)) for text in texts]
    return found


def _plain(text: str) -> str:
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return "\n".join(sorted(" ".join(line.split()) for line in text.splitlines()))


def main(path: Path) -> None:
    """Runs the notebook in the current folder, and writes it again."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    run(notebook["cells"])
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    # Where the clone lies on the machine that ran it is nobody's business.
    path.write_text(text.replace(str(Path.cwd().parent), CLONE) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
