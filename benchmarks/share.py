"""Staging one large input to a share beside `smbclient put` of the same bytes, in the same minute, over loopback.

Needs root, samba, smbclient, mono and the extra `windows-hosts`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "services"))
from samba import PASSWORD, USER, ResidentAgent, Smbd, compile_agent, why_not

from rasreconcile.jobs import Job, Staged
from rasreconcile.workers.psexec.kind import PsExecWorker
from rasreconcile.workers.psexec.worker import psexec_worker


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=1000)
    how = asked.parse_args()
    why = why_not() or next((f"no {p}" for p in ("smbclient", "mcs", "mono") if not shutil.which(p)), None)
    if why:
        print(f"not measured: {why}")
        return
    with tempfile.TemporaryDirectory(prefix="share") as name:
        folder = Path(name)
        server = Smbd(folder / "smbd", "127.79.0.1")
        unc = server.share("runs", folder / "runs")
        server.start()
        agent = ResidentAgent(folder / "runs", compile_agent(folder / "programs"))
        agent.start()
        try:
            measure(folder, server, unc, how.megabytes)
        finally:
            agent.kill()
            server.stop()


def measure(folder: Path, server: Smbd, unc: str, megabytes: int) -> None:
    source, whole = folder / "terrain.tif", hashlib.sha256()
    with source.open("wb") as file:
        for _ in range(megabytes):
            part = os.urandom(1 << 20)
            whole.update(part)
            file.write(part)
    os.environ["SHARE_PASSWORD"] = PASSWORD
    spec = PsExecWorker.model_validate(
        {
            "type": "psexec",
            "hostname": server.address,
            "share_path": unc,
            "port": server.port,
            "launcher": "none",
            "credentials": {"username": USER, "password": {"env": "SHARE_PASSWORD"}},
        }
    )
    worker = psexec_worker("lab", spec, folder)
    staged = Staged(
        source=source,
        name="terrain.tif",
        digest=whole.hexdigest(),
        size=megabytes << 20,
        writable="read only",
    )
    job = Job(
        platform="windows",
        steps=(("x",),),
        inputs=(staged,),
        outputs=(),
        cores=1,
        time_limit=timedelta(hours=1),
    )
    assert worker.check() == []
    ours = seconds(lambda: worker.stage(job))
    words = ["smbclient", unc.replace("\\", "/"), "-p", str(server.port), "-U", f"{USER}%{PASSWORD}"]
    put = [*words, "-c", f"put {source} by-smbclient"]
    theirs = seconds(lambda: subprocess.run(put, check=True, capture_output=True))
    worker.close()
    print(
        f"{megabytes} MB to a share: {ours:.1f} s ({megabytes / ours:.0f} MB/s, digest proven there), "
        f"smbclient put {theirs:.1f} s ({megabytes / theirs:.0f} MB/s): ratio {ours / theirs:.2f}"
    )


def seconds(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
