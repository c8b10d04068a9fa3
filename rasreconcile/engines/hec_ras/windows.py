"""Ras.exe's job, on Windows or under Wine: staged texts with the run's own settings, and the script for it. PURE."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from datetime import UTC, datetime

from rasreconcile.edited_inputs import Edit, SetKeys, SetReferences
from rasreconcile.engines.hec_ras import versions
from rasreconcile.engines.hec_ras.file_names import naming_of
from rasreconcile.engines.hec_ras.run_files import is_made_by_hec_ras
from rasreconcile.engines.hec_ras.scripts import staged_script
from rasreconcile.engines.inputs import beside_project, folder_for, name_in, outputs_of, staged_file
from rasreconcile.errors import ProjectError, Trouble, together
from rasreconcile.hecras_versions import parsed
from rasreconcile.jobs import Install, Job, Staged
from rasreconcile.plans import MISSING, InputFile, Plan
from rasreconcile.runs import RUN_TOKEN, new_run_id

GRACE_SECONDS = 10
"""Nothing changes for so long after Ras.exe has returned, and nothing grows: nothing is going on."""
QUIET_SECONDS = 1800
"""A solver that writes nothing for so long has died without a word: HEC-RAS writes several times a minute."""
LONGEST_PATH = 259
"""Beyond it Ras.exe stops at an unseen dialog."""

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Every run's name has a time of so many digits."""
_LAYERS = frozenset({"land-cover", "infiltration"})
"""Bed material is a land cover to HEC-RAS: an attribute `... Filename` of the geometry."""
_NAMES_FILES = frozenset({"plan", "flow", "sediment", "water-quality"})


def leaves_out_geometry(plan: Plan, version: str) -> Trouble | None:
    """Why Ras.exe of this version would compute without the plan's geometry, and what to do; None: it would not."""
    if parsed(version)[:2] not in versions.LEAVE_OUT_GEOMETRY:
        return None
    # What only the map shows, the geometry may not use at all.
    gone = [f for f in plan.inputs if f.raw == MISSING and f.kind in _LAYERS and not _of_map(f.named_by)]
    if not gone:
        return None
    names = ", ".join(f"{file.kind} {file.name}" for file in gone)
    return Trouble(
        f"HEC-RAS {version} leaves the geometry out without a word where a layer of it is missing: {names}",
        "put it there, or take the layer off the geometry in RAS Mapper",
    )


def _of_map(name: str) -> bool:
    return name.casefold().endswith(".rasmap")


def why_not(plan: Plan, install: Install, version: str) -> Trouble | None:
    """Why Ras.exe cannot run this plan there, and what to do; None: it can."""
    if (geometry := leaves_out_geometry(plan, version)) is not None:
        return geometry
    if plan.ras_exe_lacks:
        return together(plan.ras_exe_lacks)
    if not install.worker_folder:
        return None
    files = _files(plan)
    folder = folder_for(files)
    run = new_run_id(plan.address, _ANY_TIME, "0" * RUN_TOKEN)
    place = "/".join((install.worker_folder.rstrip("/\\"), run, "work"))
    # One that HEC-RAS opens is as bad as one that it writes.
    names = (*(name_in(folder, file.name) for file in files), *_written(plan, folder))
    longest = max(names, key=len)
    path = f"{'Z:' if install.wine else ''}{place}/{longest}"
    if len(path) <= LONGEST_PATH:
        return None
    return Trouble(
        f"{posixpath.basename(longest)} would have a path of {len(path)} characters there, and HEC-RAS stops at"
        f" {LONGEST_PATH}",
        "set worker_folder to a shorter path, such as C:\\R",
    )


def _written(plan: Plan, folder: str) -> tuple[str, ...]:
    """What a run leaves: its result, finished and growing, what other plans read of it, and every file of messages."""
    growing = f"{plan.stem}.p{plan.number}.tmp.hdf"
    messages = (
        word.replace("{stem}", plan.stem).replace("{plan}", plan.number)
        for form in versions.FORMS
        for word in form.messages[:1]
    )
    return (*outputs_of(plan, folder), *(name_in(folder, name) for name in (growing, *messages)))


