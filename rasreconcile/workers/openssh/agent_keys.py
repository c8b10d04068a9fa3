"""The keys of an SSH agent. Keys and comments that cannot be read are left out; an agent that is gone has none."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.agent import (
    SSH2_AGENT_IDENTITIES_ANSWER,
    AgentKey,
    AgentSSH,
    cSSH2_AGENTC_REQUEST_IDENTITIES,
    get_agent_connection,
)

_UNREADABLE = (paramiko.SSHException, ValueError, IndexError, KeyError, TypeError)
_ANSWER_SECONDS = 120.0
"""An agent may ask its user for a nod."""


@contextmanager
def agent_keys(named: str | None) -> Iterator[tuple[AgentKey, ...]]:
    """`named`: the path of its socket, or `none`; None: that of the environment. Keys sign within the block."""
    agent = _Agent()
    try:
        yield agent.ask(named)
    finally:
        agent.give_back()


_Base: Any = AgentSSH


class _Agent(_Base):  # type: ignore[misc]  # its stubs leave out what is used here
    def ask(self, named: str | None) -> tuple[AgentKey, ...]:
        try:
            self._conn = _connected(named)
            return self._asked() if self._conn is not None else ()
        except (*_UNREADABLE, OSError, EOFError):
            # Its socket is there and nobody answers: then keys are looked for elsewhere, as ssh does.
            return ()

    def give_back(self) -> None:
        self._close()

    def _asked(self) -> tuple[AgentKey, ...]:
        kind, answer = self._send_message(cSSH2_AGENTC_REQUEST_IDENTITIES)
        found = []
        for _ in range(answer.get_int() if kind == SSH2_AGENT_IDENTITIES_ANSWER else 0):
            blob = answer.get_string()
            # Bytes: paramiko's own reader takes comments in UTF-8 alone.
            comment = answer.get_string().decode("utf-8", "replace")
            try:
                found.append(AgentKey(agent=self, blob=blob, comment=comment))
            except _UNREADABLE:
                continue
        return tuple(found)


def _connected(named: str | None) -> Any:
    path = os.environ.get("SSH_AUTH_SOCK") if named is None else named
    if sys.platform == "win32":
        # Pageant, or the agent of Windows, which has one pipe of a fixed name.
        return None if path == "none" else get_agent_connection()
    if not path or path == "none":
        return None
    found = socket.socket(socket.AF_UNIX)
    try:
        found.settimeout(_ANSWER_SECONDS)
        found.connect(path)
    except BaseException:
        found.close()
        raise
    return found
