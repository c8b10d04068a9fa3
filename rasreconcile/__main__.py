"""`python -m rasreconcile`, and the console script."""

from __future__ import annotations

import gc
import sys
import sysconfig


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    # A console script has its own folder first in the path, where scripts of other packages have names of modules.
    scripts = sysconfig.get_path("scripts")
    sys.path[:] = [place for place in sys.path if place != scripts]
    from rasreconcile.cli.streams import open_all, take_all_letters  # noqa: PLC0415  only what the verb needs is imported

    open_all()
    from rasreconcile.cli.verbs import run  # noqa: PLC0415

    # Ten thousand plans are a million objects, hardly any in a cycle: it does not pay to search them often.
    gc.set_threshold(100_000, 50, 50)
    take_all_letters()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
