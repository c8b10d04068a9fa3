"""Evidence of a whole result: of every area and reach, to the very end, of this plan; and close to its baseline."""

from __future__ import annotations

import os
import random
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import h5py
import pytest

from rasreconcile.errors import ResultError
from rasreconcile.facts import Baseline, Identity
from rasreconcile.results import plan_hdf
from rasreconcile.results.reader_pool import ReaderKilled, Readers
from rasreconcile.results.times import simulation
from rasreconcile.spec import BaselineExpectation, Expectations
from tests.results import unsteady
from tests.told import judge

DEFAULT = Expectations()
ME = Identity(
    plan_filename="Muncie.p04",
    short_id="Base",
    geometry_filename="Muncie.g01",
    flow_filename="Muncie.u01",
    simulation=simulation("02JAN1900,0000,02JAN1900,2400"),
)
NEAR = Expectations(baseline=BaselineExpectation(file="x", water_surface_within=0.05))


@pytest.fixture(params=list(unsteady.VERSIONS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def result(tmp_path: Path, version: str) -> Path:
    return unsteady.write(tmp_path / "Muncie.p04.hdf", version)


def test_a_whole_result_of_each_version_is_accepted_with_its_depth(result: Path, version: str) -> None:
    facts = plan_hdf.read(result, thoroughness="every dataset")
    assert judge(DEFAULT, facts, replace(ME, program=f"HEC-RAS {version}")) == ()
    assert facts.water_surface is not None
    assert (facts.water_surface.maximum, facts.maximum_depth) == (951.0, 18.0)
    assert list(facts.areas) == list(unsteady.AREAS)
    assert list(facts.reaches) == ["White, Muncie", "Buck Creek, Lower"]


def test_what_linux_leaves_is_accepted_also_with_the_messages_of_its_preparation(tmp_path: Path) -> None:
    path = unsteady.write(tmp_path / "Muncie.p04.hdf", "6.6", messages=None)
    assert judge(DEFAULT, plan_hdf.read(path), ME) == ()
    unsteady.write(
        path, "6.6", messages="Simulation started at: 01Jan2025 08:40:46 AM\r\nCompleting Geometry\r\n"
    )
    assert judge(DEFAULT, plan_hdf.read(path), ME) != ()
    assert judge(DEFAULT, plan_hdf.read(path), replace(ME, log="Finished Unsteady Flow Simulation\n")) == ()


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (f"2D Flow Areas/{'Upper basin'}", "2D area Upper basin of its geometry has no output"),
        ("Cross Sections", "reach Buck Creek, Lower of its geometry has no output"),
    ],
)
def test_an_area_or_reach_without_output_is_told(result: Path, gone: str, said: str) -> None:
    with h5py.File(result, "r+") as file:
        if gone == "Cross Sections":
            for place in (unsteady.SUMMARY, unsteady.SERIES):
                values = file[f"{place}/{gone}"]
                name = "Maximum Water Surface" if place == unsteady.SUMMARY else "Water Surface"
                values[name][:, 2] = float("nan")
        else:
            del file[f"{unsteady.SUMMARY}/{gone}"], file[f"{unsteady.SERIES}/{gone}"]
    assert judge(DEFAULT, plan_hdf.read(result), ME) == (said,)


def test_an_area_whose_maxima_were_not_asked_for_is_known_by_its_series(result: Path) -> None:
    with h5py.File(result, "r+") as file:
        del file[f"{unsteady.SUMMARY}/2D Flow Areas/Upper basin"]
    assert judge(DEFAULT, plan_hdf.read(result), ME) == ()


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("02JAN1900,0000,05JAN1900,2400", "says its simulation ends at 1900-01-03"),
        ("01JAN1900,0000,02JAN1900,2400", "says its simulation begins at 1900-01-02"),
    ],
)
def test_the_plan_file_says_when_the_simulation_ends(result: Path, window: str, said: str) -> None:
    lacking = judge(DEFAULT, plan_hdf.read(result), replace(ME, simulation=simulation(window)))
    assert any(line.startswith(said) for line in lacking)


