"""HDFs in HEC-RAS's layout, as HECRAS-EVIDENCE tells it: prepared ones, and results of unsteady and steady plans."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import h5py
import numpy as np
import rasmodel as model

RELEASED = {
    "4.1": "January 2010",
    "5.0.7": "March 2019",
    "6.0": "May 2021",
    "6.1": "September 2021",
    "6.3.1": "September 2022",
    "6.4.1": "June 2023",
    "6.6": "September 2024",
    "7.0": "June 2026",
}
BASE = "Results/Unsteady/Output/Output Blocks/Base Output"


@dataclass
class Flaws:
    """What is wrong with a result on purpose."""

    version: str = ""
    plan_name: str = ""
    short_id: str = ""
    volume_error: float = 0.000321
    solution: str = "Finished Successfully"
    unstable_at: str = "Not Applicable"
    steps_left_out: int = 0
    dry: bool = False


def full_version(version: str) -> str:
    return f"HEC-RAS {version} {RELEASED.get(version, 'January 2025')}"


def stamp(at: datetime) -> str:
    return f"{at:%d%b%Y %H:%M:%S}"


def texts(owner: h5py.HLObject, **values: str) -> None:
    for name, value in values.items():
        owner.attrs[name.replace("_", " ")] = np.bytes_(value)


def prepare(plan: model.Plan, flaws: Flaws) -> None:
    """The plan HDF as it is before the solver runs: everything but Results."""
    begin, end = model.window(plan)
    with h5py.File(plan.growing, "w", locking=False) as file:
        texts(file, File_Type="HEC-RAS Results", Units_System=plan.units, Projection='PROJCS["none"]')
        file.attrs["File Version"] = np.bytes_(full_version(flaws.version or plan.version))
        _plan_data(file, plan, flaws, begin, end)
        _geometry(file, plan)
        events = file.create_group("Event Conditions")
        texts(events, Completed_Successfully="True", Date_Processed="25/11/2026 10:00:00 AM")
        inflows = events.create_group("Unsteady/Boundary Conditions/Flow Hydrographs")
        for name, values in model.hydrographs(plan.flow).items():
            hours = np.arange(len(values)) / 24.0
            inflows[name.replace("/", "-")] = np.column_stack([hours, values]).astype("f4")
        # The real solvers find geometry and flow in the tables above.
        for name, text in (("geometry", plan.geometry), ("flow", plan.flow)):
            file[f"Event Conditions/Stand-in/{name}"] = np.bytes_(text.encode() or b" ")


def without_texts(plan: model.Plan) -> model.Plan:
    """The plan as the Linux solvers know it where its geometry or flow is not beside it."""
    if plan.growing.exists():
        with h5py.File(plan.growing, "r", locking=False) as file:
            kept = file.get("Event Conditions/Stand-in")
            if kept is not None:
                plan.geometry = plan.geometry or kept["geometry"][()].decode()
                plan.flow = plan.flow or kept["flow"][()].decode()
    return plan


def _plan_data(file: h5py.File, plan: model.Plan, flaws: Flaws, begin: datetime, end: datetime) -> None:
    said = file.create_group("Plan Data/Plan Information")
    texts(
        said,
        Plan_Name=plan.keys.get("Plan Title", ""),
        Plan_Title=plan.keys.get("Plan Title", ""),
        Plan_Filename=flaws.plan_name or plan.name,
        Plan_ShortID=flaws.short_id or plan.short_id,
        Geometry_Filename=f"{plan.stem}.{plan.keys.get('Geom File', 'g01')}",
        Flow_Filename=f"{plan.stem}.{plan.keys.get('Flow File', 'u01')}",
        Project_Filename=f"C:\\Models\\{plan.stem}.prj",
        Project_Title=plan.title,
        Base_Output_Interval=plan.keys.get("Output Interval", "1HOUR"),
        Simulation_Start_Time=stamp(begin),
        Simulation_End_Time=stamp(end),
    )
    if not plan.steady:
        texts(said, Time_Window=f"{stamp(begin)} to {stamp(end)}")
    parameters = file.create_group("Plan Data/Plan Parameters")
    parameters.attrs["1D Cores"] = np.int32(plan.keys.get("UNET D1 Cores") or 0)
    if model.areas(plan.geometry):
        cores = int(plan.keys.get("UNET D2 Cores") or 0)
        parameters.attrs["2D Cores (per mesh)"] = np.full(len(model.areas(plan.geometry)), cores, "i4")


def _geometry(file: h5py.File, plan: model.Plan) -> None:
    geometry = file.create_group("Geometry")
    texts(geometry, SI_Units=str(plan.units == "SI Units"), Complete_Geometry="True")
    names = model.areas(plan.geometry)
    if names:
        table = np.zeros(len(names), [("Name", "S16"), ("Cell Count", "<i4")])
        table["Name"] = names
        table["Cell Count"] = model.CELLS
        geometry["2D Flow Areas/Attributes"] = table
    for name in names:
        low = np.full(model.CELLS + model.GHOSTS, 920.0, "f4")
        low[model.CELLS :] = np.nan
        geometry[f"2D Flow Areas/{name}/Cells Minimum Elevation"] = low
    found = model.sections(plan.geometry)
    if found:
        kinds = [("River", "S16"), ("Reach", "S16"), ("RS", "S8")]
        geometry["Cross Sections/Attributes"] = np.array([tuple(s) for s in found], kinds)


def unsteady(plan: model.Plan, flaws: Flaws, say: Callable[[str], None], seconds: float) -> None:
    """Adds the results, one output time after another, flushing as HEC-RAS does."""
    begin, end = model.window(plan)
    every = model.interval(plan.keys.get("Output Interval", "15MIN"))
    count = int((end - begin) / every) + 1
    with h5py.File(plan.growing, "r+", locking=False) as file:
        hours = np.arange(count) * (every / timedelta(hours=1))
        flow = _inflow(file, hours)
        names, found = model.areas(plan.geometry), model.sections(plan.geometry)
        places = {f"2D Flow Areas/{name}": model.CELLS + model.GHOSTS for name in names}
        places |= {"Cross Sections": len(found)} if found else {}
        kept = count - flaws.steps_left_out
        series = file.create_group(f"{BASE}/Unsteady Time Series")
        series["Time"] = hours[:kept] / 24.0
        series["Time Date Stamp"] = np.array([stamp(begin + n * every).upper() for n in range(kept)], "S19")
        for place, width in places.items():
            series.create_dataset(f"{place}/Water Surface", (kept, width), "f4", chunks=(1, width))
        for step in range(kept):
            for place, width in places.items():
                series[f"{place}/Water Surface"][step] = model.stage(flow[step : step + 1], width)[0]
            file.flush()
            at = begin + step * every
            say(f"Progress | {step / max(count - 1, 1):.6g}")
            if names and step:
                say(f"{at:%d%b%Y %H:%M:%S}  {names[0]}\tCell #\t        12\t  944.26\t   0.081\t20".upper())
            time.sleep(seconds / count)
        for place, width in places.items():
            rows = np.zeros((2, width), "f4")
            # Over computation steps, and so above the highest of the series.
            rows[0] = np.nan if flaws.dry else model.stage(flow, width).max(axis=0) + 0.01
            rows[1] = hours[int(flow.argmax())] / 24.0
            file[f"{BASE}/Summary Output/{place}/Maximum Water Surface"] = rows
        _unsteady_summary(file, flaws)


def _inflow(file: h5py.File, hours: np.ndarray) -> np.ndarray:
    total = np.zeros(len(hours))
    for table in file["Event Conditions/Unsteady/Boundary Conditions/Flow Hydrographs"].values():
        total += np.interp(hours, table[:, 0] * 24.0, table[:, 1])
    return total


def _unsteady_summary(file: h5py.File, flaws: Flaws) -> None:
    summary = file.create_group("Results/Unsteady/Summary")
    now = datetime.now()
    texts(
        summary,
        Solution=f"Unsteady {flaws.solution}",
        Run_Time_Window=f"{now:%d%b%Y %H:%M:%S} to {now:%d%b%Y %H:%M:%S}".upper(),
        Time_Stamp_Solution_Went_Unstable=flaws.unstable_at,
        Computation_Time_Total="00:00:01",
    )
    summary.attrs["Maximum WSEL Error"] = np.float32(0.01)
    summary.attrs["Maximum number of cores"] = np.int32(1)
    volume = summary.create_group("Volume Accounting")
    volume.attrs["Error Percent"] = np.float32(flaws.volume_error)
    volume.attrs["Error"] = np.float32(flaws.volume_error / 10.0)
    texts(volume, Vol_Accounting_in="Acre Feet")


def steady(plan: model.Plan, flaws: Flaws) -> None:
    """Adds the results of a steady plan; 14320639-steady is the pattern."""
    names, flows = model.profiles(plan.flow)
    found = model.sections(plan.geometry)
    now = datetime.now()
    with h5py.File(plan.growing, "r+", locking=False) as file:
        output = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
        file[f"{output}/Profile Names"] = np.array(names, "S16")
        surface = model.stage(flows, len(found))
        surface[:] = np.nan if flaws.dry else surface
        file[f"{output}/Cross Sections/Water Surface"] = surface
        file[f"{output}/Cross Sections/Energy Grade"] = surface + np.float32(0.1)
        file[f"{output}/Cross Sections/Flow"] = np.repeat(flows[:, None], len(found), axis=1).astype("f4")
        kinds = [("River", "S16"), ("Reach", "S16"), ("Station", "S8"), ("Name", "S16")]
        table = np.array([(*section, "") for section in found], kinds)
        file["Results/Steady/Output/Geometry Info/Cross Section Attributes"] = table
        summary = file.create_group("Results/Steady/Summary")
        texts(
            summary,
            Solution=f"Steady {flaws.solution}",
            Run_Time_Window=f"{now:%d%b%Y %H:%M:%S} to {now:%d%b%Y %H:%M:%S}".upper(),
        )


def write_messages(path: os.PathLike[str], lines: list[str], processes: list[str]) -> None:
    """What Ras.exe, and it alone, writes into the HDF at the end of a run: also of one that failed."""
    with h5py.File(path, "r+", locking=False) as file:
        summary = file.require_group("Results/Summary")
        for name in list(summary):
            del summary[name]
        table = np.zeros(len(processes), [("Process", "S40"), ("Filename", "S60")])
        table["Process"] = processes
        summary["Compute Processes"] = table
        summary["Compute Messages (text)"] = np.array(["\r\n".join(lines)], "S")
