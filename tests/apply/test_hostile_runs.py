"""A run that writes rubbish into its own run directory: told in words, lost, computed again; nothing hangs and nothing dies."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

VANDAL = """\
import json, os, pathlib, shutil, signal, sys, time

plan, output, study, kinds = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), json.loads(sys.argv[4])
place = pathlib.Path.cwd()
while not (place / "runner.sh").exists():
    place = place.parent
shutil.copy(study / "ready.hdf", output)
kind = kinds.get(plan[-3:])
been = study / f"been-{plan[-3:]}"
if kind is None or been.exists():
    sys.exit(0)
been.touch()
runner = int((place / "started").read_text().split()[1])
name, _, what = kind.partition(" ")
path = place / name
if what in {"fifo", "zero", "folder", "nowhere", "passwd", "circle"}:
    path.unlink(missing_ok=True)
match what:
    case "fifo":
        os.mkfifo(path)
    case "folder":
        path.mkdir()
    case "zero":
        path.symlink_to("/dev/zero")
    case "passwd":
        path.symlink_to("/etc/passwd")
    case "nowhere":
        path.symlink_to("/nowhere")
    case "circle":
        path.symlink_to(path)
    case "sparse":
        with path.open("wb") as file:
            file.truncate(1 << 32)
    case _:
        path.write_bytes((study / what).read_bytes())
if name != "log.txt":
    # Nobody puts it right afterwards.
    os.kill(runner, signal.SIGKILL)
"""
GOOD: dict[str, Any] = {
    "exit_code": 0,
    "cause": "exited",
    "started": 1700000000.0,
    "ended": 1700000001.0,
    "room": 5,
    "image": "",
    "outputs": {},
}
DIGEST = "0" * 64


def _end(**changed: object) -> bytes:
    return json.dumps({**GOOD, **changed}).encode()


RUBBISH: dict[str, bytes] = {
    "deep": b"[" * 200_000,
    "deep-object": b'{"outputs":' * 100_000,
    "huge-number": b'{"exit_code": ' + b"9" * 10_000 + b"}",
    "exit-code": _end(exit_code=10**30),
    "negative": _end(outputs={"x.hdf": {"size": -7, "digest": DIGEST}}),
    "outside": _end(outputs={"../../x": {"size": 1, "digest": DIGEST}}),
    "nan": _end(started=float("nan")),
    "infinite": _end(ended=float("inf")),
    "far": _end(ended=1e300),
    "wrong": _end(outputs=[1, 2]),
    "true": _end(exit_code=True),
    "latin": "\xfc".encode("latin-1") * 100,
    "zeros": bytes(4096),
    "nul": _end(outputs={"a\0b": {"size": 1, "digest": DIGEST}}),
    "half": _end()[:-9],
    "empty": b"",
    "pid": b"pid 99999999999999999999999\nstart 1\nboot x\ntime nan\n",
}
KINDS = [
    ("done.json deep", "done.json zero", "done.json fifo", "done.json folder"),
    ("done.json huge-number", "done.json exit-code", "done.json negative", "done.json outside"),
    ("done.json nan", "done.json far", "done.json wrong", "done.json sparse"),
    ("done.json latin", "done.json zeros", "done.json nul", "done.json half"),
    ("started fifo", "started zero", "started pid", "started folder"),
    ("log.txt fifo", "log.txt zero", "log.txt passwd", "log.txt circle"),
]


def vandals(study: Any, kinds: tuple[str, ...]) -> None:
    """Plan p01 does the first of `kinds`, once; and so on."""
    folder: Path = study.folder
    for name, data in RUBBISH.items():
        (folder / name).write_bytes(data)
    (folder / "vandal.py").write_text(VANDAL)
    chosen = json.dumps({f"p0{n}": kind for n, kind in enumerate(kinds, start=1)})
    study.command(sys.executable, str(folder / "vandal.py"), "{plan}", "{output}", str(folder), chosen)


@pytest.mark.parametrize("kinds", KINDS, ids=[kinds[0] for kinds in KINDS])
def test_what_a_run_leaves_in_place_of_its_files_costs_that_run_and_nothing_else(study, kinds) -> None:
    vandals(study, kinds)
    done = study.apply()
    assert "4 of 4 plans are current" in done.stdout, done.stdout
    runs = study.json("history", "spec.yaml")["runs"]
    lost = {run["plan"]: run["failure"]["message"] for run in runs if run["state"] == "lost"}
    for number, kind in enumerate(kinds, start=1):
        name = {"started": "claim|started", "done.json": "done.json", "log.txt": "log.txt"}[kind.split()[0]]
        said = lost.get(f"Willow/p0{number}", "")
        assert any(word in said for word in name.split("|")), (kind, said)
    assert "root:" not in study.run("logs", "spec.yaml", "p03").stdout
    assert "nothing to do" in study.apply().stdout
    study.run("gc", "spec.yaml")


@pytest.mark.parametrize(
    "kinds", [("done.json fifo",), ("started zero",), ("log.txt fifo",)], ids=lambda k: k[0]
)
def test_a_run_that_has_spoilt_its_directory_can_be_cancelled_and_removed(study, kinds) -> None:
    vandals(study, kinds)
    script = study.folder / "vandal.py"
    script.write_text(
        script.read_text().replace("os.kill(runner, signal.SIGKILL)", "pass") + "time.sleep(600)\n"
    )
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("Willow.prj\n", "Willow.prj\n    numbers: ['01']\n"))
    study.run("apply", "spec.yaml", "--detach", check=2)
    study.wait_for(lambda: (study.folder / "been-p01").exists())
    said = study.run("cancel", "spec.yaml", "p01")
    assert "has ended" in said.stdout + said.stderr
    study.wait_for(lambda: study.processes() == [])
    study.apply(check=None)
    (state,) = [run["state"] for run in study.json("history", "spec.yaml")["runs"]][-1:]
    assert state in {"cancelled", "lost"}
    (study.folder / "state.db").unlink()
    for place in study.folder.glob("runs/*/2*"):
        os.utime(place, (0, 0))
    study.apply()
    study.run("gc", "spec.yaml", "--older-than", "1d")
    assert [p for p in study.folder.glob("runs/*/*") if p.name != "cache"] == []
