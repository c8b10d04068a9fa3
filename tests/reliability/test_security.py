"""What a spec, a project and a planted link cannot do; and where a secret must not turn up."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

SECRET = "hunter2-tide-9041"


@pytest.mark.parametrize("name", ["../out", "a/../../out", "..", "a//b", "C:x"])
def test_the_name_of_an_entry_cannot_lead_out_of_the_results(study, name) -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"    name: '{name}'\n")
    assert "leads out of the results folder" in study.apply(check=64).stderr


@pytest.mark.parametrize("word", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a/../../b"])
def test_an_input_cannot_lie_outside_the_project(study, word) -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"    inputs: ['{word}']\n")
    assert "leads out of the project's folder" in study.apply(check=64).stderr


def test_a_yaml_bomb_is_refused_at_once(study) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (study.folder / "bomb.yaml").write_text("\n".join(lines))
    done = study.run("apply", "bomb.yaml", check=64)
    assert done.stderr.startswith("bomb.yaml:")
    with (study.folder / "huge.yaml").open("wb") as file:
        file.truncate(1 << 31)
    assert "huge.yaml" in study.run("apply", "huge.yaml", check=64).stderr


def test_a_link_planted_as_a_result_is_replaced_and_never_followed(study) -> None:
    study.command()
    mine = study.folder / "precious"
    mine.write_bytes(b"precious")
    output = study.folder / "results/Willow/Willow.p01.hdf"
    output.parent.mkdir(parents=True)
    output.symlink_to(mine)
    study.apply(check=4)
    study.run("retry", "spec.yaml", "p01")
    study.apply()
    assert mine.read_bytes() == b"precious"
    assert not output.is_symlink()


def test_stores_and_run_directories_are_for_their_owner_only(study) -> None:
    study.command("sh", "-c", "exit 1")
    study.apply(check=3)
    paths = [study.folder / "state.db", study.folder / "state.db.lock", *study.folder.glob("runs/*/2*")]
    assert len(paths) > 3
    assert [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


@pytest.mark.parametrize("script", ["exit 1", "exit 0", "kill -9 $$"])
def test_a_secret_of_the_environment_turns_up_nowhere(study, script, monkeypatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", SECRET)
    study.command("sh", "-c", script)
    said = [study.apply(check=3)]
    said += [
        study.run(*verb, check=None)
        for verb in (("status", "spec.yaml"), ("history", "spec.yaml"), ("diff", "spec.yaml"))
    ]
    assert not [done for done in said if SECRET in done.stdout + done.stderr]
    found = [str(path) for path in study.folder.rglob("*") if path.is_file() and _holds(path)]
    assert found == []


def _holds(path: Path) -> bool:
    return SECRET.encode() in path.read_bytes()
