"""What tests say of a service that is not there, and what is said of all of them at the end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import NoReturn

import pytest


class Service(Enum):
    """What some tests need beside Python: its name, and how it comes to a Debian 12."""

    SSH = "SSH servers", "as root: apt-get install openssh-server openssh-client"
    DOCKER = "a Docker daemon", "as root: apt-get install docker.io iptables busybox-static"
    SLURM = "a Slurm cluster", "as root: apt-get install slurm-wlm munge"
    BUSYBOX = "busybox", "apt-get install busybox-static"
    SHELLS = "dash and bash", "apt-get install dash bash"
    WINE = "Wine", "apt-get install wine64 gcc-mingw-w64-x86-64"
    MONO = "mono", "apt-get install mono-mcs mono-runtime libmono-system-core4.0-cil"
    SAMBA = "Samba", "as root: apt-get install samba; pip install -e '.[test-services]'"
    NETWORKS = "network namespaces", "as root: apt-get install iproute2"
    AWS = "a stand-in for AWS", "pip install -e '.[test-services]'"
    BROWSER = "a browser", "apt-get install chromium; pip install -e '.[test-services]'"
    DISKS = "small disks", "as root, where a tmpfs may be mounted"
    MOUNTS = (
        "mount namespaces",
        "as root, or where users may have namespaces (sysctl user.max_user_namespaces)",
    )
    USERS = "users with a password", "as root, where useradd may write /etc/passwd"
    TERMINALS = "terminals", "mount -t devpts devpts /dev/pts"
    DATA = "HEC-RAS test data", "set RASRECONCILE_TEST_DATA to its folder"

    def __init__(self, title: str, remedy: str) -> None:
        self.title = title
        self.remedy = remedy


class Absent(pytest.skip.Exception):  # type: ignore[name-defined,misc]  # pytest gives it its type as it runs
    """A skip that knows which service it is for want of."""

    def __init__(self, service: Service, what: str) -> None:
        super().__init__(what)
        self.service = service


def absent(service: Service, what: str) -> NoReturn:
    """Skips, saying so; where CI is set, what .ci/run should have brought is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; {service.title}: {service.remedy}")
    raise Absent(service, what)


def told(names: Iterable[str]) -> list[str]:
    """One line for each service that was not found: how many tests it cost, and how it is installed."""
    counted = Counter(names)
    return [
        f"not found: {one.title} ({counted[one.name]} {'test' if counted[one.name] == 1 else 'tests'} skipped);"
        f" {one.remedy}"
        for one in Service
        if counted[one.name]
    ]
