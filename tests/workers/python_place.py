"""The place of the contract of workers on Windows."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from rasreconcile.jobs import Ended, Job, RunId, Running
from tests.workers.places import LocalPlace, plain_job


class PythonPlace(LocalPlace):
    """This machine, where it is Windows: jobs are scripts for the interpreter of the tests."""

    LAUNCHED = "open('../launches', 'a').write('x\\n')"
    WAITING = "while not os.path.exists('../go'): time.sleep(0.02)"

    def script(self, *texts: str, inputs: dict[str, bytes] | None = None, **more: Any) -> Job:
        """Of Python. Each says by its number in `../pids` that it is there."""
        first = (
            "import os, sys, time\nwith open('{up}../pids', 'a') as file: file.write(f'{{os.getpid()}}\\n')\n"
        )
        up = "../" * len(Path(str(more.get("folder", ""))).parts)
        scripts = {f"job-{n}.py": (first.format(up=up) + text).encode() for n, text in enumerate(texts)}
        steps = tuple((sys.executable, "-I", "-S", f"{up}{name}") for name in scripts)
        staged = self.staged({**(inputs or {}), **scripts})
        return plain_job(**{"platform": "windows", "steps": steps, "inputs": staged, **more})

    def print_line(self, data: bytes) -> str:
        return f"os.write(1, {data!r})"

    def write_line(self, name: str, data: bytes) -> str:
        return f"open({name!r}, 'wb').write({data!r})"

    def exit_line(self, code: int) -> str:
        return f"sys.exit({code})"

    def begin(self, run: RunId, job: Job) -> None:
        """Also where its interpreter takes longer to start than a runner is given before it counts as late."""
        self.worker.start(run, job)
        self.until(lambda: isinstance(self.worker.poll([run])[run], Running | Ended))

    def kill(self, run: RunId) -> None:
        # The kernel ends the job with its runner.
        for pid in self.processes(run):
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def processes(self, run: RunId) -> list[int]:
        """The runner and the scripts that are still there."""
        place = self.folder / run
        claim = place / "started"
        pids = [int(claim.read_text().split()[1])] if claim.exists() else []
        scripts = place / "pids"
        pids += [int(line) for line in scripts.read_text().split()] if scripts.exists() else []
        return [pid for pid in pids if _is_there(pid)]


if sys.platform == "win32":
    from rasreconcile.workers.windows_kernel import start_of

    def _is_there(pid: int) -> bool:
        return start_of(pid) is not None

else:

    def _is_there(pid: int) -> bool:
        return Path(f"/proc/{pid}").exists()
