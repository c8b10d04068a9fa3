"""Pages that list things list all of them, and links between pages lead somewhere."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from rasreconcile import __version__
from rasreconcile.cli.verbs import VERBS
from rasreconcile.jobs import EndCause
from rasreconcile.specfile import load, schema_json
from rasreconcile.store import Store

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    REPOSITORY / "tests" / "standins" / "README.md",
]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def first_columns(text: str) -> set[str]:
    """The words in backticks of the first column of every table."""
    rows = (line.split("|")[1] for line in text.splitlines() if line.startswith("| "))
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_the_page_of_the_store_lists_every_table_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store.open(path, now=datetime.now(UTC)).close()
    with sqlite3.connect(path) as store:
        made = {name for (name,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    store.close()
    assert first_columns(page("store.md")) == {name for name in made if not name.startswith("sqlite_")}


def test_the_page_of_the_run_directory_names_every_cause_of_an_end() -> None:
    text = page("run-directory.md")
    assert [cause for cause in get_args(EndCause) if f"`{cause}`" not in text] == []


def test_the_page_of_the_run_directory_names_what_a_run_leaves(tmp_path: Path, demo: Path) -> None:
    shutil.copytree(demo, tmp_path / "demo")
    (tmp_path / "spec.yaml").write_text(
        "version: 1\nstate: s.db\nresults: results\nengine: {type: steady}\nautoclean: false\n"
        "workers: {desk: {type: local, worker_folder: runs, cores_total: 1, cores_per_plan: 1}}\n"
        "plans: [{project: demo/Willow.prj, numbers: ['02']}]\n"
    )
    subprocess.run(
        [sys.executable, "-m", "rasreconcile", "apply", "spec.yaml"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (run,) = (entry for entry in (tmp_path / "runs").iterdir() if (entry / "done.json").exists())
    text = page("run-directory.md")
    left = {f"{entry.name}/" if entry.is_dir() else entry.name for entry in run.iterdir()}
    # The claim of a runner is written as `started.<pid>` first.
    assert {name for name in left if not re.fullmatch(r"started\.\d+", name)} - first_columns(text) == set()
    done = json.loads((run / "done.json").read_text())
    assert [key for key in done if f"`{key}`" not in text] == []


def test_how_it_works_names_every_package_engine_and_kind_of_worker() -> None:
    text = page("how-it-works.md")
    packages = {path.parent.name for path in (REPOSITORY / "rasreconcile").glob("*/__init__.py")}
    modules = {
        path.stem for path in (REPOSITORY / "rasreconcile").glob("*.py") if not path.stem.startswith("_")
    }
    assert [name for name in sorted(packages | modules) if f"`{name}`" not in text] == []
    kinds = {
        model["properties"]["type"]["const"]
        for model in json.loads(schema_json())["$defs"].values()
        if "const" in model.get("properties", {}).get("type", {})
    }
    assert {"steady", "local"} <= kinds
    not_built: set[str] = set()
    assert [kind for kind in sorted(kinds - not_built) if f"`{kind}`" not in text] == []


def test_the_readme_lists_every_verb() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    table = " ".join(first_columns(text))
    assert [verb for verb in VERBS if not re.search(rf"\b{verb}\b", table)] == []


def test_every_whole_spec_that_a_page_shows_is_without_fault(tmp_path: Path) -> None:
    shown = [
        block
        for path in PAGES
        for block in re.findall(
            r"^```yaml\n(version: 1\n.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        if "plans:" in block
    ]
    assert len(shown) >= 2
    for block in shown:
        (tmp_path / "spec.yaml").write_text(block, encoding="utf-8")
        load(tmp_path / "spec.yaml")


def anchors(text: str) -> set[str]:
    """As GitHub and the site make them of headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(REPOSITORY)) for path in PAGES])
def test_links_of_a_page_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


def test_the_version_has_one_source() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rasreconcile", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == __version__
    settings = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in settings
    assert __version__ in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
