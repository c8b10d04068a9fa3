"""The command line: words that are wrong, specs that are not named, answers for programs."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import pytest

from rasreconcile.__main__ import main
from rasreconcile.cli.other_tools import VERBS as OF_OTHERS
from rasreconcile.cli.verbs import VERBS, run
from rasreconcile.errors import UsageError
from rasreconcile.named_plans import plans_matching
from rasreconcile.plans import Address

KNOWN = [Address("Muncie/p01"), Address("Muncie/p04"), Address("White/p04"), Address("White/p05")]


def test_a_plan_is_named_by_address_pattern_or_ending() -> None:
    assert plans_matching("Muncie/p04", KNOWN) == ("Muncie/p04",)
    assert plans_matching("muncie/*", KNOWN) == ("Muncie/p01", "Muncie/p04")
    assert plans_matching("p04", KNOWN) == ("Muncie/p04", "White/p04")


def test_a_plan_that_is_not_there_is_told_with_what_is_near() -> None:
    with pytest.raises(UsageError, match="did you mean Muncie/p04"):
        plans_matching("Munci/p04", KNOWN)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert "Usage: rasreconcile" in capsys.readouterr().out


def test_a_verb_that_does_not_exist_is_told_with_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["aply"]) == 64
    assert "Did you mean 'apply'?" in capsys.readouterr().err


def test_without_a_spec_it_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RASRECONCILE_SPEC", raising=False)
    assert run(["diff"]) == 64
    assert "no spec was named" in capsys.readouterr().err


def test_status_before_the_first_apply_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spec.yaml").write_text("version: 1\n")
    assert run(["status", str(tmp_path / "spec.yaml")]) == 1
    assert "there is no store yet; `apply` creates it" in capsys.readouterr().err


def test_a_spec_with_faults_ends_in_64_with_one_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("version: 2\nengine: {type: steady}\nplans: []\n")
    assert run(["apply", str(spec)]) == 64
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("spec.yaml:")[2].partition(":")[0] for line in lines] == ["1", "1", "3"]


def test_schema_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org")


def test_a_script_beside_our_own_is_no_module_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """As impacket's smbclient.py, which a console script would find before the library of that name."""
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setattr(sys, "path", [scripts, *sys.path])
    monkeypatch.setattr(sys, "argv", ["rasreconcile", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert scripts not in sys.path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "No such command 'run'. Did you mean 'apply'?"),
        (["plan"], "No such command 'plan'. Did you mean 'diff'?"),
        (["destroy"], "No such command 'destroy'. Did you mean 'cancel'?"),
        (["help"], "No such command 'help'. Did you mean '--help'?"),
        (["apply", "-n"], "No such option '-n'. `rasreconcile diff` shows what `apply` would do."),
        (["apply", "--force"], "No such option '--force'. `rasreconcile retry` has plans computed again."),
        (
            ["apply", "-j", "4"],
            "No such option '-j'. Each worker's `cores_total` and `cores_per_plan` in the spec, and `max_concurrent`,"
            " say how many run at once.",
        ),
        (
            ["diff", "-f", "a.yaml"],
            "No such option '-f'. Name the spec without an option: `rasreconcile diff spec.yaml`.",
        ),
        (["apply", "--nothing-like-it"], "No such option '--nothing-like-it'."),
    ],
)
def test_a_word_of_another_program_is_answered_with_ours(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 64
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: {said}"


def test_what_is_said_instead_of_a_verb_of_another_program_exists() -> None:
    assert set(OF_OTHERS.values()) <= {*VERBS, "--help", "--version"}
    assert not set(OF_OTHERS) & set(VERBS)


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("p01,p04", "write a blank between plans, and no comma"),
        ("all", "'*', in quotes, means every plan"),
    ],
)
def test_words_that_other_programs_take_for_plans_are_told(word: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        plans_matching(word, KNOWN)
    assert str(caught.value) == f"{word}: no such plan; {remedy}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["Willow.f01", "Willow.g01", "Willow.p01"],
            "Willow.f01 is a file of HEC-RAS, not a spec; name plans, and put patterns in quotes: 'Muncie/*'",
        ),
        (["-"], "-: a spec is not read from stdin; name a file"),
        ([""], "an empty word names neither a spec nor a plan; check the variable that it came from"),
        (["."], ". is a folder; name the spec: study.yaml"),
        (["p01"], "no spec was named, and there is no rasreconcile.yaml (or .yml) here or in a folder above; name one:"
            " rasreconcile VERB study.yaml, or write one: rasreconcile init PROJECT.prj"),
        (["Willow.g01"], "Willow.g01:1: is a geometry of HEC-RAS, not a spec; name a spec, and plans by their addresses"),
    ],
)  # fmt: skip
def test_what_is_named_in_place_of_a_spec_is_told(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RASRECONCILE_SPEC", raising=False)
    (tmp_path / "study.yaml").write_text("version: 1\n")
    (tmp_path / "Willow.f01").write_text("Flow Title=a\n")
    (tmp_path / "Willow.g01").write_text("Geom Title=a\n")
    assert run(["diff", *words]) == 64
    assert capsys.readouterr().err == f"{said}\n"


def test_a_machine_without_memory_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("rasreconcile.cli.verbs.rasreconcile.main", none_left)
    assert run(["diff"]) == 1
    assert capsys.readouterr().err == (
        "there is not enough memory; free some, or raise `ulimit -v`; running runs continue, and `apply` collects them\n"
    )


def test_a_variable_that_names_no_spec_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RASRECONCILE_SPEC", "'a.yaml'")
    assert run(["diff"]) == 64
    assert (
        capsys.readouterr().err
        == "$RASRECONCILE_SPEC is \"'a.yaml'\", which is not a file; correct or unset it\n"
    )
