"""Files that HEC-RAS makes when it runs: a run is given none of them, but for those its form asks for. PURE."""

from __future__ import annotations

import re

from rasreconcile.plans import InputFile, Plan

_RESULT = r"p\d\d\.hdf|p\d\d\.tmp\.hdf|o\d\d|p\d\d\.(computeMsgs|comp_msgs)\.txt|bco\d\d|ic\.o\d\d"
_PREPARED = r"[bcxr]\d\d"


def is_made_by_hec_ras(file: InputFile, plan: Plan) -> bool:
    """An old result in the run's folder would be taken for the new one: a rerun that fails in preprocessing writes its
    messages into it, and leaves its `Finished Successfully` standing. The same for old run files."""
    if file.kind not in {"prepared", "extra"}:
        return False
    pattern = rf"{re.escape(plan.stem)}\.({_RESULT}|{_PREPARED})"
    return file.kind == "prepared" or re.fullmatch(pattern, file.name, re.IGNORECASE) is not None
