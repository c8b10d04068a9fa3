"""A user of this machine who has a password, for as long as a test needs one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from services import Service, absent


@contextmanager
def user_with(password: str) -> Iterator[str]:
    """His name. Skips where none can be made."""
    name = f"ras{os.getpid()}"
    made = subprocess.run(
        ["useradd", "-M", "-s", "/bin/sh", "-d", "/tmp", name], check=False, capture_output=True
    )
    if made.returncode != 0:
        absent(Service.USERS, "no user can be made here")
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
        yield name
    finally:
        # His last session may be on its way out.
        subprocess.run(["userdel", "-f", name], check=True, capture_output=True)
