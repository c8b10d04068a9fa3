"""Workers of ras-commander's RemoteWorkers.json, as workers of a spec.

Source of the format and its defaults: ras_commander/remote of gpt-cmdr/ras-commander, `load_workers_from_json` and the
worker classes behind `init_ras_worker`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

from rasreconcile.api.workers import Worker
from rasreconcile.errors import RasReconcileError, UsageError
from rasreconcile.plain_files import LARGEST_SMALL, whole

Here = Literal["posix", "windows"]

_LAST_PRIORITY = 9
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # What is left out in the file means this there.
    "local": {"cores_per_plan": 4, "process_priority": "low"},
    "psexec": {"cores_per_plan": 4, "process_priority": "low", "session_id": 2},
    "docker": {"cores_per_plan": 4, "max_runtime_minutes": 480, "preprocess_on_host": True},
    "ssh": {"cores_per_plan": 4},
    "slurm": {"cores_per_plan": 4},
}
_NOT_NEEDED: Mapping[str, str] = {
    "system_account": "HEC-RAS hangs under the system account",
    "remote_temp_folder": "every run has a folder of its own below worker_folder",
    "container_input_path": "files have one place in every container",
    "container_output_path": "files have one place in every container",
    "container_script_path": "the solvers are found and called without a script of the image",
    "staging_directory": "every run has a folder of its own below worker_folder",
    "remote_host_os": "the daemon says what it is",
    "capabilities": "it has no effect",
    "metadata": "it has no effect",
}
_NO_KINDS = frozenset({"winrm", "aws_ec2", "azure_fr"})
_SAYS_NOTHING: tuple[object, ...] = (None, "", False, {}, [])


def workers_from_json(path: str | os.PathLike[str], *, enabled_only: bool = True) -> tuple[Worker, ...]:
    """The workers of a RemoteWorkers.json, with the defaults that ras-commander gives them.

    `enabled_only`: without those that say `"enabled": false`. What is different here, or was left out, is in each
    worker's `remarks`. A password is never taken over: the worker names an environment variable in its place. Raises
    UsageError for a file that is none, or a kind of worker that does not exist here.
    """
    return workers_in(
        _entries(Path(path)), os.fspath(path), "windows" if os.name == "nt" else "posix", enabled_only
    )


def _entries(path: Path) -> list[Any]:
    try:
        found = json.loads(whole(path, LARGEST_SMALL).decode("utf-8-sig"))
    except OSError as error:
        raise RasReconcileError(
            f"{path}: {error.strerror}", "name ras-commander's RemoteWorkers.json"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", "name ras-commander's RemoteWorkers.json") from error
    workers = found.get("workers") if isinstance(found, dict) else None
    if not isinstance(workers, list):
        raise UsageError(f'{path} has no list "workers"', "name ras-commander's RemoteWorkers.json")
    return workers


def workers_in(entries: Iterable[Any], name: str, here: Here, enabled_only: bool) -> tuple[Worker, ...]:
    """`here`: what this machine is; paths of other systems mean nothing on it."""
    taken = [entry for entry in entries if not enabled_only or _enabled(entry)]
    ranks = _ranks(taken)
    found: list[Worker] = []
    for n, entry in enumerate(taken, 1):
        kind = entry.get("worker_type") if isinstance(entry, dict) else None
        if not isinstance(kind, str):
            raise UsageError(
                f"{name}: worker {n} has no worker_type", 'write "worker_type": "local", or another'
            )
        if kind in _NO_KINDS or kind not in _DEFAULTS:
            raise UsageError(
                f"{name}: there are no workers of type {kind} here", 'write "enabled": false, or another type'
            )
        translation = _Translation(kind, here)
        translation.read(entry, ranks)
        found.append(translation.worker(_unique(_name(entry, kind), [one.name for one in found])))
    return tuple(found)


def _enabled(entry: Any) -> bool:
    return not isinstance(entry, dict) or bool(entry.get("enabled", True))


def _ranks(entries: Iterable[Any]) -> Mapping[int, int]:
    """New priorities, in the same order, where there are higher ones than a spec knows; else none."""
    known = {
        e["queue_priority"] for e in entries if isinstance(e, dict) and type(e.get("queue_priority")) is int
    }
    if not known or max(known) <= _LAST_PRIORITY:
        return {}
    known |= {0} if any(isinstance(e, dict) and "queue_priority" not in e for e in entries) else set()
    return {old: min(new, _LAST_PRIORITY) for new, old in enumerate(sorted(known))}


def _name(entry: Mapping[str, Any], kind: str) -> str:
    words = (entry.get(key) for key in ("name", "worker_id"))
    given = next((str(word) for word in words if word and isinstance(word, str | int)), kind)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", given).strip("-._")[:60] or kind


def _unique(name: str, others: Iterable[str]) -> str:
    taken, new, n = set(others), name, 1
    while new in taken:
        n += 1
        new = f"{name}-{n}"
    return new


@dataclass(slots=True)
class _Translation:
    """One entry on its way."""

    kind: str
    here: Here
    fields: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _user: Any = None
    _password: bool = False

    def read(self, entry: Mapping[str, Any], ranks: Mapping[int, int]) -> None:
        said = dict(_said(entry))
        plain = {
            key: value for key, value in said.items() if key == "credentials" or not isinstance(value, dict)
        }
        for key, value in {**_DEFAULTS[self.kind], **plain}.items():
            self._take(key, value)
        # Whatever an object holds may be a secret, and would be shown by the words that refuse it.
        odd = [key for key, value in said.items() if value and key not in plain]
        self.remarks += [f"{key} is left out: it is not a plain value" for key in odd]
        self._cores()
        self._priority(ranks)
        if self.kind == "docker":
            self._staging()

    def _take(self, key: str, value: Any) -> None:
        match key:
            case "credentials" if isinstance(value, dict):
                for part, word in value.items():
                    self._take(part, word)
            case "username" if self.kind == "psexec":
                self._user = value
            case "password":
                self._password = True
            case "hostname" if self.kind in {"local", "docker"}:
                pass  # has no effect there: this machine, or that of docker_host
            case "cpu_limit":
                self.fields[key] = str(value)
            case "worker_folder" | "ras_exe_path" if self._of_another_system(value):
                self._leave_out(key, f"{value} is a path of Windows")
            case "ras_exe_path" if self.kind == "docker":
                self.fields[key] = str(value).removesuffix("/RasUnsteady")
            case _ if key in _NOT_NEEDED:
                if value not in _SAYS_NOTHING:
                    self._leave_out(key, _NOT_NEEDED[key])
            case _:
                self.fields[key] = value

    def _of_another_system(self, value: Any) -> bool:
        """Of a local worker on another system, or of a container, which is always a Linux."""
        elsewhere = self.kind == "docker" or (self.kind == "local" and self.here == "posix")
        return elsewhere and bool(PureWindowsPath(str(value)).drive)

    def _leave_out(self, key: str, why: str) -> None:
        self.fields.pop(key, None)
        self.remarks.append(f"{key} is left out: {why}")

    def _cores(self) -> None:
        """There a worker without cores_total, or with too few, runs one plan at a time."""
        each, plans = self.fields["cores_per_plan"], self.fields.get("max_parallel_plans", 1)
        if self.kind == "docker" and type(each) is type(plans) is int:
            self.fields.setdefault("cores_total", each * max(plans, 1))
        total = self.fields.setdefault("cores_total", each)
        if type(total) is int and type(each) is int and 0 < total < each:
            self.fields["cores_per_plan"] = total
            self.remarks.append(f"cores_per_plan is {total} instead of {each}: cores_total is no more")

    def _priority(self, ranks: Mapping[int, int]) -> None:
        old = self.fields.get("queue_priority", 0)
        new = ranks.get(old, old) if type(old) is int else old
        if new != old:
            self.fields["queue_priority"] = new
            self.remarks.append(
                f"queue_priority is {new} instead of {old}: it goes from 0 to {_LAST_PRIORITY}"
            )

    def _staging(self) -> None:
        """Only a share with both ends is one; without, files travel through Docker itself."""
        share, folder = self.fields.get("share_path"), self.fields.get("remote_staging_path")
        why = "files travel through Docker itself"
        if share and self.here == "posix" and str(share).startswith("\\\\"):
            self._leave_out("share_path", f"this machine cannot open {share}; mount it, or {why}")
            share = None
        if folder and not share:
            self._leave_out("remote_staging_path", why)

    def worker(self, name: str) -> Worker:
        secret = {"env": f"{re.sub(r'[^A-Z0-9]+', '_', name.upper())}_PASSWORD"}
        if not re.match("[A-Z_]", secret["env"]):
            secret["env"] = f"_{secret['env']}"
        if self._password:
            self.remarks.append(
                f"its password is not taken over: set the environment variable {secret['env']}"
            )
        if self._user is not None:
            self.fields["credentials"] = {"username": self._user, "password": secret}
        elif self._password:
            self.fields["password"] = secret
        return Worker(name, self.kind, dict(self.fields), tuple(self.remarks))


def _said(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Its parameters: no comments, and nothing that is null, which stands for the default there."""
    for key, value in entry.items():
        if (
            key not in {"name", "worker_id", "worker_type", "enabled"}
            and not key.startswith("_")
            and value is not None
        ):
            yield key, value
