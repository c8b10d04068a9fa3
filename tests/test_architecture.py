"""The layers, and what a quick verb may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def test_imports_go_downwards_and_pure_rooms_stay_pure() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("verb", ["status", "history", "results"])
def test_verbs_that_only_read_the_store_import_nothing_heavy(tmp_path: Path, verb: str) -> None:
    from datetime import UTC, datetime

    from rasreconcile.store import Store

    (tmp_path / "spec.yaml").write_text("version: 1\nstate: state.db\n")
    Store.open(tmp_path / "state.db", now=datetime.now(UTC)).close()
    code = (
        "import sys; from rasreconcile.cli.verbs import run;"
        f"assert run(['{verb}', 'spec.yaml']) == 0;"
        "heavy = {'docker', 'paramiko', 'h5py', 'numpy', 'pydantic', 'sqlite_utils', 'rich', 'watchfiles'};"
        "found = heavy & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_no_module_outgrows_its_name() -> None:
    long = {
        str(path.relative_to(REPOSITORY))
        for room in ("rasreconcile", "tests", "benchmarks")
        for path in (REPOSITORY / room).rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 350
    }
    assert long == set()


def test_every_module_says_what_it_is_in_its_first_line() -> None:
    silent = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "rasreconcile").rglob("*.py")
        if not (ast.get_docstring(ast.parse(path.read_text())) or "").strip()
    ]
    assert silent == []


def test_no_function_of_a_package_has_the_name_of_a_module_in_it() -> None:
    """The first import of the module would put it in the function's place."""
    for package in (REPOSITORY / "rasreconcile").rglob("__init__.py"):
        modules = {path.stem for path in package.parent.glob("*.py")}
        modules |= {path.parent.name for path in package.parent.glob("*/__init__.py")}
        body = ast.parse(package.read_text(encoding="utf-8")).body
        functions = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert not functions & modules, package