def job(plan: Plan, install: Install, version: str) -> Job:
    """Raises ProjectError where `why_not` has something to say."""
    refused = why_not(plan, install, version)
    if refused:
        raise ProjectError(refused)
    naming, form = naming_of(plan), versions.form_of(version)
    files = _files(plan)
    folder = folder_for(files)
    edits = _edits(plan, files, install.cores)
    messages = tuple(name_in(folder, word) for word in naming.fill(form.messages))
    told = (name_in(folder, word) for word in naming.fill((versions.DATA_ERRORS, versions.SOLVER_LOG)))
    products = (plan.result_name, *plan.side_outputs) if plan.prepares else ()
    words = (form.ras, plan.stem, plan.number, str(GRACE_SECONDS), str(QUIET_SECONDS), *products)
    call, scripts = _calls(install, folder)
    return Job(
        platform="posix" if install.wine else "windows",
        steps=((*call, *words),),
        inputs=(*(replace(staged_file(f, folder), edits=edits.get(f.kind, ())) for f in files), *scripts),
        outputs=(*outputs_of(plan, folder), *messages, *told),
        cores=install.cores,
        time_limit=plan.time_limit,
        # Wine tells of its own troubles on stderr, in thousands of lines.
        env={"WINEDEBUG": "-all"} if install.wine else {},
        process_priority=install.process_priority,
        folder=folder,
        messages=messages[0],
    )


def _calls(install: Install, folder: str) -> tuple[tuple[str, ...], tuple[Staged, ...]]:
    """How the script is called, and the scripts that go along."""
    home, windows = install.home or "", staged_script("ras.cmd", folder)
    if install.wine is None:
        return ("cmd", "/d", "/c", posixpath.basename(windows.name), home), (windows,)
    # HEC-RAS wants its words in quotes: Wine's cmd leaves them there, `wine` itself takes them off.
    posix = staged_script("ras.sh", folder)
    return ("sh", posixpath.basename(posix.name), install.wine, home), (posix, windows)


def _files(plan: Plan) -> list[InputFile]:
    """What Ras.exe needs. It runs its own preprocessing: files of an earlier one, `.cNN` among them, are left out, so
    that its own currency check, which has been wrong, has nothing to be wrong about."""
    return [file for file in plan.inputs if file.raw != MISSING and not is_made_by_hec_ras(file, plan)]


def _edits(plan: Plan, files: list[InputFile], cores: int) -> dict[str, tuple[Edit, ...]]:
    """What is changed in the staged copies, by kind."""
    count = f" {cores} "
    keys = [(key, count) for key in ("UNET D1 Cores", "UNET D2 Cores", "PS Cores")]
    keys.append(("Write Detailed", " 1 "))
    if any(part.name == "spec clear_geompre" for part in plan.components):
        keys.append(("Run HTab", "-1 "))
    edits: dict[str, tuple[Edit, ...]] = {
        "plan": (SetKeys(tuple(keys)),),
        "project": (SetKeys((("Current Plan", f"p{plan.number}"),)),),
    }
    moved = tuple(
        (spelling, _as_windows(beside_project(file.name)))
        for file in files
        for spelling in (file.reference, *file.aliases)
        if _has_moved(spelling, file.name)
    )
    if moved:
        for kind in _NAMES_FILES:
            edits[kind] = (SetReferences(moved), *edits.get(kind, ()))
    return edits


def _has_moved(spelling: str, name: str) -> bool:
    """Whether a run would not find the file where the text that names it says."""
    if not re.search(r"[\\/]", spelling):
        return False
    said = posixpath.normpath(spelling.replace("\\", "/"))
    return said.casefold() != posixpath.normpath(beside_project(name)).casefold()


def _as_windows(name: str) -> str:
    """As HEC-RAS spells a path relative to the project's folder."""
    return ("" if name.startswith("../") else ".\\") + name.replace("/", "\\")