def test_missing_output_times_are_counted_and_a_broken_last_interval_is_none(result: Path) -> None:
    facts = plan_hdf.read(result)
    assert "output of 24 times" in judge(DEFAULT, replace(facts, output_times=24), ME)[0]
    until = datetime(1900, 1, 3, 0, 50)  # noqa: DTZ001
    assert ME.simulation is not None
    longer = replace(ME, simulation=(ME.simulation[0], until))
    assert judge(DEFAULT, replace(facts, simulation_end=until), longer) == ()


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (replace(ME, geometry_filename="Muncie.g02"), "says its geometry file is Muncie.g01, not Muncie.g02"),
        (replace(ME, flow_filename="Muncie.u03"), "says its flow file is Muncie.u01, not Muncie.u03"),
        (replace(ME, short_id="Dam break"), "says its plan's short identifier is 'Base', not 'Dam break'"),
        (replace(ME, program="HEC-RAS 6.7"), "HEC-RAS 6.7 is expected"),
        (replace(ME, program="rasreconcile steady"), "rasreconcile steady is expected"),
        (replace(ME, not_before=datetime(2026, 2, 18)), "an old result"),  # noqa: DTZ001
    ],
)
def test_a_result_of_something_else_is_told(result: Path, identity: Identity, said: str) -> None:
    (line,) = judge(DEFAULT, plan_hdf.read(result), identity)
    assert said in line


def test_zones_and_spellings_are_no_difference(result: Path) -> None:
    same_day = datetime(2025, 8, 6, 22, 40)  # noqa: DTZ001
    upper = replace(ME, geometry_filename="MUNCIE.G01", not_before=same_day)
    assert judge(DEFAULT, plan_hdf.read(result), upper) == ()
    assert simulation("02/18/1999,0000,02/18/1999,2400") == (datetime(1999, 2, 18), datetime(1999, 2, 19))  # noqa: DTZ001


def compared(path: Path, other: Path) -> tuple[str, ...]:
    return judge(NEAR, plan_hdf.read(path, baseline=Baseline(other, 0.05)))


def test_a_baseline_finds_the_worst_place_and_counts(result: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(result, tmp_path / "other.hdf"))
    assert compared(result, other) == ()
    area = f"{unsteady.SUMMARY}/2D Flow Areas/Perimeter 1/Maximum Water Surface"
    with h5py.File(other, "r+") as file:
        file[area][0, 3] += 0.04
        assert file[area].shape == (2, 15)
    assert compared(result, other) == ()
    with h5py.File(other, "r+") as file:
        file[area][0, 3] += 0.2
        file[f"{unsteady.SUMMARY}/Cross Sections/Maximum Water Surface"][0, 1] -= 0.5
        file[area][0, 13] = 5.0  # a ghost cell
    (line,) = compared(result, other)
    assert "by up to 0.5," in line
    assert (
        "2 of 20 places differ by more, the worst is White, Muncie, 1000: 947.000, in the baseline 946.500"
        in line
    )


def test_water_in_one_of_the_two_only_is_a_difference(result: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(result, tmp_path / "other.hdf"))
    with h5py.File(other, "r+") as file:
        file[f"{unsteady.SUMMARY}/2D Flow Areas/Upper basin/Maximum Water Surface"][0, :2] = (
            float("nan"),
            -9999.0,
        )
    (line,) = compared(result, other)
    assert line.startswith("2 places have water in one")
    assert "2D area Upper basin, cell 0 has water in the result only" in line


def test_what_cannot_be_compared_is_told(result: Path, tmp_path: Path, steady_result: Path) -> None:
    assert "no such file" in compared(result, tmp_path / "gone.hdf")[0]
    assert "the result is unsteady, the baseline steady" in compared(result, steady_result)[0]
    other = Path(shutil.copy(result, tmp_path / "other.hdf"))
    with h5py.File(other, "r+") as file:
        file.move(
            f"{unsteady.SUMMARY}/2D Flow Areas/Upper basin", f"{unsteady.SUMMARY}/2D Flow Areas/Lower basin"
        )
    assert any("2D area Upper basin: the baseline has none" in line for line in compared(result, other))


def test_a_real_steady_result_is_its_own_baseline_and_its_neighbour_is_not(
    complete_results: list[Path],
) -> None:
    first, second = complete_results[:2]
    assert compared(first, first) == ()
    assert "has shape [50, 5], the baseline [21, 5]" in compared(first, second)[0]


