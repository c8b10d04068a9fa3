"""Names that Windows reserves: one home says which, and every door asks it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rasreconcile.errors import ProjectError, Refused
from rasreconcile.project.references import parse_reference
from rasreconcile.reserved import is_device, is_reserved
from rasreconcile.spec.plans import PlanEntry
from rasreconcile.workers.rundir import check_name

DEVICES = [
    *("con", "CON", "Prn", "aux", "NUL", "nul.hdf", "NUL.tar.gz", "con .x", "aux .a.b"),
    *(
        "com1",
        "COM9.txt",
        "lpt1",
        "LPT9",
        "com0",
        "lpt0.dat",
        "COM¹",
        "lpt².x",
        "com³",
        "CONIN$",
        "conout$.log",
    ),
]
FREE = [
    "console",
    "com",
    "com10",
    "lpt",
    "lptx",
    "null",
    "nul_",
    "xcon",
    "a.con",
    "conin",
    "$con",
    "Überlauf.g01",
    ".nul",
]


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_refused_wherever_a_name_comes_in(name: str) -> None:
    assert is_device(name)
    assert is_reserved(name)
    with pytest.raises(ValidationError, match="that Windows can give a folder"):
        PlanEntry(project="a.prj", name=f"x/{name}")
    with pytest.raises(Refused, match="rename the file"):
        check_name(f"x/{name}")
    with pytest.raises(ProjectError, match="is a Windows device"):
        parse_reference(f"x\\{name}")


@pytest.mark.parametrize("name", FREE)
def test_a_name_that_only_looks_like_a_device_is_taken_everywhere(name: str) -> None:
    assert not is_device(name)
    assert not is_reserved(name)
    assert PlanEntry(project="a.prj", name=f"x/{name}").name == f"x/{name}"
    check_name(f"x/{name}")
    assert parse_reference(f"x\\{name}").name == name


@pytest.mark.parametrize("name", ["soil.", "soil ", "soil. .", " "])
def test_a_last_blank_or_dot_is_reserved_for_windows_drops_it(name: str) -> None:
    assert is_reserved(name)
    assert not is_device(name)
