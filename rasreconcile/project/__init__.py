"""What a HEC-RAS project's text files say about the files a plan needs. PURE: text in, values out."""

from rasreconcile.project.canonical import IGNORED_KEYS, canonical
from rasreconcile.project.mentions import MENTIONING, mentions_in
from rasreconcile.project.plan import PlanText, parse_plan
from rasreconcile.project.prj import (
    ENGLISH_UNITS,
    SI_UNITS,
    ProjectText,
    is_project,
    parse_project,
    plan_number,
)
from rasreconcile.project.switches import KEYS, Breach, Computation, breaches, computations
from rasreconcile.project.text import DESCRIPTION, ENCODING, Entry, decode, described, entries, split

__all__ = [
    "DESCRIPTION",
    "ENCODING",
    "ENGLISH_UNITS",
    "IGNORED_KEYS",
    "KEYS",
    "MENTIONING",
    "SI_UNITS",
    "Breach",
    "Computation",
    "Entry",
    "PlanText",
    "ProjectText",
    "breaches",
    "canonical",
    "computations",
    "decode",
    "described",
    "entries",
    "is_project",
    "mentions_in",
    "parse_plan",
    "parse_project",
    "plan_number",
    "split",
]