def test_rashdf_reads_the_same_maxima(tmp_path: Path) -> None:
    import rashdf

    path = unsteady.write(tmp_path / "Muncie.p04.hdf", "6.6")
    with rashdf.RasPlanHdf(path) as plan:
        theirs = plan.mesh_max_ws().groupby("mesh_name")["max_ws"].max().to_dict()
    ours = {name: found.maximum for name, found in plan_hdf.read(path).areas.items() if found}
    assert ours == theirs


def test_rashdf_reads_the_same_steady_surfaces(complete_results: list[Path]) -> None:
    import rashdf

    for path in complete_results:
        with rashdf.RasPlanHdf(path) as plan:
            theirs = plan.cross_sections_wsel()
        ours = plan_hdf.read(path).water_surface
        assert ours is not None
        assert ours.maximum == pytest.approx(float(theirs.to_numpy().max()), abs=0.006)


# ---- a process for reading


def test_facts_are_the_same_through_another_process(complete_results: list[Path], result: Path) -> None:
    readers = Readers()
    for path in (*complete_results, result):
        near = Baseline(path, 0.1)
        assert readers.read(path, baseline=near) == plan_hdf.read(path, baseline=near)
    with pytest.raises(ResultError, match="no such file"):
        readers.read(result.with_name("gone.hdf"))
    readers.close()


def test_a_file_that_crashes_the_library_is_told_and_the_next_is_read(result: Path) -> None:
    crashing = Readers([sys.executable, "-c", "import os, sys; sys.stdin.readline(); os.abort()"])
    with pytest.raises(ResultError, match="it crashed the HDF5 library"):
        crashing.read(result)


def test_a_process_that_somebody_killed_says_nothing_of_the_file(result: Path) -> None:
    killed = Readers([sys.executable, "-c", "import os, sys; sys.stdin.readline(); os.kill(os.getpid(), 9)"])
    with pytest.raises(ReaderKilled, match="was killed; is this machine out of memory"):
        killed.read(result)


def test_a_file_whose_reading_never_ends_is_told(result: Path) -> None:
    hanging = Readers([sys.executable, "-c", "import time; time.sleep(600)"], shortest_patience=0.3)
    with pytest.raises(ResultError, match="made no progress for"):
        hanging.read(result)


def test_an_idle_process_that_was_ended_by_others_is_replaced(result: Path) -> None:
    readers = Readers()
    readers.read(result)
    (process,) = readers._idle
    os.kill(process._child.pid, 9)
    process._child.wait()
    assert readers.read(result).kind == "unsteady"
    readers.close()


# ---- damage: as many trials for each file as RASRECONCILE_TRIALS says

TRIALS = int(os.environ.get("RASRECONCILE_TRIALS", "10"))


def damaged(path: Path, kind: str) -> list[bytes]:
    whole, chance = path.read_bytes(), random.Random(7)
    places = chance.sample(range(len(whole)), TRIALS)
    if kind == "cut":
        return [whole[:at] for at in places]
    return [whole[:at] + bytes([whole[at] ^ chance.randrange(1, 256)]) + whole[at + 1 :] for at in places]


@pytest.mark.parametrize("kind", ["cut", "changed byte"])
def test_damage_never_has_the_digest_of_the_run_and_what_reading_finds_of_it(
    complete_results: list[Path], tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from rasreconcile.results.publish import digest_file

    readers, victim = Readers(), tmp_path / "victim.hdf"
    for good in complete_results:
        (_, proven), found = digest_file(good), 0
        for content in damaged(good, kind):
            victim.write_bytes(content)
            assert digest_file(victim)[1] != proven
            try:
                found += bool(judge(DEFAULT, readers.read(victim, thoroughness="every dataset")))
            except ResultError:
                found += 1
        with capsys.disabled():
            if "RASRECONCILE_TRIALS" in os.environ:
                print(f"{good.name} {good.stat().st_size} {kind}: {found} of {TRIALS} told by reading alone")
        assert found == TRIALS if kind == "cut" else found < TRIALS
    readers.close()
