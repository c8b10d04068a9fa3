"""`logs --fetch`, through the real command line: what a run left comes here, and nothing here is lost."""

from __future__ import annotations

import json
from pathlib import Path

from rasreconcile.workers.kinds import KINDS
from tests.workers.toy import TOY

FAILS = ("sh", "-c", "echo half >$1; echo no luck; exit 3", "sh", "{output}")


def test_the_files_of_a_failed_run_are_fetched_by_the_command_that_was_told(study, ask) -> None:
    study.command(*FAILS)
    told = ask("apply", "spec.yaml", "--quiet")
    assert told.code == 3
    last = ask("history", "spec.yaml", "Willow/p01", "--json").json["runs"][0]
    # Which of the two workers had room for its second attempt is not said.
    run, worker = last["run"], last["worker"]
    place = f"{worker}, {study.folder / 'runs' / worker / run}"
    assert f"      files of Willow/p01: {place}" in told.out
    assert "`rasreconcile logs spec.yaml PLAN --fetch DIR` copies the files" in told.out
    assert told.out.count("4 x ") == told.out.count("its result cannot be read") == 1
    assert f"files of its failed run: {place}" in ask("explain", "spec.yaml", "Willow/p01").out
    hint = ask("logs", "spec.yaml", "Willow/p01").err
    assert f"`rasreconcile logs spec.yaml Willow/p01 --run {run} --fetch DIR` copies them here" in hint
    said = ask("logs", "spec.yaml", "Willow/p01", "--fetch", "here")
    assert said.out.startswith("Willow/p01: ")
    assert f"of run {run} in {study.folder / 'here' / run}" in said.out
    folder = study.folder / "here" / run
    assert (folder / "log.txt").read_text() == "no luck\n"
    assert (folder / "work" / "Willow.p01.hdf").read_text() == "half\n"
    again = ask("logs", "spec.yaml", "Willow/p01", "--fetch", "here", "--json").json
    assert (again["fetched"], again["lacking"]) == ({}, {})
    assert "work/Willow.p01.hdf" in again["here"]
    (folder / "log.txt").write_text("my own notes")
    kept = ask("logs", "spec.yaml", "Willow/p01", "--fetch", "here")
    assert kept.code == 1
    assert "missing: log.txt: another file of this name exists here; --force replaces it" in kept.out
    assert (folder / "log.txt").read_text() == "my own notes"
    assert ask("logs", "spec.yaml", "Willow/p01", "--fetch", "here", "--force").code == 0
    assert (folder / "log.txt").read_text() == "no luck\n"
    for words in (("--force",), ("--fetch", "x", "-f")):
        assert "--force belongs to --fetch" in ask("logs", "spec.yaml", "p01", *words).err


def test_of_a_published_run_the_place_of_its_result_is_told(study, ask) -> None:
    study.command("sh", "-c", "cp $1 $2", "sh", str(study.folder / "ready.hdf"), "{output}")
    assert ask("apply", "spec.yaml").code == 0
    done = ask("logs", "spec.yaml", "p01", "--fetch", "here")
    assert done.code == 64
    assert f"any more; its result is {study.results()[0].relative_to(study.folder)}" in done.err
    assert not (study.folder / "here").exists()


def test_plans_that_are_blocked_alike_are_retried_by_one_command(study, ask) -> None:
    two_ways = "case $1 in *3) echo ERROR: no bridge; exit 1;; *) echo ERROR: no weir; exit 1;; esac"
    study.command("sh", "-c", two_ways, "sh", "{plan}")
    told = ask("apply", "spec.yaml").out
    assert "3 x " in told
    assert "`rasreconcile retry spec.yaml --like Willow/p01`" in told
    assert "`rasreconcile retry spec.yaml Willow/p03`" in told
    asked = ask("retry", "spec.yaml", "--like", "p02", "--json").json["requested"]
    assert asked == ["Willow/p01", "Willow/p02", "Willow/p04"]


def test_a_kind_of_worker_of_the_users_own_is_fetched_from_as_well(study, ask) -> None:
    study.command(*FAILS)
    path = study.folder / "spec.yaml"
    path.write_text(path.read_text().replace("type: local", "type: toy"))
    kinds = {**KINDS, "toy": TOY}
    end = json.loads(ask("apply", "spec.yaml", "--json", kinds=kinds).out.splitlines()[-1])
    assert {one["plan"] for one in end["failed"]} == {f"Willow/p0{n}" for n in range(1, 5)}
    said = ask("logs", "spec.yaml", "p02", "--fetch", "here", "--json", kinds=kinds).json
    assert Path(said["folder"], "work", "Willow.p02.hdf").read_text() == "half\n"
    assert Path(said["folder"]).samefile(study.folder / "here" / said["run"])
