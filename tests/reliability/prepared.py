"""The scenario `hec-ras`: a plan that Ras.exe prepares on one worker for the Linux solvers of another. All are stand-ins."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.engines.hec_ras import install_search
from tests.reliability.scenarios import MARK, Scenario

if TYPE_CHECKING:
    from tests.reliability.kinds import Kind

# As the tests of pytest find them.
sys.path.insert(0, str(Path(__file__).parents[1] / "standins"))
import installing

SPEC = """\
version: 1
state: {store}
results: results
engine: {{type: hec-ras, version: "6.6"}}
retries: {{attempts: 3, wait: 0s, at_most: 0s}}
workers:
  desk: {solver}
  office: {{type: local, worker_folder: runs/office, ras_exe_path: windows/6.6/Ras.exe, queue_priority: 5}}
plans:
  - {{project: model/Basin.prj, numbers: ["01"], only_on: [desk]}}
"""


class HecRas(Scenario):
    """A change of a flow makes the plan be prepared once more, and computed once more from what that left."""

    kinds = frozenset({"local", "ssh"})
    plans = ("Basin/p01",)
    computed = {"Ras": 1, "RasUnsteady": 1}  # noqa: RUF012  as in every scenario

    def lay_out(self, folder: Path, kind: Kind, store: str) -> None:
        installing.write_project(folder / "model", plans=("01",))
        solvers = installing.linux(folder / "linux" / "6.6", "6.6").programs
        ras = installing.twin(folder / "windows" / "6.6", "6.6").home / "Ras"
        ras = ras.rename(ras.with_name("Ras.exe"))
        installing.sh_wine(folder / "wine")
        counted = f"mkdir -p {folder}/ran\n: >{folder}/ran/"
        first, rest = ras.read_text().split("\n", 1)
        ras.write_text(f'{first}\n{counted}"Ras.{MARK}"\n{rest}')
        # A compiled program: a script in its place counts, and becomes it. Without words it is only tried.
        (solvers / "real").mkdir()
        shutil.copy(solvers / "standin.txt", solvers / "real")
        real = (solvers / "RasUnsteady").rename(solvers / "real" / "RasUnsteady")
        script = solvers / "RasUnsteady"
        script.write_text(
            f'#!/bin/sh\nif [ $# -gt 0 ]; then\n{counted}"RasUnsteady.{MARK}"\nfi\nexec {real} "$@"\n'
        )
        script.chmod(0o755)
        solver = kind.worker(
            folder, self.cores, f", ras_exe_path: {folder}/linux/6.6, preprocess_on_host: true"
        )
        (folder / "spec.yaml").write_text(SPEC.format(store=store, solver=solver))

    def change(self, folder: Path) -> None:
        flow = folder / "model" / "Basin.u01"
        flow.write_bytes(flow.read_bytes().replace(b"    2000", b"    9000"))

    def equip(self, folder: Path, argv: Sequence[str]) -> None:
        install_search._WINE = (str(folder / "wine"),)
        os.environ["WINEPREFIX"] = str(folder / "no prefix")

    def output(self, plan: str) -> str:
        return "Basin/Basin.p01.hdf"

    def good(self, folder: Path, plan: str) -> str | None:
        return None
