"""The Python that the documentation shows runs, and shows what it says: docs/notebooks.md and docs/notebook.ipynb."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import notebook

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def with_python() -> list[Path]:
    return [page for page in PAGES if _BLOCK.search(page.read_text(encoding="utf-8"))]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a reader has, with the current folder there."""
    shutil.copytree(
        REPOSITORY / "specs", tmp_path / "specs", ignore=shutil.ignore_patterns("results", "rasruns")
    )
    (tmp_path / "state").mkdir()
    (tmp_path / "docs").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", with_python(), ids=lambda page: page.name)
def test_the_python_of_a_page_prints_what_it_shows(page: Path, clone: Path) -> None:
    blocks = "\n".join(_BLOCK.findall(page.read_text(encoding="utf-8")))
    assert ">>> " in blocks, "Python of a page is written as a reader types it, with >>>"
    test = doctest.DocTestParser().get_doctest(blocks, {"__name__": "__main__"}, page.name, str(page), 0)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=_FLAGS).run(test, out=said.append)
    assert "".join(said) == ""


def test_the_notebook_runs_and_shows_what_it_says(clone: Path) -> None:
    stored = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    shutil.copy(DOCS / "notebook.ipynb", clone / "docs")
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.notebook", "notebook.ipynb"],
        cwd=clone / "docs",
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run = json.loads((clone / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))
    assert notebook.shown(run) == notebook.shown(stored), "write it again: CONTRIBUTING.md says how"
    assert any("<table>" in text for text in notebook.shown(stored))
    assert sum(cell["cell_type"] == "markdown" for cell in stored["cells"]) > 3
