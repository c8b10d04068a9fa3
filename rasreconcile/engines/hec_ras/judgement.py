"""Whether HEC-RAS computed what it was asked: the evidence of HDF, messages and log, and what to do where it did not.

The exit code proves nothing, in either direction. PURE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rasreconcile.engines.hec_ras.refusal import (
    cause_first,
    has_begun,
    is_refused,
    last_word,
    led_by_its_cause,
    spoken,
)
from rasreconcile.errors import Trouble
from rasreconcile.facts import HdfFacts
from rasreconcile.failures import Failure, FailureCause, FailureClass
from rasreconcile.hecras_messages import FINISHED, UNSTABLE, has_finished, last_said, log_errors, said
from rasreconcile.hecras_versions import means, version_in
from rasreconcile.jobs import RunEvidence

NO_START = frozenset({FailureCause.MISSING_LIBRARY, FailureCause.PROGRAM_MISSING})
"""Causes by which no other run of HEC-RAS will do better on the same worker."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A line by which HEC-RAS, or the system, tells what went wrong, and what that means."""

    pattern: str
    kind: FailureClass
    cause: FailureCause
    remedy: str


_RETRIED = "it will be retried; if it recurs, run the plan in HEC-RAS's own window and look there"
_REFUSED = "fix what it names, in HEC-RAS or in the spec's `inputs`"

SIGNS = (
    Sign(
        r"error while loading shared libraries|Error loading shared library|DLL.* not found|was not found .*\.dll"
        r"|MKL FATAL ERROR|Could not load file or assembly",
        "worker",
        FailureCause.MISSING_LIBRARY,
        "HEC-RAS's install on this worker is incomplete: its `libs` folder must contain this file, readable",
    ),
    Sign(
        r": version `[\w.]+' not found|symbol lookup error|relocation error|Error relocating"
        r"|cannot execute|Exec format error",
        "worker",
        FailureCause.MISSING_LIBRARY,
        "this HEC-RAS was built for another system: install the libraries that it asks for, or run it in a container",
    ),
    Sign(
        r"^(sh|.*\.sh): .*(not found|Permission denied|No such file)|^exec: .*not found"
        r"|^wine: (?:failed to open|cannot find)",
        "worker",
        FailureCause.PROGRAM_MISSING,
        "check that HEC-RAS's programs exist and are executable on this worker (`check`)",
    ),
    Sign(
        r"Restart file is not from HEC-RAS",
        "permanent",
        FailureCause.RESTART_OF_ANOTHER_VERSION,
        "compute the plan that writes the restart file with this version too",
    ),
    Sign(
        r"There are no flow values|There are no rivers",
        "permanent",
        FailureCause.INPUT_REFUSED,
        "fix the flow or geometry file in HEC-RAS; the plan runs again after the change",
    ),
    Sign(
        r"Unable to compute face tables|terrain .*does not completely cover|Geometry Writer Failed"
        r"|Error Processing Geometry",
        "permanent",
        FailureCause.GEOMETRY_ERROR,
        "fix the geometry, or its terrain, in HEC-RAS; the plan runs again after the change",
    ),
    Sign(
        UNSTABLE,
        "permanent",
        FailureCause.UNSTABLE,
        "shorten the computation interval, or check mesh and boundary where it went unstable",
    ),
    Sign(
        r"forrtl: severe \((29|30)\)|HDF_ERROR: unable to open|^\s*File: .* Not Found\s*$",
        "permanent",
        FailureCause.FILE_NOT_FOUND,
        "an input is missing in the run: name it in `inputs`, or prepare the plan again on Windows",
    ),
    Sign(
        r"forrtl: severe \((59|64)\)",
        "permanent",
        FailureCause.FILE_NOT_UNDERSTOOD,
        "a prepared file is damaged or of another version: prepare the plan again on Windows",
    ),
    Sign(
        r"\bREAD_UN_HDF_\w+",
        "permanent",
        FailureCause.FILE_NOT_UNDERSTOOD,
        "the solver crashed as it read the geometry's tables, which its .hdf lacks (of structures, mostly): open the"
        " geometry in HEC-RAS, save it, and compute the plan there once",
    ),
    Sign(
        r"Unable to delete temporary results file|being used by another process",
        "retryable",
        FailureCause.SOLVER_STOPPED,
        "another program held the file, or its drive was away; it will be retried",
    ),
    Sign(
        r"HDF_ERROR|^\s*ERROR:",
        "permanent",
        FailureCause.REFUSED,
        "fix the input that it names; the plan runs again after the change",
    ),
    Sign(
        r"rasreconcile: Ras\.exe hangs",
        "worker",
        FailureCause.HANGS,
        "it needs a desktop session (session_id of `query session`), and an unseen dialog can block it"
        " (terms and conditions, after an installation): start HEC-RAS once by hand there, as the user that"
        " runs it",
    ),
    Sign(
        r"rasreconcile: Ras\.exe has returned",
        "retryable",
        FailureCause.SOLVER_STOPPED,
        "look at the messages (`logs`); it will be retried",
    ),
    Sign(
        r"forrtl: severe|Error with program|Killed|Segmentation fault|Bus error|core dumped|^Aborted",
        "retryable",
        FailureCause.SOLVER_CRASHED,
        _RETRIED,
    ),
)
"""The first that matches a line counts; the order is from the cause to its consequences."""

