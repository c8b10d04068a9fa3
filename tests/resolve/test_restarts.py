"""Restart files: an edge between two plans of the spec, else a file like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.plans import MISSING
from tests.told import told

RST = "Muncie2D.p02.02JAN1900 1200.rst"
COMMAND = "{type: command, command: [x]}"


@pytest.fixture
def pair(muncie: Any) -> Any:
    """Plan 01 restarts from what plan 02 writes."""
    muncie.write("Muncie2D.p02", (muncie.folder / "Muncie2D.p01").read_bytes().replace(b"=u01", b"=u02"))
    muncie.write("Muncie2D.u02", (muncie.folder / "Muncie2D.u01").read_bytes())
    muncie.edit("Muncie2D.u01", "Use Restart= 0 ", f"Use Restart=-1 \nRestart Filename={RST}")
    return muncie


def restart(plan: Any) -> Any:
    (found,) = [i for i in plan.inputs if i.kind == "restart"]
    return found


def test_a_restart_file_of_another_plan_of_the_spec_is_an_edge(pair: Any) -> None:
    consumer, producer = (
        pair.plan("01", engine=COMMAND, others=("02",)),
        pair.plan("02", engine=COMMAND, others=("01",)),
    )
    assert consumer.needs == ("Muncie2D/p02",)
    assert producer.side_outputs == (RST,)
    assert producer.side_paths == (producer.output.with_name(RST),)
    assert [c.digest for c in consumer.components if c.name == "upstream Muncie2D/p02"]
    assert (restart(consumer).raw, restart(consumer).counts, told(consumer.blocked_by)) == (
        MISSING,
        False,
        (),
    )


def test_a_restart_file_named_in_other_case_is_what_the_other_plan_writes(pair: Any) -> None:
    pair.edit("Muncie2D.u01", RST, RST.lower())
    consumer = pair.plan("01", engine=COMMAND, others=("02",))
    producer = pair.plan("02", engine=COMMAND, others=("01",))
    assert (consumer.needs, producer.side_outputs) == (("Muncie2D/p02",), (RST,))
    found = restart(consumer)
    assert (found.name, found.source) == (RST.lower(), producer.output.with_name(RST))


def test_its_content_does_not_count_and_what_its_producer_reads_does(pair: Any) -> None:
    before = pair.plan("01", engine=COMMAND, others=("02",))
    pair.write(RST, b"state")
    there = pair.plan("01", engine=COMMAND, others=("02",))
    assert (there.fingerprint, restart(there).raw == MISSING) == (before.fingerprint, False)
    pair.edit("Muncie2D.u02", "   21000", "   21001")
    assert pair.plan("01", engine=COMMAND, others=("02",)).fingerprint != before.fingerprint


def test_without_its_producer_in_the_spec_it_is_a_file_that_counts(pair: Any) -> None:
    gone = pair.plan("01")
    assert any(RST in line for line in told(gone.blocked_by))
    pair.write(RST, b"state")
    first = pair.plan("01", engine=COMMAND)
    assert (first.needs, restart(first).counts) == ((), True)
    pair.write(RST, b"other state")
    assert pair.plan("01", engine=COMMAND).fingerprint != first.fingerprint


def test_a_plan_that_restarts_from_itself_is_no_circle_and_is_told(pair: Any) -> None:
    pair.edit("Muncie2D.u01", ".p02.", ".p01.")
    pair.write(RST.replace("p02", "p01"), b"state")
    plan = pair.plan("01", engine=COMMAND)
    assert (plan.needs, restart(plan).counts, plan.side_outputs) == ((), True, ())
    assert any("which it writes itself" in warning for warning in told(plan.warnings))


def test_a_restart_file_kept_in_another_folder_is_a_file_that_counts(pair: Any) -> None:
    pair.edit("Muncie2D.u01", f"={RST}", f"=.\\kept\\{RST}")
    pair.write(f"kept/{RST}", b"state")
    plan = pair.plan("01", engine=COMMAND, others=("02",))
    assert (plan.needs, restart(plan).name, restart(plan).counts) == ((), f"kept/{RST}", True)


def test_plans_that_restart_from_each_other_are_a_fault_of_the_spec(pair: Any) -> None:
    pair.edit("Muncie2D.u02", "Use Restart= 0 ", "Use Restart=-1 \nRestart Filename=muncie2d.p01.x.rst")
    with pytest.raises(SpecError, match="stop using one restart file"):
        pair.plan("01", engine=COMMAND, others=("02",))


def test_results_elsewhere_are_where_the_restart_file_is_looked_for(pair: Any, tmp_path: Path) -> None:
    import time

    from rasreconcile.engines.registry import engine_for
    from rasreconcile.resolve import Contents, Digests, resolve
    from rasreconcile.results.associations import associations
    from rasreconcile.specfile import load

    (tmp_path / "spec.yaml").write_text(
        f"version: 1\nengine: {COMMAND}\nworkers: {{desk: {{type: local}}}}\n"
        "plans:\n  - {project: project/Muncie2D.prj, numbers: ['01']}\n"
        "  - {project: project/Muncie2D.prj, numbers: ['02'], results: out}\n"
    )
    contents = Contents({}, time.time_ns, associations)
    found = resolve(load(tmp_path / "spec.yaml"), Digests({}, time.time_ns), engine_for, contents=contents)
    assert restart(found.plans[0]).source == tmp_path / "out" / "Muncie2D" / RST
    assert found.plans[1].side_paths == (tmp_path / "out" / "Muncie2D" / RST,)
