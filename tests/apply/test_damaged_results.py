"""A result that was damaged on its worker, after or before its runner took the digest, through a whole apply."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

NAME = "Willow.p01.hdf"


def with_one_plan(study):
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("Willow.prj", 'Willow.prj\n    numbers: ["01"]'))
    return study


def changed_byte(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def zero_tail(content: bytes) -> bytes:
    kept = len(content) * 9 // 10
    return content[:kept] + bytes(len(content) - kept)


def cut(content: bytes) -> bytes:
    return content[: len(content) * 9 // 10]


@pytest.mark.parametrize("damage", [changed_byte, zero_tail, cut])
def test_what_is_damaged_after_its_digest_was_taken_is_never_published(
    study, damage: Callable[[bytes], bytes]
) -> None:
    study.command(waits=True)
    one = with_one_plan(study)
    one.run("apply", "spec.yaml", "--detach", check=2)
    one.let_go()
    one.wait_for(lambda: list(one.folder.glob("runs/*/*/done.json")))
    (victim,) = one.folder.glob(f"runs/*/*/work/**/{NAME}")
    damaged = damage(victim.read_bytes())
    victim.write_bytes(damaged)
    one.apply()
    again, damaged_run = one.json("history", "spec.yaml")["runs"]
    assert (damaged_run["state"], damaged_run["failure"]["blame"]) == ("lost", "worker")
    remedy = "the worker's disk or the connection damages files"
    if damage is cut:
        # Another size is seen before anything is copied.
        remedy = "see what its job writes there"
    assert remedy in damaged_run["failure"]["remedy"]
    assert (again["state"], again["worker"] != damaged_run["worker"]) == ("succeeded", True)
    assert [path.read_bytes() == damaged for path in one.results()] == [False]


@pytest.mark.parametrize("damage", [zero_tail, cut])
def test_what_is_damaged_before_its_digest_was_taken_is_found_by_reading(
    study, damage: Callable[[bytes], bytes]
) -> None:
    one = with_one_plan(study)
    one.apply()
    (good,) = one.results()
    ready = one.folder / "damaged.hdf"
    ready.write_bytes(damage(good.read_bytes()))
    spec, engine = one.folder / "spec.yaml", {"type": "command", "command": ["cp", str(ready), "{output}"]}
    spec.write_text(spec.read_text().replace("{type: steady}", json.dumps(engine)))
    kept = good.read_bytes()
    one.apply(check=3)
    failed = [run["failure"] for run in one.json("history", "spec.yaml")["runs"] if run["failure"]]
    assert failed and all("cannot be read" in failure["message"] for failure in failed), failed
    assert good.read_bytes() == kept
