"""What each verb may import: a verb pays for nothing that it does not use."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rasreconcile.cli.verbs import VERBS

LINE = {"click"}
"""Of the command line itself."""
PEEKING = LINE | {"yaml", "_yaml", "_cython", "cython_runtime"}
"""Reads of a spec where its store is."""
PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
LOADING = PEEKING | PYDANTIC
"""Reads the whole spec."""
WRITING = LOADING | {"sqlite_utils", "sqlite_fts4", "dateutil", "six", "pluggy"}
"""Writes into the store."""

MAY: dict[str, tuple[list[str], set[str]]] = {
    "init": (["init", "demo/Willow.prj", "-o", "new.yaml"], LOADING),
    "check": (["check"], LOADING),
    "diff": (["diff"], LOADING),
    "apply": (["apply"], WRITING),
    "adopt": (["adopt", "--dry-run"], LOADING),
    "status": (["status"], PEEKING),
    "explain": (["explain", "Willow/p01"], LOADING),
    "history": (["history"], PEEKING),
    "logs": (["logs", "Willow/p01"], PEEKING),
    "results": (["results"], PEEKING),
    "report": (["report"], PEEKING | {"jinja2", "markupsafe"}),
    "retry": (["retry", "Willow/p01"], WRITING),
    "cancel": (["cancel", "Willow/p01"], WRITING),
    "prune": (["prune"], LOADING),
    "gc": (["gc", "--dry-run"], WRITING),
    "state": (["state", "show"], PEEKING),
    "schema": (["schema"], LINE | PYDANTIC),
    "completion": (["completion", "bash"], LINE),
}
"""A call of each verb, and the packages of others that it may import."""
NEVER_LOOKS = {"status", "history", "results", "state", "schema", "completion"}
"""Verbs that ask nothing of a study's files: without what reads projects, and without workers."""

_CODE = """
import json, sys
of_python = set(sys.modules)
from rasreconcile.cli.verbs import run
code = run(sys.argv[1:])
others = {name.partition(".")[0] for name in sys.modules if name not in of_python} - set(sys.stdlib_module_names)
own = {name.split(".")[1] for name in sys.modules if name.startswith("rasreconcile.")}
print(json.dumps([code, sorted(others), sorted(own)]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(Path(__file__).parents[2] / "specs" / "demo", folder / "demo")
    (folder / "rasreconcile.yaml").write_text(
        "version: 1\nengine: {type: steady}\nresults: results\n"
        "workers: {desk: {type: local, worker_folder: runs, cores_total: 1, cores_per_plan: 1}}\n"
        "plans: [{project: demo/Willow.prj, numbers: ['01']}]\n"
    )
    _imported(folder, ["apply"])
    yield folder


def _imported(folder: Path, arguments: list[str]) -> tuple[int, set[str], set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    code, others, own = json.loads(done.stderr.splitlines()[-1])
    ours = {"__main__", "__mp_main__", "rasreconcile"}
    found = {
        "_cython" if name.startswith("_cython") else name
        for name in others
        # What a start of Python brings along: a debugger's, a coverage's or an editable install's.
        if not name.startswith(
            ("_sysconfigdata", "__editable__", "_distutils_hack", "coverage", "_virtualenv")
        )
    }
    return code, found - ours, set(own)


def test_every_verb_has_a_list() -> None:
    # `watch` is apply again and again.
    assert {*MAY} == {*VERBS} - {"watch"}


@pytest.mark.parametrize("verb", MAY)
def test_a_verb_imports_only_what_it_uses(applied: Path, verb: str) -> None:
    arguments, may = MAY[verb]
    code, others, own = _imported(applied, arguments)
    assert code in {0, 64}
    assert others <= may
    if verb not in {"apply", "retry", "cancel", "gc"}:
        assert "controller" not in own
    if verb in NEVER_LOOKS:
        assert not own & {"resolve", "studies", "engines", "project"}
