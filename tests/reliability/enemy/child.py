"""The process in which answers are tried: within a limit of memory, and with the stacks told where it is ended."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from random import Random

from rasreconcile.errors import RasReconcileError
from rasreconcile.printable import printable
from tests.reliability.enemy.kinds import KINDS
from tests.reliability.enemy.trial import MEMORY, PATIENCE, Attempt, chance_of

LONGEST_MESSAGE = 1500
"""Characters of a message that a user is shown."""


def main() -> None:
    name, seed, first, last, folder = sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5])
    faulthandler.enable(all_threads=True)
    # By its own time, whatever else the machine does: that ends the process, with its stacks.
    faulthandler.register(signal.SIGPROF, all_threads=True, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with KINDS[name].begin(folder) as attempt:
        # What the first answer imports and opens is the program's own, and not what an answer costs.
        outcome(attempt, chance_of(name, seed, -1))
        limit = _size() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        _say(ready=True)
        for number in range(first, last):
            began = time.monotonic()
            signal.setitimer(signal.ITIMER_PROF, PATIENCE)
            found = outcome(attempt, chance_of(name, seed, number))
            signal.setitimer(signal.ITIMER_PROF, 0)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
            _say(number=number, seconds=time.monotonic() - began, peak=peak, **found)


def outcome(attempt: Attempt, chance: Random) -> dict[str, str]:
    """`outcome`: what became of it; or `finding`: what must not be. An error of ours says what to do, in one line."""
    try:
        return {"outcome": attempt(chance)}
    except RasReconcileError as error:
        if why := _unfit(error):
            return {"finding": f"{why}: {traceback.format_exc()[-6000:]}"}
        return {"outcome": type(error).__name__}
    except Exception:  # noqa: BLE001  whatever it is, it is what was looked for
        return {"finding": traceback.format_exc()[-6000:]}


def _unfit(error: RasReconcileError) -> str:
    said = str(error)
    if len(said) > LONGEST_MESSAGE:
        return f"a message of {len(said)} characters"
    if "\n" in said or printable(said) != said:
        return "a message that is not one printable line"
    return "" if error.trouble.remedy else "a message without a remedy"


def _size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _say(**said: object) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    main()