GIVEN_UP = Sign(
    r"Program execution halted|encountered an error", "retryable", FailureCause.SOLVER_CRASHED, _RETRIED
)
"""What a solver says last, whatever was wrong."""

SOLVER_BEGINS = (
    r"PROCESS:Ras(?:Uns|S)teady|Performing Unsteady Flow Simulation|Steady Flow Simulation HEC-RAS"
)
"""Messages by which Ras.exe tells that everything is prepared."""

_SEE_LOGS = "see `logs`"
_POST_PROCESSED = "Finished Post Processing"
_NOT_FOUND = re.compile(r"^[ \t]*File:\s*(\S.*?)\s+Not Found[ \t]*$", re.MULTILINE)
"""RasSteady says it in three lines."""

_UNEXPLAINED = frozenset(
    {
        FailureCause.SOLVER_STOPPED,
        FailureCause.SOLVER_CRASHED,
        FailureCause.COMPUTATION_FAILED,
        FailureCause.DID_NOT_FINISH,
        FailureCause.NO_RESULT,
        FailureCause.NO_RESULTS,
        FailureCause.NO_SIGN_OF_LIFE,
    }
)
"""Causes that say that it failed, and not why."""
_REASON = re.compile(
    r"^\W*(?:fatal |severe )?error\b(?!\s+percent)|\b(?:unable to|cannot|could not|failed to|does not exist|not found"
    r"|terminated|aborted)\b",
    re.IGNORECASE,
)
"""Of a line of the solver's own log, whose tables have columns of errors."""


def judge(evidence: RunEvidence, version: str) -> Failure | None:
    """Why the run is no success, with class and remedy; None: every sign says that it is one."""
    failure = next(_failures(evidence, version), None)
    return failure and _explained(failure, evidence.solver_log)


def why_no_start(said_by_it: str) -> Trouble | None:
    """Why a program that was started without arguments could not even begin; None: it began."""
    signs = ((sign, line) for sign, line in _signs_in(said_by_it) if sign.cause in NO_START)
    return next((Trouble(line, sign.remedy) for sign, line in signs), None)


def preparation_failures(evidence: RunEvidence, version: str, *, whole: bool) -> Iterator[Failure]:
    """What messages and log tell of a run that was only to prepare. `whole`: its files are there.

    What the solver said before it was ended means nothing: it was not to run.
    """
    told = _told(evidence)
    if not spoken(told) and not whole:
        yield _silent(evidence)
    if whole:
        told = re.split(SOLVER_BEGINS, told, maxsplit=1)[0]
    yield from _signs(told)
    if evidence.hdf is not None:
        yield from _of_version(evidence.hdf, version)
    if not whole and is_refused(evidence, told) and cause_first(told):
        # Without a complaint it may have been ended by anything: a solver that did not begin is no sign here.
        yield _refusal(told)
    yield from _signs(told, (GIVEN_UP,))


def _failures(evidence: RunEvidence, version: str) -> Iterator[Failure]:
    """From what explains most to what only says that something is wrong."""
    hdf, told = evidence.hdf, _told(evidence)
    everything = "\n".join((told, hdf.messages or "" if hdf else ""))
    if not spoken(told) and hdf is None:
        yield _silent(evidence)
    yield from _signs(everything)
    if _POST_PROCESSED in everything and not any(words in everything for words in FINISHED.values()):
        what = "RasSteady has post-processed an unsteady plan, and computed nothing: the .rNN is of an unsteady plan"
        trouble = Trouble(what, "prepare this steady plan again on Windows")
        yield Failure(kind="permanent", cause=FailureCause.NOTHING_COMPUTED, trouble=trouble)
    if hdf is not None:
        yield from _of_version(hdf, version)
    if is_refused(evidence, everything):
        yield _refusal(everything)
    yield from _signs(everything, (GIVEN_UP,))
    if log_errors(everything):
        trouble = Trouble(cause_first(everything), "see its messages (`logs`)")
        yield Failure(kind="retryable", cause=FailureCause.COMPUTATION_FAILED, trouble=trouble)
    if evidence.ended.cause != "exited":
        # How it was ended is all that can be said of it.
        return
    if hdf is None:
        what = f"HEC-RAS ended and left no result HDF; its last message: {last_said(told)}"
        yield Failure(kind="retryable", cause=FailureCause.NO_RESULT, trouble=Trouble(what, _SEE_LOGS))
        return
    yield from _in_hdf(hdf, everything)


