"""Which tests run on CPython for Windows, and why the others do not. `.ci/windows` runs them there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

POSIX: Mapping[str, str] = {
    "api": "its tests compare with what POSIX workers did",
    "docs": "its blocks are POSIX shell",
    "reliability": "its controllers are forks; `windows_kills.py` kills them on Windows",
    "standins": "compiles stand-ins of HEC-RAS with mingw on this machine",
    "test_architecture.py": "looks at the source, which is the same",
    "test_services.py": "starts services of this machine",
    "operations": "its hosts are SSH servers of this machine",
    "apply": "its study computes with POSIX scripts; `.ci/windows` applies the demo",
    "engines": "the stand-ins of HEC-RAS are programs of Linux",
    "workers/docker": "containers are Linux",
    "workers/test_commandline.py": "compiles a program with mingw on this machine",
    "workers/test_disks.py": "mounts small disks",
    "workers/test_enemy.py": "what hostile jobs make: pipes, devices, links",
    "workers/test_local.py": "children in sessions, zombies, signals; test_windows_local.py tells of Windows",
    "workers/test_login.py": "logins at SSH servers of this machine",
    "workers/test_login_scripts.py": "logins at SSH servers of this machine",
    "workers/test_keys.py": "keys that OpenSSH makes on this machine",
    "workers/test_knownhosts.py": "keys that OpenSSH makes on this machine",
    "workers/test_run_directories_come_back.py": "runs are POSIX scripts",
    "workers/test_shells.py": "the POSIX runner in several shells",
    "workers/test_sleep.py": "the POSIX runner under a clock of its own",
    "workers/test_spoilt.py": "what POSIX jobs spoil",
    "workers/test_ssh.py": "SSH servers of this machine",
    "workers/test_sshconfig.py": "compared with OpenSSH's own client of this machine",
    "workers/test_starts.py": "sessions, terminals and signals",
    "workers/test_toy.py": "a kind whose runs are POSIX scripts",
    "workers/test_windows.py": "the agent of Windows hosts, which mono runs on this machine",
}
"""Rooms and files below `tests`, and what of them is POSIX by nature."""

WINDOWS = frozenset({"workers/test_windows_local.py"})
"""Those that can only run there."""


def posix_only(below_tests: PurePath) -> str | None:
    """Why a test file does not run on Windows; None: it does."""
    names = (below_tests, *below_tests.parents)
    return next((POSIX[name.as_posix()] for name in names if name.as_posix() in POSIX), None)
