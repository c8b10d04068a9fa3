"""Files that HEC-RAS makes when it runs: a run is given none of its own, but for those its form asks for. PURE."""

from __future__ import annotations

from rasreconcile.plans import InputFile, Plan
from rasreconcile.project.own_files import written_by_run


def is_made_by_hec_ras(file: InputFile, plan: Plan) -> bool:
    """An old result in the run's folder would be taken for the new one: a rerun that fails in preprocessing writes its
    messages into it, and leaves its `Finished Successfully` standing. The same for old run files. What another plan
    has computed is data: it arrives."""
    if file.kind == "prepared":
        return True
    geometry = next((i.name.rpartition(".")[2] for i in plan.inputs if i.kind == "geometry"), None)
    return file.kind == "extra" and written_by_run(file.name, plan.stem, plan.number, geometry)