def _told(evidence: RunEvidence) -> str:
    """Messages and log; what was wrong with the input counts unless a solver began nevertheless."""
    told = "\n".join((evidence.messages, evidence.log))
    return told if has_begun(told) else f"{told}\n{evidence.data_errors}"


def _explained(failure: Failure, solver_log: str) -> Failure:
    """The failure with the reason that only the solver's own log gives."""
    if failure.cause not in _UNEXPLAINED or not said(solver_log):
        return failure
    if known := next(_signs(solver_log), None):
        return known
    reason = next((line[:300] for line in said(solver_log) if _REASON.search(line)), None)
    if failure.cause is FailureCause.NO_SIGN_OF_LIFE:
        told = reason or last_said(solver_log)
        what = f"HEC-RAS wrote no messages and no result, only its solver's log (.bco): {told}"
        return Failure(kind="retryable", cause=FailureCause.NO_RESULT, trouble=Trouble(what, _SEE_LOGS))
    trouble = failure.trouble
    if reason is None or reason in trouble.what:
        return failure
    what = f"{reason} (in its solver's log, .bco); {trouble.what}"
    return replace(failure, trouble=Trouble(what, trouble.remedy))


_ENDED = {
    "time limit": "was stopped at its time limit",
    "stalled": "was stopped, having written nothing for too long,",
}


def _silent(evidence: RunEvidence) -> Failure:
    how = _ENDED.get(evidence.ended.cause, "ended")
    remedy = (
        "on Windows it is probably waiting at an unseen dialog, mostly that of its terms, which each user accepts once:"
        " start it once by hand there, as the user of the runs; and it needs a desktop session (`query session`)"
    )
    trouble = Trouble(f"HEC-RAS {how} and wrote nothing: no messages, no result", remedy)
    return Failure(kind="worker", cause=FailureCause.NO_SIGN_OF_LIFE, trouble=trouble)


def _refusal(everything: str) -> Failure:
    why = cause_first(everything) or f"its last message: {last_word(everything)}"
    trouble = Trouble(f"HEC-RAS refused the input, no solver began: {why}", _REFUSED)
    return Failure(kind="permanent", cause=FailureCause.INPUT_REFUSED, trouble=trouble)


def _signs(everything: str, among: Sequence[Sign] = SIGNS) -> Iterator[Failure]:
    for sign, line in _signs_in(everything, among):
        yield Failure(kind=sign.kind, cause=sign.cause, trouble=Trouble(line, sign.remedy))


def _signs_in(everything: str, among: Sequence[Sign] = SIGNS) -> Iterator[tuple[Sign, str]]:
    everything = _NOT_FOUND.sub(r"File: \1 Not Found", everything)
    lines = spoken(everything)
    for sign in among:
        for at, line in enumerate(lines):
            if re.search(sign.pattern, line, re.IGNORECASE):
                yield sign, led_by_its_cause(lines, at)
                break


def _in_hdf(hdf: HdfFacts, everything: str) -> Iterator[Failure]:
    if hdf.kind is None:
        what = "HEC-RAS left an HDF without results: its solver did not start, or stopped at once"
        yield Failure(kind="retryable", cause=FailureCause.NO_RESULTS, trouble=Trouble(what, _SEE_LOGS))
        return
    if hdf.unstable_at:
        sign = next(sign for sign in SIGNS if sign.cause is FailureCause.UNSTABLE)
        trouble = Trouble(f"the solution went unstable at {hdf.unstable_at}", sign.remedy)
        yield Failure(kind=sign.kind, cause=sign.cause, trouble=trouble)
    if not has_finished(hdf.kind, everything):
        what = (
            f"nothing says {FINISHED[hdf.kind]!r}: it ended early; its last message: {last_said(everything)}"
        )
        yield Failure(kind="retryable", cause=FailureCause.DID_NOT_FINISH, trouble=Trouble(what, _SEE_LOGS))
    if hdf.solution is not None and not hdf.solution.endswith("Finished Successfully"):
        trouble = Trouble(f"HEC-RAS says of its solution {hdf.solution!r}", "see its messages (`logs`)")
        yield Failure(kind="retryable", cause=FailureCause.DID_NOT_FINISH, trouble=trouble)


def _of_version(hdf: HdfFacts, version: str) -> Iterator[Failure]:
    found = version_in(hdf.file_version)
    if found is not None and not means(version, found):
        trouble = Trouble(
            f"the result was made by HEC-RAS {found}, the spec asks for {version}",
            "set ras_exe_path of this worker to the right one",
        )
        yield Failure(kind="worker", cause=FailureCause.WRONG_VERSION, trouble=trouble)
