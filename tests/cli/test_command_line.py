"""The command line: words that are wrong, specs that are not named, answers for programs."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import pytest

from rasreconcile.__main__ import main
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
