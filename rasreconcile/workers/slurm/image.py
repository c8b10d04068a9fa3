"""An Apptainer image in which runs are computed: a file that all nodes see."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Sequence

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.workers import rundir
from rasreconcile.workers.paths_there import LOOK, those_there
from rasreconcile.workers.slurm.site import Site

_FIND = """\
container=$(command -v apptainer || command -v singularity) || { echo "no apptainer"; exit 0; }
[ -e "$image" ] || { echo "no image"; exit 0; }
echo ready
"""
_STAMP = re.compile(r"[0-9]+ [0-9]+ [0-9]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Image:
    """Asked for where jobs are submitted. May be used by several threads."""

    def __init__(self, site: Site, path: str) -> None:
        self.path = path
        """In the spelling of the machine where jobs are submitted."""
        self._site = site
        self._lock = threading.Lock()
        self._known: tuple[str, str] | None = None

    def digest(self) -> str:
        """`sha256:...` of the file, hashed once for each time that it changes. Raises Refused where there is none."""
        with self._lock:
            stamp = self._ask('stat -L -c "%s %Y %i" "$image" 2>/dev/null || true', ()).strip()
            if not _STAMP.fullmatch(stamp):
                raise Refused(_no_image(self.path))
            if self._known is None or self._known[0] != stamp:
                said = self._ask('sha256sum <"$image"', ()).split()
                if not said or not _DIGEST.fullmatch(said[0]):
                    raise Unreachable(f"{self.path}: sha256sum did not say its digest", "it is asked again")
                self._known = (stamp, f"sha256:{said[0]}")
            return self._known[1]

    def ask(self, script: str, words: Sequence[str]) -> str:
        """What a shell script prints inside it."""
        if (trouble := self.trouble()) is not None:
            raise Refused(trouble)
        inside = "container=$(command -v apptainer || command -v singularity)\ninside=$1\nshift\n"
        run = '"$container" exec --bind "$folder" "$image" sh -c "$inside" sh "$@" </dev/null'
        return self._ask(f'mkdir -p "$folder"\n{inside}{run}', (script, *words))

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those of `paths` that are inside it, in the order asked."""
        if not paths:
            return ()
        return those_there(paths, self.ask(LOOK, tuple(paths)))

    def trouble(self) -> Trouble | None:
        """Why nothing can be asked in it."""
        said = self._ask(_FIND, ()).split("\n")
        if "ready" in said:
            return None
        if "no image" in said:
            return _no_image(self.path)
        return Trouble(
            "neither apptainer nor singularity is there, where jobs are submitted",
            "install Apptainer there and on the nodes, or leave out `image` and install HEC-RAS",
        )

    def _ask(self, text: str, words: Sequence[str]) -> str:
        return self._site.slurm(f"image_at {rundir.quoted(self.path)}\n{text}", words)


def _no_image(path: str) -> Trouble:
    return Trouble(f"image: {path} is not there", "make it with `apptainer build`, see docs/workers/slurm.md")
