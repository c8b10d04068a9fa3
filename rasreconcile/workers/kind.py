"""One kind of worker: all that the rest of the program asks of it without knowing which kind it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast, get_args

from rasreconcile.errors import Trouble, UsageError
from rasreconcile.jobs import Worker
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.host import Host

Platform = Literal["posix", "windows"]
Opener = Callable[..., Worker]
"""(the worker's name, its part of the spec, the folder of the spec file) -> the worker."""
HostOf = Callable[[str, str], Host]
"""(another worker's name, a folder in its spelling) -> its machine, with run directories in that folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A line of the table in `workers/kinds.py`."""

    spec: type[WorkerBase]
    """Its part of a spec; the literal of its field `type` names the kind."""
    opener: Opener | str | None
    """`module:function` is imported when the first worker of the kind is opened; None: the kind is not built yet.
    That of a kind which `refers` to others takes a `HostOf` as well."""
    host: str | None = None
    """For kinds that go through this one: `module:function` of an opener that takes a folder too and opens a `Host`."""
    here: bool = False
    """Its runs are on this machine: looking there costs next to nothing."""
    pause: float = 0.0
    """Seconds between two polls at the least: where a question costs money, or is counted."""
    images: bool = False
    """Its runs are computed in container images, whose digest is their platform."""
    in_image: Callable[[Any], bool] = lambda _: True
    """Of a kind with images: whether the runs of this worker are."""
    platform: Callable[[Any], Platform] = lambda _: "posix"
    """Whose programs a worker of the kind runs."""
    folder: Callable[[Any, Path], str] = lambda spec, _: spec.worker_folder
    """Where its run directories are made, in the worker's own spelling; the path is the spec file's folder."""
    runs_at: Callable[[str, Any, Path], str] | None = None
    """The same in words for people, from the worker's name too, where that is not a folder of its machine."""
    program: Callable[[Any, Path], str | None] = lambda spec, _: spec.ras_exe_path
    """What `ras_exe_path` names, in the worker's own spelling."""
    python: str | None = None
    """The interpreter that can run the built-in engine there; None: the usual name of it on the platform."""
    executes: tuple[str, ...] = ("ras_exe_path",)
    """Fields that name what is executed: programs, images, options of a scheduler."""
    local_paths: tuple[str, ...] = ()
    """Fields that are paths on this machine."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Fields that name another worker of the spec, and of which kind that one must be."""
    remedies: Mapping[str, str] = field(default_factory=dict)
    """What to do where a required field is missing, by field."""
    fix_script: Callable[[Any], str] | None = None
    """A PowerShell script for the administrator of its host, which allows what a worker of the kind needs there; it is
    empty where this worker needs none."""
    hint: str = ""
    """A worker of the kind as `init` shows it, YAML."""

    @property
    def name(self) -> str:
        """As the `type` of a worker in a spec."""
        return str(get_args(self.spec.model_fields["type"].annotation)[0])

    def open(self, name: str, spec: WorkerBase, folder: Path, host_of: HostOf) -> Worker:
        """The worker that this part of a spec describes. Raises UsageError where the kind is not built."""
        if self.opener is None:
            why = not_built(self.name)
            raise UsageError(f"workers.{name}: {why.what}", why.remedy)
        opener = _imported(self.opener)
        referred = (host_of,) if self.refers else ()
        return cast(Worker, opener(name, spec, folder, *referred))

    def open_host(self, name: str, spec: WorkerBase, folder: Path, there: str) -> Host:
        """The machine of this worker, with run directories in the folder `there`, in its own spelling."""
        assert self.host is not None, f"no kind goes through {self.name}"
        return cast(Host, _imported(self.host)(name, spec, folder, there))

    def has_image(self, spec: WorkerBase) -> bool:
        """Whether the runs of this worker are computed in a container image."""
        return self.images and self.in_image(spec)


Kinds = Mapping[str, Kind]
"""By name."""


def not_built(kind: str) -> Trouble:
    """The one word for a kind that a spec may name and no version runs yet."""
    return Trouble(f"workers of type {kind} are not built yet", "leave the worker out for now")


def _imported(opener: Opener | str) -> Callable[..., Any]:
    if not isinstance(opener, str):
        return opener
    # The library of a kind takes up to half a second of import: only where a worker of it is used.
    module, _, function = opener.partition(":")
    return cast(Opener, getattr(import_module(module), function))
