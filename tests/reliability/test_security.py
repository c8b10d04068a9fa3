"""What a spec, a project and a planted link cannot do; and where a secret must not turn up."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize(
    "name", ["CON", "NUL.hdf", "com1", "a/LPT9.txt", "name.", "name ", "a/b./c", "CON .x"]
)
def test_a_name_that_windows_keeps_for_itself_is_refused_in_a_spec(study, name) -> None:
    spec = study.folder / "spec.yaml"
    text = spec.read_text()
    spec.write_text(text + f"    name: '{name}'\n")
    assert study.apply(check=64).stderr.startswith("spec.yaml:")
    assert not (study.folder / "results").exists()


@pytest.mark.parametrize("name", ["CON", "NUL.dat", "com1.txt", "soil.", "soil ", "lpt¹"])
def test_an_input_of_such_a_name_reaches_no_worker(study, name) -> None:
    (study.folder / name).write_text("x")
    study.command()
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"    inputs: ['{name}']\n")
    assert "rename the file" in study.apply(check=3).stdout
    assert "quarantined" in study.run("status", "spec.yaml").stdout
    assert study.computations() == {}
    assert study.left_over() == []


@pytest.mark.parametrize(
    "word", ["../../outside.g01", "/etc/passwd", "C:\\Windows\\x.g01", "NUL", "g01/../../x"]
)
def test_what_a_project_names_is_never_written_outside_of_the_run(study, word) -> None:
    study.command()
    project = study.folder / "Willow.p01"
    project.write_text(re.sub(r"Geom File=.*", lambda _: f"Geom File={word}", project.read_text()))
    done = study.apply(check=None)
    assert done.returncode in {0, 3, 4, 64}
    assert not (study.folder.parent / "outside.g01").exists()
    assert {path.parent.name for path in study.results()} <= {"Willow"}
    assert study.left_over() == []


def test_a_results_folder_that_is_a_link_is_followed_and_what_it_leads_to_is_whole(
    study, tmp_path_factory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "mine").write_text("mine")
    (study.folder / "results").symlink_to(elsewhere)
    study.command()
    study.apply()
    assert len(list(elsewhere.rglob("*.hdf"))) == 4
    assert (elsewhere / "mine").read_text() == "mine"
    assert "nothing to do" in study.apply().stdout
    assert not list(elsewhere.rglob("*.part"))


def test_a_link_of_the_project_that_leads_out_is_read_and_never_written_to(study, tmp_path_factory) -> None:
    """HEC-RAS projects share terrains by links: the run gets a copy of what is there, and can change no more than that."""
    outside = tmp_path_factory.mktemp("outside") / "precious"
    outside.write_text("precious")
    (study.folder / "shared.tif").symlink_to(outside)
    study.command(
        "sh",
        "-c",
        f'rm -f shared.tif; echo spoilt >shared.tif; cp {study.folder / "ready.hdf"} "$0"',
        "{output}",
    )
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    inputs: [shared.tif]\n")
    study.apply()
    assert outside.read_text() == "precious"
    assert (study.folder / "shared.tif").is_symlink()


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
