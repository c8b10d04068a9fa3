"""The Linux solvers' job: links, geometry preprocessor, solver, and the result's last name. PURE."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from rasreconcile.edited_inputs import Edit, OfVersion, SetAttributes, UnixLines, WithoutResults
from rasreconcile.engines.hec_ras import versions
from rasreconcile.engines.hec_ras.file_names import Naming, naming_of, prepared_needed, prepared_there
from rasreconcile.engines.hec_ras.run_files import is_made_by_hec_ras
from rasreconcile.engines.hec_ras.scripts import staged_script
from rasreconcile.engines.inputs import folder_for, name_in, outputs_of, staged_file
from rasreconcile.errors import ProjectError, Trouble, together
from rasreconcile.jobs import Install, Job, Staged
from rasreconcile.plans import MISSING, InputFile, Plan
from rasreconcile.project import KEYS, Computation

_NO_PROGRAM: dict[Computation, str] = {"sediment": "sediment transport", "water-quality": "water quality"}
"""What a plan may switch on, and none of HEC's Linux archives has a program for."""
_TEXTS = frozenset({"project", "plan", "geometry", "flow", "sediment", "water-quality", "rasmap"})


def why_not(plan: Plan, version: str) -> Trouble | None:
    """Why the Linux solvers cannot run this plan as it is, and what to do; None: they can."""
    naming = naming_of(plan)
    flow = next(file.name for file in plan.inputs if file.kind == "flow")
    if flow.rpartition(".")[2][:1].lower() == "q":
        what = f"{flow} is quasi-unsteady, which HEC-RAS computes on Windows only"
        return Trouble(what, "give it a Windows worker")
    if (beyond := beyond_solvers(plan)) is not None:
        return beyond
    missing = unprepared(plan, version)
    if not missing or plan.prepared_by is not None:
        return None
    if plan.ras_exe_lacks:
        return together(plan.ras_exe_lacks).led_by(
            f"the Linux solvers of {version} need {', '.join(missing)} too, and without more of the project no Ras.exe"
            " can make them: "
        )
    return Trouble(
        f"the Linux solvers need {', '.join(missing)}, which HEC-RAS on Windows makes when it prepares"
        f" {naming.stem}.p{naming.plan}",
        "put them beside the project, add a worker with Ras.exe, which makes them (unless"
        " `preprocess_on_host: false` on this one forbids it) or computes the plan",
    )


def beyond_solvers(plan: Plan) -> Trouble | None:
    """What the plan switches on and the Linux solvers leave out without a word; None: nothing."""
    whats = [(words, KEYS[what]) for what, words in _NO_PROGRAM.items() if what in plan.computes]
    if not whats:
        return None
    what = " and ".join(words for words, _ in whats)
    keys = ", ".join(key for _, key in whats)
    return Trouble(
        f"{plan.stem}.p{plan.number} computes {what} ({keys}), for which HEC-RAS has no program on Linux",
        "give it a Windows worker, or one with Ras.exe under Wine",
    )


def unprepared(plan: Plan, version: str) -> tuple[str, ...]:
    """Those of the prepared files the plan needs that are not there. Raises ProjectError where it has no geometry."""
    there = prepared_there(plan, version)
    return tuple(name for name in prepared_needed(plan, version) if name not in there)


def job(plan: Plan, install: Install, version: str) -> Job:
    """Raises ProjectError where `why_not` has something to say."""
    refused = why_not(plan, version)
    if refused:
        raise ProjectError(refused)
    if missing := unprepared(plan, version):
        raise ProjectError(
            f"{', '.join(missing)} were removed after {plan.prepared_by} made them", "apply again"
        )
    naming, form = naming_of(plan), versions.form_of(version)
    home = (install.home or "").rstrip("/")
    prepared = prepared_there(plan, version)
    others = [file for file in plan.inputs if file.raw != MISSING and not is_made_by_hec_ras(file, plan)]
    folder = folder_for(others)
    inputs = [_other(file, folder) for file in others]
    for name, file in prepared.items():
        staged = replace(staged_file(file, folder), name=name_in(folder, name))
        # The solver writes into these, whatever kind they were found as.
        inputs.append(replace(staged, edits=_edits(name, install.cores, version), writable="own copy"))
    script = staged_script("solvers.sh", folder)
    call = ("sh", posixpath.basename(script.name), "run")
    return Job(
        platform="posix",
        steps=_steps(naming, form, (*call, home), prepared),
        inputs=(*inputs, script),
        outputs=(*outputs_of(plan, folder), name_in(folder, naming.one(versions.SOLVER_LOG))),
        cores=install.cores,
        time_limit=plan.time_limit,
        env={"OMP_NUM_THREADS": str(install.cores)},
        process_priority=install.process_priority,
        folder=folder,
    )


def _steps(
    naming: Naming, form: versions.Form, call: tuple[str, ...], prepared: dict[str, InputFile]
) -> tuple[tuple[str, ...], ...]:
    steps: list[tuple[str, ...]] = []
    if naming.steady:
        steps.append(_program(call, naming.fill(versions.STEADY)))
    else:
        made = {target for _, target in form.copies}
        for file, link in versions.LINKS:
            if file in made or naming.one(file) in prepared:
                steps.append(("ln", "-sf", f"./{naming.one(file)}", link))
        if form.geometry:
            steps.append(_program(call, naming.fill(form.geometry)))
        steps += [("cp", f"./{naming.one(old)}", f"./{naming.one(new)}") for old, new in form.copies]
        steps.append(_program(call, naming.fill(form.unsteady)))
    growing, result = naming.one(versions.GROWING), naming.one(versions.RESULT)
    steps.append(("mv", "-f", f"./{growing}", f"./{result}"))
    return tuple(steps)


def _program(call: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """Through the script that finds the libraries: only on the worker is it known what its environment holds."""
    *script, home = call
    return (*script, f"{home}/{words[0]}", *words[1:])


def _other(file: InputFile, folder: str) -> Staged:
    staged = staged_file(file, folder)
    return replace(staged, edits=(UnixLines(),)) if file.kind in _TEXTS else staged


def _edits(name: str, cores: int, version: str) -> tuple[Edit, ...]:
    """Of a prepared file."""
    if name.endswith(".hdf"):
        # A finished plan HDF under this name is a prepared one with results: the solver would stumble over them.
        values = (("1D Cores", cores), ("2D Cores (per mesh)", cores))
        return OfVersion(version), WithoutResults(), SetAttributes("Plan Data/Plan Parameters", values)
    return (UnixLines(),) if name.rpartition(".")[2][:1] in {"b", "x", "r"} else ()
