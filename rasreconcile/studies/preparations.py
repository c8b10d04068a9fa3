"""Preparations: what Ras.exe makes for the Linux solvers in an earlier step, kept by fingerprint beside the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.engines.hec_ras.file_names import naming_of, prepared_needed
from rasreconcile.engines.hec_ras.linux import beyond_solvers, unprepared
from rasreconcile.engines.hec_ras.windows import leaves_out_geometry
from rasreconcile.errors import ProjectError
from rasreconcile.jobs import Install
from rasreconcile.plans import (
    BroughtBack,
    InputFile,
    Plan,
    component,
    fingerprint,
    preparation_address,
)
from rasreconcile.resolve import Digests, Resolution
from rasreconcile.resolve.baselines import expectation_digest
from rasreconcile.spec import Expectations, HecRasEngine, WorkerBase
from rasreconcile.specfile import LoadedSpec
from rasreconcile.spelling import name_key

_EXPECT = Expectations(completed=False)
_SOLVERS = Install(platform="posix", cores=1)
"""Any worker with the Linux solvers."""
_OF_THE_RUN_ONLY = frozenset({"salt", "spec cores"})
"""Components of a plan's fingerprint that change nothing in what is prepared for it."""


def with_preparations(
    loaded: LoadedSpec, digests: Digests, resolution: Resolution, *, proven: Collection[str] = ()
) -> Resolution:
    """The plans, and before them a preparation for whatever is to be prepared: once, however many plans share it.

    A plan that no worker of the spec could compute is blocked, with the remedy; those in `proven` have been computed.
    """
    preparing = _Preparing(loaded, digests, {})
    plans = tuple(preparing.prepared(plan, plan.fingerprint in proven) for plan in resolution.plans)
    return Resolution((*preparing.preparations.values(), *plans))


def unneeded_products(loaded: LoadedSpec, plans: Iterable[Plan]) -> tuple[Path, ...]:
    """Folders of products that no plan of the spec asks for any more; `plans` are those of `with_preparations`."""
    kept = {plan.output.parent for plan in plans if plan.prepares}
    home = products_home(loaded)
    there = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    return tuple(path for path in there if path not in kept)


def products_home(loaded: LoadedSpec) -> Path:
    """Where the products of all preparations are kept, a folder for each fingerprint."""
    return loaded.state_path.with_name(f"{loaded.state_path.stem}.prepared")


@dataclass(slots=True)
class _Preparing:
    """The preparations of one spec as they come together."""

    loaded: LoadedSpec
    digests: Digests
    preparations: dict[str, Plan]
    """By fingerprint."""

    def prepared(self, plan: Plan, proven: bool) -> Plan:
        """The plan with what is prepared for it, or with what keeps every worker from computing it."""
        if not isinstance(plan.engine, HecRasEngine) or plan.blocked_by:
            return plan
        try:
            naming = naming_of(plan)
            missing = unprepared(plan, plan.engine.version)
        except ProjectError:
            # No run will take it either, and says why.
            return plan
        solvers = [worker for worker in self._workers(plan) if not worker.runs_ras_exe]
        wanted = any(worker.preprocess_on_host for worker in solvers)
        makers = tuple(name for name, w in self.loaded.spec.workers.items() if w.runs_ras_exe)
        if plan.ras_exe_lacks and not solvers:
            # Prepared files are of no use where nothing but Ras.exe computes.
            return replace(plan, blocked_by=plan.ras_exe_lacks)
        no_geometry = leaves_out_geometry(plan, plan.engine.version)
        if no_geometry is not None or plan.ras_exe_lacks:
            # Whoever prepares it, or computes it with Ras.exe, would leave the geometry out, or lacks an input.
            makers = ()
        if (
            missing
            and beyond_solvers(plan) is None
            and (naming.unsteady or naming.steady)
            and wanted
            and makers
        ):
            preparation = self._preparation(plan, makers)
            return _with_products(plan, preparation, self.digests)
        why = HecRas(plan.engine).why_not(plan, _SOLVERS)
        refusals = [no_geometry if worker.runs_ras_exe else why for worker in self._workers(plan)]
        whys = tuple(dict.fromkeys(refusal for refusal in refusals if refusal))
        if refusals and all(refusals) and not proven:
            return replace(plan, no_worker=whys)
        return plan

    def _workers(self, plan: Plan) -> list[WorkerBase]:
        """Those that may compute it."""
        workers = self.loaded.spec.workers.items()
        return [worker for name, worker in workers if not plan.only_on or name in plan.only_on]

    def _preparation(self, plan: Plan, makers: tuple[str, ...]) -> Plan:
        """Plans with the same texts share it, wherever their projects lie."""
        assert isinstance(plan.engine, HecRasEngine)
        output, *beside = prepared_needed(plan, plan.engine.version)
        parts = (
            component("prepare", f"{plan.stem}.p{plan.number}"),
            *(part for part in plan.components if part.name not in _OF_THE_RUN_ONLY),
        )
        whole = fingerprint(parts)
        if whole not in self.preparations:
            self.preparations[whole] = replace(
                plan,
                address=preparation_address(plan.stem, plan.number, whole),
                components=parts,
                fingerprint=whole,
                prepares=True,
                spec=None,
                output=products_home(self.loaded) / whole[:32] / output,
                brought_back=tuple(BroughtBack(name, name) for name in beside),
                expect=_EXPECT,
                expectation_digest=expectation_digest(_EXPECT),
                baseline=None,
                cores=None,
                stop_when=None,
                only_on=makers,
                warnings=(),
            )
        return self.preparations[whole]


def _with_products(plan: Plan, preparation: Plan, digests: Digests) -> Plan:
    """The plan after its preparation, with the products that are there."""
    places = (preparation.output, *preparation.side_paths)
    products = tuple(found for path in places if (found := _product(path, digests)) is not None)
    names = {name_key(path.name) for path in places}
    others = (i for i in plan.inputs if i.kind != "prepared" or name_key(i.name) not in names)
    return replace(
        plan,
        inputs=(*others, *products),
        needs=(*plan.needs, preparation.address),
        prepared_by=preparation.address,
    )


def _product(path: Path, digests: Digests) -> InputFile | None:
    try:
        hashed = digests.of(path, "prepared")
    except OSError:
        # Not made yet: the preparation comes first.
        return None
    return InputFile(
        name=path.name,
        source=path,
        raw=hashed.raw,
        semantic=hashed.semantic,
        size=hashed.stat.size,
        kind="prepared",
        is_text=False,
        counts=False,
        named_by="its preparation",
    )
