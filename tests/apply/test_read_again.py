"""What a receipt says is looked into, and what was published is read again."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from rasreconcile.named_plans import EVERY_PLAN
from rasreconcile.specfile import load
from rasreconcile.watch.keep_current import Watch


def test_a_receipt_makes_no_result_of_a_file_that_is_none(study) -> None:
    study.command()
    study.apply()
    first, second, *_ = study.results()
    first.write_text("not an HDF at all")
    receipt = first.with_name(f"{first.name}.receipt.json")
    document = json.loads(receipt.read_text())
    document["size"] = first.stat().st_size
    document["sha256"] = hashlib.sha256(first.read_bytes()).hexdigest()
    receipt.write_text(json.dumps(document))
    for path in study.folder.glob("state.db*"):
        path.unlink()
    done = study.apply(check=4)
    assert "0 started, 3 recalled" in done.stdout
    assert (
        f"Willow/p01  not recalled, although its receipt matches: {first.relative_to(study.folder)}: not a sound HDF5 file"
        in done.stderr
    )
    assert first.read_text() == "not an HDF at all", "nothing is destroyed"
    study.run("retry", "spec.yaml", "Willow/p01")
    study.apply()
    assert first.read_bytes() == second.read_bytes()
    assert sum(study.computations().values()) == 5


def test_rot_that_no_date_tells_of_is_found_by_reading(study) -> None:
    study.command()
    study.apply()
    done = study.run("check", "--read", "spec.yaml")
    assert "spec.yaml: 4 results read again" in done.stdout
    assert "all are what was published" in done.stdout
    rotten, gone, *_ = study.results()
    before = rotten.stat()
    data = bytearray(rotten.read_bytes())
    data[len(data) // 2] ^= 1
    with rotten.open("rb+") as file:
        file.write(data)
    os.utime(rotten, ns=(before.st_atime_ns, before.st_mtime_ns))
    gone.unlink()
    done = study.run("check", "spec.yaml", "--read", check=4)
    assert f"{rotten.relative_to(study.folder)} is not what was published: sha256" in done.stdout
    assert "`retry Willow/p01` computes it again" in done.stdout
    assert f"{gone.relative_to(study.folder)} is gone; `apply` computes it again" in done.stdout
    assert "2 results damaged" in done.stdout
    rows = study.json("check", "--read", "spec.yaml")["read"]
    assert [row["plan"] for row in rows if row["what"]] == ["Willow/p01", "Willow/p02"]
    said: list[str] = []
    watch = Watch(
        spec=study.folder / "spec.yaml",
        load=load,
        named=EVERY_PLAN,
        apply=lambda loaded: pytest.fail("nothing is applied"),
        applied=lambda *told: None,
        say=said.append,
        changed=lambda files: None,
    )
    for _ in range(4):
        watch.read_one()
    assert [line.partition(":")[0] for line in said] == ["Willow/p01", "Willow/p02"]
    study.run("retry", "spec.yaml", "Willow/p01")
    study.apply()
    study.run("check", "--read", "spec.yaml")
