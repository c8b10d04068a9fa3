"""What a plan switches on, its result must hold: in the layouts in which each is known to be written."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.facts import Identity
from rasreconcile.results import plan_hdf
from rasreconcile.spec import Expectations
from tests.results import unsteady
from tests.told import judge

BLOCKS = "Results/Unsteady/Output/Output Blocks"
SERIES = f"{BLOCKS}/Base Output/Unsteady Time Series"
QUASI = "Results/Sediment/Output Blocks/Sediment/Sediment Time Series"


def shortfalls(path: Path, *computes: str, breaches: tuple[str, ...] = ()) -> tuple[str, ...]:
    name = path.name.removesuffix(".hdf")
    names = tuple(frozenset({one}) for one in breaches)
    identity = Identity(plan_filename=name, computes=computes, breaches=names)
    return judge(Expectations(), plan_hdf.read(path, thoroughness="every dataset"), identity)


@pytest.fixture(params=list(unsteady.VERSIONS))
def result(tmp_path: Path, request) -> Path:
    return unsteady.write(tmp_path / "Muncie.p04.hdf", request.param)


@pytest.mark.parametrize(
    "place",
    [
        f"{BLOCKS}/Sediment/Sediment Time Series/Cross Sections/Invert Change",
        f"{BLOCKS}/Sediment Bed/Unsteady Time Series/2D Flow Areas/Perimeter 1/Cell Bed Change",
        f"{BLOCKS}/Sediment Transport/Unsteady Time Series/2D Flow Areas/Perimeter 1/Concentration",
        "Bed Time Series/2D Flow Areas/Perimeter 1/Cell Bed Change",
        QUASI + "/Cross Sections/Invert Change",
    ],
)
def test_a_plan_with_sediment_owes_sediment_wherever_its_version_writes_it(result: Path, place: str) -> None:
    assert shortfalls(result, "unsteady") == ()
    without = ("holds no output of sediment transport, which Muncie.p04 switches on (Run Sediment)",)
    assert shortfalls(result, "unsteady", "sediment") == without
    with h5py.File(result, "r+") as file:
        file.create_dataset(place, (0, 15), "f4", maxshape=(None, 15))
    assert shortfalls(result, "unsteady", "sediment") == without, "a table without a row is no grain"
    with h5py.File(result, "r+") as file:
        del file[place]
        file[place] = np.zeros((25, 15), "f4")
    assert shortfalls(result, "unsteady", "sediment") == ()


def test_a_plan_owes_what_its_flow_is_for(result: Path, steady_result: Path) -> None:
    assert shortfalls(result, "steady") == (
        "holds no output of steady profiles, which Muncie.p04 switches on (Flow File)",
    )
    assert shortfalls(steady_result, "steady") == ()
    assert "unsteady flow" in shortfalls(steady_result, "unsteady")[0]


def test_water_quality_is_owed_and_its_process_or_its_group_pays(result: Path, say) -> None:
    assert "holds no output of water quality" in shortfalls(result, "unsteady", "water-quality")[0]
    say(result, unsteady.MESSAGES, ["Unsteady Flow Computations", "Water Quality Computations"])
    assert shortfalls(result, "unsteady", "water-quality") == ()
    say(result, unsteady.MESSAGES, ["Unsteady Flow Computations"])
    with h5py.File(result, "r+") as file:
        file["Results/Water Quality/Output/Temperature"] = np.zeros((3, 4), "f4")
    assert shortfalls(result, "unsteady", "water-quality") == ()


def test_a_breach_is_owed_by_a_structure_that_the_geometry_has(result: Path) -> None:
    kinds = [("River", "S16"), ("Reach", "S16"), ("RS", "S8"), ("Connection", "S16"), ("Groupname", "S45")]
    rows = [(b"", b"", b"", b"Dam", b"Dam"), (b"Bald", b"Lock", b"81500", b"", b"Bald Lock 81500")]
    with h5py.File(result, "r+") as file:
        file["Geometry/Structures/Attributes"] = np.array(rows, kinds)
        old = b"5.0.7" in file.attrs["File Version"]
    breached = {"dam": "SA 2D Area Conn/Dam", "bald lock 81500": "Inline Structures/Bald Lock 81500"}
    assert shortfalls(result, breaches=("levee of another geometry",)) == ()
    for name, place in breached.items():
        lacking = f"holds no output of the breach of {name}, which Muncie.p04 switches on (Breach Loc)"
        # What 5.0 writes of each breach is not known.
        assert shortfalls(result, breaches=(name,)) == (() if old else (lacking,))
        with h5py.File(result, "r+") as file:
            file[f"{SERIES}/{place}/Breaching Variables"] = np.zeros((25, 10), "f4")
        assert shortfalls(result, breaches=(name,)) == ()


def test_a_pipe_network_of_the_geometry_owes_output_in_any_block(result: Path) -> None:
    with h5py.File(result, "r+") as file:
        file["Geometry/Pipe Networks/Attributes"] = np.array([(b"Davis",)], [("Name", "S16")])
        file["Geometry/Pipe Networks/Davis/Node Indices"] = np.arange(3)
    assert shortfalls(result) == ("pipe network Davis of its geometry has no output",)
    with h5py.File(result, "r+") as file:
        place = f"{BLOCKS}/DSS Hydrograph Output/Unsteady Time Series/Pipe Networks/Davis/Nodes/Depth"
        file[place] = np.zeros((25, 3), "f4")
    assert shortfalls(result) == ()


# ---- results of quasi-unsteady sediment, and of water quality on top of others


def quasi_unsteady(path: Path, messages: str) -> Path:
    """As 5.0.5 to 7.0 lay it out: chunks longer than the series, no `Solution` anywhere."""
    with h5py.File(path, "w") as file:
        file.attrs["File Version"] = np.bytes_("HEC-RAS 5.0.5 June 2018")
        file.create_group("Plan Data/Plan Information").attrs["Plan Filename"] = np.bytes_("Muncie.p04")
        kinds = [("River", "S16"), ("Reach", "S16"), ("Station", "S8")]
        named = np.array([(b"Rio", b"Alto", str(n).encode()) for n in range(34)], kinds)
        file["Results/Sediment/Geometry Info/Cross Section Attributes"] = named
        surface = file.create_dataset(
            f"{QUASI}/Cross Sections/Water Surface", (477, 34), "f4", maxshape=(None, 34), chunks=(478, 34)
        )
        surface[:] = np.linspace(100, 110, 34, dtype="f4")
        file["Results/Summary/Compute Messages (text)"] = np.array([messages.encode()])
        table = np.array([(b"Ras.exe",), (b"Sediment Computations(64)",)], [("Process", "S40")])
        file["Results/Summary/Compute Processes"] = table
    return path


def test_a_complete_sediment_result_is_whole_and_its_water_surface_is_known(tmp_path: Path) -> None:
    done = "Finished Sediment Transport Simulation\nComplete Process\t 4"
    path = quasi_unsteady(tmp_path / "Muncie.p04.hdf", done)
    assert shortfalls(path, "sediment") == ()
    facts = plan_hdf.read(path)
    assert facts.water_surface is not None
    assert (facts.water_surface.shape, facts.water_surface.maximum) == ((477, 34), 110.0)
    broken = quasi_unsteady(tmp_path / "Muncie.p04.hdf", "Sediment time step 17\n")
    assert len(shortfalls(broken, "sediment")) == 1


def test_a_water_quality_run_on_top_of_a_good_real_result_leaves_it_good(
    steady_result: Path, tmp_path: Path, say, fail_again
) -> None:
    path = Path(shutil.copy(steady_result, tmp_path / "14320639.p02.hdf"))
    path.chmod(0o644)
    later = (
        "Plan: '14320639_nd' (14320639.p02)\nSimulation started at: 20Apr2025 10:00:00 AM\n\n"
        "Performing Water Quality Simulation\nComputations Summary\nWater Quality Computations\t 2\n"
        "Complete Process\t 3\n"
    )
    say(path, later, ["Ras.exe", "Water Quality Computations"])
    assert shortfalls(path, "steady") == ()
    assert shortfalls(path, "steady", "water-quality") == ()
    say(path, later.partition("Computations Summary")[0], ["Ras.exe", "Water Quality Computations"])
    assert shortfalls(path, "steady") != (), "it did not come to its end"
    fail_again(path)
    assert shortfalls(path, "steady") != ()


# ---- areas without cells


def test_an_area_that_never_got_a_mesh_owes_nothing(result: Path) -> None:
    table = "Geometry/2D Flow Areas/Attributes"
    with h5py.File(result, "r+") as file:
        if table in file:
            rows = np.append(file[table][()], np.array([(b"Drawn only", 0)], file[table].dtype))
            del file[table]
            file[table] = rows
        else:
            names = file["Geometry/2D Flow Areas/Names"][()].tolist()
            del file["Geometry/2D Flow Areas/Names"]
            file["Geometry/2D Flow Areas/Names"] = np.array([*names, b"Drawn only"])
    assert shortfalls(result, "unsteady") == ()
    with h5py.File(result, "r+") as file:
        file[f"{SERIES}/2D Flow Areas/Drawn only/Water Surface"] = np.zeros((25, 1), "f4")
    assert shortfalls(result, "unsteady") == ()


def test_an_area_with_a_mesh_owes_output_also_where_no_table_counts_its_cells(result: Path) -> None:
    with h5py.File(result, "r+") as file:
        for name in ("Attributes", "Names", "Cell Info"):
            if f"Geometry/2D Flow Areas/{name}" in file:
                del file[f"Geometry/2D Flow Areas/{name}"]
        file["Geometry/2D Flow Areas/Names"] = np.array([b"Perimeter 1", b"Upper basin", b"Drawn only"])
        for block in ("Summary Output", "Unsteady Time Series"):
            del file[f"{BLOCKS}/Base Output/{block}/2D Flow Areas/Upper basin"]
    assert shortfalls(result, "unsteady") == ("2D area Upper basin of its geometry has no output",)
