"""Whether HEC-RAS computed what it was asked: the evidence of HDF, messages and log, and what to do where it did not.

The exit code proves nothing, in either direction. PURE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rasreconcile.facts import HdfFacts
from rasreconcile.failures import Failure, FailureClass
from rasreconcile.hecras_messages import FINISHED, last_said, log_errors, said
from rasreconcile.hecras_versions import same, version_in
from rasreconcile.jobs import RunEvidence


@dataclass(frozen=True, slots=True)
class Sign:
    """A line by which HEC-RAS, or the system, tells what went wrong, and what that means."""

    pattern: str
    kind: FailureClass
    cause: str
    remedy: str


SIGNS = (
    Sign(
        r"error while loading shared libraries|DLL.* not found|was not found .*\.dll",
        "worker",
        "missing library",
        "HEC-RAS's install on this worker is not whole: its `libs` folder must hold this file, readable",
    ),
    Sign(
        r"^(sh|.*steps\.sh): .*(not found|Permission denied)|^exec: .*not found",
        "worker",
        "program missing",
        "look whether HEC-RAS's programs are there and executable on this worker (`check`)",
    ),
    Sign(
        r"Restart file is not from HEC-RAS",
        "permanent",
        "restart of another version",
        "compute the plan that writes the restart file with this version too",
    ),
    Sign(
        r"There are no flow values|There are no rivers",
        "permanent",
        "input refused",
        "mend the flow or geometry file in HEC-RAS; a change frees the plan",
    ),
    Sign(
        r"Unable to compute face tables|terrain .*does not completely cover|Geometry Writer Failed"
        r"|Error Processing Geometry",
        "permanent",
        "geometry error",
        "mend the geometry, or its terrain, in HEC-RAS; a change frees the plan",
    ),
    Sign(
        r"went unstable|failed to converge",
        "permanent",
        "unstable",
        "shorten the computation interval, or look at mesh and boundary where it went unstable",
    ),
    Sign(
        r"forrtl: severe \((29|30)\)|HDF_ERROR: unable to open",
        "permanent",
        "file not found by HEC-RAS",
        "an input is missing in the run: name it in `inputs`, or prepare the plan again on Windows",
    ),
    Sign(
        r"forrtl: severe \((59|64)\)",
        "permanent",
        "file not understood by HEC-RAS",
        "a prepared file is damaged or of another version: prepare the plan again on Windows",
    ),
    Sign(
        r"HDF_ERROR|^\s*ERROR:",
        "permanent",
        "refused by HEC-RAS",
        "mend the input that it names; a change frees the plan",
    ),
    Sign(
        r"rasreconcile: Ras\.exe hangs",
        "worker",
        "hangs",
        "it needs a desktop session (session_id of `query session`), and a dialog that nobody sees stops it (terms and"
        " conditions, after an installation): start HEC-RAS once by hand there, as the user that runs it",
    ),
    Sign(
        r"rasreconcile: Ras\.exe has returned",
        "retryable",
        "solver stopped",
        "look at the messages (`logs`); it is tried again",
    ),
    Sign(
        r"forrtl: severe|Error with program|Program execution halted|encountered an error|Killed|Segmentation fault",
        "retryable",
        "solver crashed",
        "it is tried again; if it comes back, run the plan in HEC-RAS's own window and look there",
    ),
)
"""The first that matches a line counts; the order is from the cause to its consequences."""

SOLVER_BEGINS = r"PROCESS:RasUnsteady|Performing Unsteady Flow Simulation"
"""Messages by which Ras.exe tells that everything is prepared."""

_NOISE = re.compile(r"Accounting Error|above default range|Maximum iteration location", re.IGNORECASE)


def judge(evidence: RunEvidence, version: str) -> Failure | None:
    """Why the run is no success, with class and remedy; None: every sign says that it is one."""
    return next(_failures(evidence, version), None)


def preparation_failures(evidence: RunEvidence, version: str, *, whole: bool) -> Iterator[Failure]:
    """What messages and log tell of a run that was only to prepare. `whole`: its files are there.

    What the solver said before it was ended means nothing: it was not to run.
    """
    told = "\n".join((evidence.messages, evidence.log))
    if not said(told) and not whole:
        yield _silent(evidence)
    if whole:
        told = re.split(SOLVER_BEGINS, told, maxsplit=1)[0]
    yield from _signs(told)
    if evidence.hdf is not None:
        yield from _of_version(evidence.hdf, version)


def _failures(evidence: RunEvidence, version: str) -> Iterator[Failure]:
    """From what explains most to what only says that something is wrong."""
    hdf, told = evidence.hdf, "\n".join((evidence.messages, evidence.log))
    everything = "\n".join((told, hdf.messages or "" if hdf else ""))
    if not said(told) and hdf is None:
        yield _silent(evidence)
    yield from _signs(everything)
    if errors := log_errors(everything):
        yield Failure(
            kind="retryable", cause="computation failed", message=f"{errors[0]}; see its messages (`logs`)"
        )
    if evidence.ended.cause != "exited":
        # How it was ended is all that can be said of it.
        return
    if hdf is None:
        text = f"HEC-RAS ended and left no result HDF; its last word: {last_said(told)}"
        yield Failure(kind="retryable", cause="no result", message=f"{text}; see `logs`")
        return
    yield from _in_hdf(hdf, everything, version)


def _silent(evidence: RunEvidence) -> Failure:
    how = "was stopped at its time limit" if evidence.ended.cause == "time limit" else "ended"
    text = (
        f"HEC-RAS {how} and had written nothing at all: no messages, no result; on Windows it needs a desktop session"
        " (session_id of `query session`), and hangs at a dialog that nobody sees: start it once by hand there"
    )
    return Failure(kind="worker", cause="no sign of life", message=text)


def _signs(everything: str) -> Iterator[Failure]:
    lines = [line for line in said(everything) if not _NOISE.search(line)]
    for sign in SIGNS:
        for line in lines:
            if re.search(sign.pattern, line, re.IGNORECASE):
                yield Failure(kind=sign.kind, cause=sign.cause, message=f"{line[:300]}; {sign.remedy}")
                break


def _in_hdf(hdf: HdfFacts, everything: str, version: str) -> Iterator[Failure]:
    yield from _of_version(hdf, version)
    if hdf.kind is None:
        text = "HEC-RAS left an HDF without results: its solver did not begin, or died at once; see `logs`"
        yield Failure(kind="retryable", cause="no results", message=text)
        return
    if hdf.unstable_at:
        sign = next(sign for sign in SIGNS if sign.cause == "unstable")
        text = f"the solution went unstable at {hdf.unstable_at}; {sign.remedy}"
        yield Failure(kind=sign.kind, cause=sign.cause, message=text)
    if FINISHED[hdf.kind] not in everything:
        text = f"nothing says {FINISHED[hdf.kind]!r}: it ended early; its last word: {last_said(everything)}"
        yield Failure(kind="retryable", cause="did not finish", message=f"{text}; see `logs`")
    if hdf.solution is not None and not hdf.solution.endswith("Finished Successfully"):
        text = f"HEC-RAS says of its solution {hdf.solution!r}; see its messages (`logs`)"
        yield Failure(kind="retryable", cause="did not finish", message=text)


def _of_version(hdf: HdfFacts, version: str) -> Iterator[Failure]:
    found = version_in(hdf.file_version)
    if found is not None and not same(found, version):
        text = (
            f"the result is of HEC-RAS {found}, the spec asks for {version};"
            " set ras_exe_path of this worker to the right one"
        )
        yield Failure(kind="worker", cause="wrong version", message=text)
