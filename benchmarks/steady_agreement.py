"""The table of docs/steady.md: our water surfaces beside HEC-RAS's own, on real projects."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from rasreconcile.engines.steady.__main__ import main as compute

CASES = [
    ("14320639-steady", "14320639", "02"),
    ("14320639-steady", "14320639", "01"),
    ("meerlustkloof-baseline", "Meerlustkloof", "01"),
    ("meerlustkloof-conservative", "MeerlustkloofPartB15", "01"),
]
SURFACES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections"


def main() -> None:
    named = os.environ.get("RASRECONCILE_TEST_DATA")
    data = Path(named) if named else Path(__file__).parents[2] / "shared" / "hecras-data"
    if not data.is_dir():
        sys.exit("no test data; set RASRECONCILE_TEST_DATA")
    print("| case | points | unit | within 0.01 | largest | mean | not converged |")
    print("|---|---|---|---|---|---|---|")
    for folder, stem, number in CASES:
        with tempfile.TemporaryDirectory() as name:
            for path in (data / folder).glob(f"{stem}.*"):
                if path.suffix[:2] in {".p", ".g", ".f"} and path.suffix != ".hdf":
                    shutil.copy(path, name)
            os.chdir(name)
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123  a stream, not a file
                standard, sys.stdout = sys.stdout, nowhere
                code = compute([f"{stem}.prj", number])
                sys.stdout = standard
            assert code == 0
            with (
                h5py.File(f"{stem}.p{number}.hdf") as ours,
                h5py.File(data / folder / f"{stem}.p{number}.hdf") as theirs,
            ):
                apart = np.abs(
                    ours[f"{SURFACES}/Water Surface"][()] - theirs[f"{SURFACES}/Water Surface"][()]
                )
                lost = int((~ours[f"{SURFACES}/Converged"][()]).sum())
                unit = "m" if ours.attrs["Units System"] == b"SI Units" else "ft"
            os.chdir("/")
        close = int((apart <= 0.01).sum())
        print(
            f"| {stem} p{number} | {apart.size} | {unit} | {close} | {apart.max():.4f} | {apart.mean():.4f} | {lost} |"
        )


if __name__ == "__main__":
    main()
