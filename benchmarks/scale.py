"""What a study costs that grows: nothing to do, beside build tools on the same tree; and an apply of it, plan by plan.

Projects of 99 plans each, whose command is `cp`. The peers (ninja, make, doit, Snakemake: those that are installed) make the same
copies from the same inputs, once, and are then asked for nothing, in turns with rasreconcile. CPU of the whole program is
told, the least of several, and as a ratio to ninja; memory at its peak.

    python benchmarks/scale.py --plans 99 990 --turns 5
    pip install ninja doit snakemake     # for the peers
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEMO = Path(__file__).parents[1] / "specs" / "demo"
A_PROJECT = 99


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one program: seconds of CPU, and megabytes at its peak."""

    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Copy:
    """What makes one result."""

    inputs: tuple[str, ...]
    output: str


def study(folder: Path, plans: int) -> list[Copy]:
    """Writes it, with `spec.yaml`; what the peers are to make of it, below `peers/`."""
    copies = []
    # In a program of its own: what this one holds counts as the least memory of each that it starts.
    made = "import h5py; h5py.File('ready.hdf', 'w')['x'] = [1.0]"
    subprocess.run([sys.executable, "-c", made], cwd=folder, check=True)
    text = (DEMO / "Willow.p01").read_text()
    for first in range(0, plans, A_PROJECT):
        project = folder / f"m{first // A_PROJECT:03d}"
        project.mkdir()
        numbers = range(1, min(A_PROJECT, plans - first) + 1)
        listed = "".join(f"Plan File=p{n:02d}\n" for n in numbers)
        (project / "Willow.prj").write_text("Proj Title=Willow\nEnglish Units\n" + listed)
        for name in ("g01", "f01"):
            shutil.copy(DEMO / f"Willow.{name}", project)
        for n in numbers:
            (project / f"Willow.p{n:02d}").write_text(text.replace("Plan Title=", f"Plan Title={first + n} "))
            inputs = tuple(f"{project.name}/Willow.{end}" for end in ("prj", f"p{n:02d}", "g01", "f01"))
            copies.append(Copy((*inputs, "ready.hdf"), f"peers/{project.name}.p{n:02d}.hdf"))
    (folder / "peers").mkdir()
    (folder / "spec.yaml").write_text(
        "version: 1\nstate: state.db\nresults: results\n"
        f"engine: {{type: command, command: [cp, {folder / 'ready.hdf'}, '{{output}}']}}\n"
        "workers: {desk: {type: local, worker_folder: runs, cores_total: 4, cores_per_plan: 1}}\n"
        "plans: [{project: m*/Willow.prj, expect: {completed: false}}]\n"
    )
    return copies


def ninja(folder: Path, copies: Sequence[Copy]) -> list[str]:
    builds = "".join(f"build {one.output}: copy {' '.join(one.inputs)}\n" for one in copies)
    (folder / "build.ninja").write_text("rule copy\n  command = cp ready.hdf $out\n" + builds)
    return ["ninja", "--quiet"]


def make(folder: Path, copies: Sequence[Copy]) -> list[str]:
    rules = "".join(f"{one.output}: {' '.join(one.inputs)}\n\t@cp ready.hdf $@\n" for one in copies)
    (folder / "Makefile").write_text(f"all: {' '.join(one.output for one in copies)}\n{rules}")
    return ["make", "--silent"]


def doit(folder: Path, copies: Sequence[Copy]) -> list[str]:
    tasks = "".join(
        f"    yield {{'name': {one.output!r}, 'file_dep': {list(one.inputs)!r}, 'targets': [{one.output!r}],"
        f" 'actions': ['cp ready.hdf {one.output}']}}\n"
        for one in copies
    )
    (folder / "dodo.py").write_text(f"def task_copy():\n{tasks}")
    return ["doit", "-v", "0"]


def snakemake(folder: Path, copies: Sequence[Copy]) -> list[str]:
    rules = "".join(
        f"rule:\n    input: {list(one.inputs)!r}\n    output: {one.output!r}\n    shell: 'cp ready.hdf {{output}}'\n"
        for one in copies
    )
    wanted = [one.output for one in copies]
    (folder / "Snakefile").write_text(f"rule all:\n    input: {wanted!r}\n{rules}")
    return ["snakemake", "--cores", "2", "--quiet", "all"]


PEERS: Mapping[str, Callable[[Path, Sequence[Copy]], list[str]]] = {
    "ninja": ninja,
    "make": make,
    "doit": doit,
    "snakemake": snakemake,
}


def cost(command: Sequence[str], folder: Path) -> Cost:
    """Runs it, and fails where it does."""
    # Compiled modules are kept, as they are for everybody who runs a program twice.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    told = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=told
    ) as program:
        assert program.stderr is not None
        said = program.stderr.read()
        _, status, used = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
    assert program.returncode == 0, said.decode()
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def table(folder: Path, plans: int, turns: int) -> None:
    copies = study(folder, plans)
    ours = [sys.executable, "-m", "rasreconcile"]
    first = cost([*ours, "apply", "spec.yaml", "--quiet"], folder)
    print(f"{plans} plans, Python {sys.version.split()[0]}")
    print(f"  first apply        {1000 * first.cpu / plans:8.1f} ms of CPU a plan, {first.memory:4.0f} MB")
    commands = {verb: [*ours, verb, "spec.yaml"] for verb in ("diff", "status", "apply")}
    for name, write in PEERS.items():
        if shutil.which(name) is None:
            print(f"  {name} is not installed")
            continue
        shutil.rmtree(folder / "peers")
        (folder / "peers").mkdir()
        commands[name] = write(folder, copies)
        cost(commands[name], folder)
    told: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(turns):
        for name, command in commands.items():
            told[name].append(cost(command, folder))
    least = {name: min(one.cpu for one in costs) for name, costs in told.items()}
    for name, costs in told.items():
        beside = f"{least[name] / least['ninja']:7.1f} x ninja" if "ninja" in least else ""
        peak = max(one.memory for one in costs)
        print(f"  nothing to do: {name:<10} {least[name]:6.2f} s of CPU, {peak:4.0f} MB {beside}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--plans", type=int, nargs="+", default=[99, 990])
    options.add_argument("--turns", type=int, default=5)
    asked = options.parse_args()
    for plans in asked.plans:
        with tempfile.TemporaryDirectory() as name:
            table(Path(name), plans, asked.turns)


if __name__ == "__main__":
    main()
