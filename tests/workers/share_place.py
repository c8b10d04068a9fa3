"""The place of the contract of workers behind a share."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from samba import USER, ResidentAgent, Smbd

from rasreconcile.jobs import Worker
from rasreconcile.workers.psexec.kind import PsExecWorker
from rasreconcile.workers.psexec.worker import psexec_worker
from tests.workers.places import LocalPlace, WindowsPlace


class SharePlace(WindowsPlace):
    """A Windows host behind a share, as far as it can be stood in for: see `samba`."""

    def __init__(self, server: Smbd, agent: ResidentAgent, sources: Path) -> None:
        LocalPlace.__init__(self, agent.folder, sources)
        self.server = server  # type: ignore[assignment]  # another kind of server
        self.agent = agent
        name = f"it's Räs & ({secrets.token_hex(3)})"
        self.share = PsExecWorker.model_validate(
            {
                "type": "psexec",
                "hostname": server.address,
                "share_path": server.share(name, agent.folder),
                "port": server.port,
                "launcher": "none",
                "credentials": {"username": USER, "password": {"env": "SHARE_PASSWORD"}},
            }
        )
        self.opened = []
        self.worker = self.again()

    def again(self, **changed: Any) -> Worker:
        self.opened.append(psexec_worker("lab", self.share.model_copy(update=changed), self.sources))
        return self.opened[-1]

    def tear_down(self) -> None:
        self.agent.kill()
        super().tear_down()
