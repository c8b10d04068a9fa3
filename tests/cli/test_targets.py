"""Words of a command line: which spec, which plans, in whatever order; and the options that every verb takes."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.cli.targets import spec_and_plans, spec_path
from rasreconcile.cli.verb import colour_wanted
from rasreconcile.cli.verbs import VERBS, rasreconcile, run
from rasreconcile.errors import UsageError
from rasreconcile.named_plans import NamedPlans, plans_matching
from rasreconcile.plans import Address

KNOWN = tuple(map(Address, ("Muncie/p01", "Muncie/p04", "Muncie/p12", "real-1/Dam/p04", "real-2/Dam/p04")))


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Muncie/p04", ["Muncie/p04"]),
        ("muncie/P04", ["Muncie/p04"]),
        ("Muncie/p0*", ["Muncie/p01", "Muncie/p04"]),
        ("p1?", ["Muncie/p12"]),
        ("*/Dam/*", ["real-1/Dam/p04", "real-2/Dam/p04"]),
        ("p12", ["Muncie/p12"]),
        ("12", ["Muncie/p12"]),
        ("1", ["Muncie/p01"]),
        ("01-04", ["Muncie/p01", "Muncie/p04", "real-1/Dam/p04", "real-2/Dam/p04"]),
        ("p01-p04", ["Muncie/p01", "Muncie/p04", "real-1/Dam/p04", "real-2/Dam/p04"]),
        ("Muncie/04", ["Muncie/p04"]),
        ("Dam/4", ["real-1/Dam/p04", "real-2/Dam/p04"]),
        ("Muncie", ["Muncie/p01", "Muncie/p04", "Muncie/p12"]),
        ("Muncie/", ["Muncie/p01", "Muncie/p04", "Muncie/p12"]),
        ("real-1", ["real-1/Dam/p04"]),
        ("models/Muncie/Muncie.p04", ["Muncie/p04"]),
        ("Muncie.P12.hdf", ["Muncie/p12"]),
        ("C:\\Models\\Muncie.p01", ["Muncie/p01"]),
    ],
)
def test_a_word_means_plans(word: str, meant: list[str]) -> None:
    assert list(plans_matching(word, KNOWN)) == meant


@pytest.mark.parametrize(
    "word", ["05", "p99", "Munice/p04", "White", "Muncie/05", "", "/", "[", "Muncie.g01"]
)
def test_a_word_that_means_no_plan_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="no such plan"):
        plans_matching(word, KNOWN)


def test_a_number_that_is_also_a_project_is_not_guessed() -> None:
    known = (Address("01/p02"), Address("02/p01"))
    with pytest.raises(
        UsageError, match=r"01 is a number of plans and the name of a project; write p01, or '01/\*'"
    ):
        plans_matching("01", known)
    assert plans_matching("p01", known) == ("02/p01",)


ADDRESSES = st.lists(
    st.from_regex(r"[A-Za-z0-9 \[\]*?._-]{1,8}(/[a-z]{1,3})?/p[0-9]{2}", fullmatch=True),
    min_size=1,
    unique=True,
)


@given(ADDRESSES, st.data())
def test_every_address_means_itself_and_a_word_means_known_plans_only(
    known: list[str], data: st.DataObject
) -> None:
    addresses = tuple(map(Address, known))
    one = data.draw(st.sampled_from(addresses))
    assert plans_matching(one, addresses) == (one,)
    word = data.draw(st.text(max_size=12))
    try:
        found = plans_matching(word, addresses)
    except UsageError:
        return
    assert found
    assert set(found) <= set(addresses)


@given(
    st.lists(st.sampled_from(["Muncie", "p04", "*/Dam/*", "12"]), max_size=3),
    st.sampled_from(["04", "Muncie", "x"]),
)
def test_what_is_left_out_is_never_picked(named: list[str], left_out: str) -> None:
    target = NamedPlans(tuple(named), (left_out,))
    try:
        picked = target.pick(KNOWN)
    except UsageError:
        assert left_out == "x"
        return
    assert not set(picked) & set(plans_matching(left_out, KNOWN))
    assert list(picked) == [address for address in KNOWN if address in picked]


@pytest.mark.parametrize(
    "words", [("s.yaml", "p01", "p02"), ("p01", "s.yaml", "p02"), ("p01", "p02", "s.yaml")]
)
def test_the_spec_may_stand_anywhere(words: tuple[str, ...]) -> None:
    assert spec_and_plans(words) == (Path("s.yaml"), ("p01", "p02"))


def test_two_specs_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a.yaml and b.yml are two specs"):
        spec_and_plans(["a.yaml", "b.yml"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RASRECONCILE_SPEC", raising=False)
    (tmp_path / "study" / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "study" / "a" / "b")
    return tmp_path / "study"


@pytest.mark.parametrize("name", ["rasreconcile.yaml", "rasreconcile.yml"])
def test_a_spec_is_found_in_a_folder_above(folder: Path, name: str) -> None:
    (folder / name).touch()
    assert spec_path(None) == Path("../..") / name
    (folder / "a" / "rasreconcile.yaml").touch()
    assert spec_path(None) == Path("../rasreconcile.yaml")


def test_a_plan_file_of_the_folder_is_a_plan_and_any_other_file_a_spec(folder: Path) -> None:
    (folder / "rasreconcile.yaml").touch()
    Path("Muncie.p04").touch()
    assert spec_and_plans(["Muncie.p04"]) == (Path("../../rasreconcile.yaml"), ("Muncie.p04",))
    Path("study.txt").touch()
    assert spec_and_plans(["p04", "study.txt"]) == (Path("study.txt"), ("p04",))


def test_two_specs_in_one_folder_are_not_guessed_between(folder: Path) -> None:
    for name in ("rasreconcile.yaml", "rasreconcile.yml"):
        (folder / name).touch()
    with pytest.raises(
        UsageError, match=r"has both rasreconcile.yaml and rasreconcile.yml; name the one you mean"
    ):
        spec_path(None)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files to others")
def test_a_spec_that_another_user_put_into_a_folder_of_everybody_is_not_taken_unasked(folder: Path) -> None:
    planted = folder / "rasreconcile.yaml"
    planted.touch()
    os.chown(planted, 12345, 12345)
    assert spec_path(None) == Path("../../rasreconcile.yaml")
    folder.chmod(0o1777)
    with pytest.raises(UsageError, match="another user's"):
        spec_path(None)


def test_minus_c_works_before_and_after_the_verb(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path.cwd()
    for words in (
        ["-C", str(folder), "status", "x.yaml"],
        ["status", "x.yaml", "-C", str(folder)],
        ["-C", "..", "status", "-C", "..", "x.yaml"],
    ):
        assert run(words) == 64
        assert "x.yaml: No such file or directory" in capsys.readouterr().err
        assert Path.cwd() == before
    assert run(["status", "-C", "nowhere"]) == 64
    assert "-C nowhere: No such file or directory; name an existing folder" in capsys.readouterr().err


def test_a_folder_in_a_specs_place_is_answered_with_the_spec_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "models").mkdir()
    with pytest.raises(UsageError, match="models is a folder; name a spec file"):
        spec_and_plans(["models"])
    (folder / "models" / "west.yml").touch()
    with pytest.raises(UsageError, match=r"models is a folder; name the spec: models/west\.yml"):
        spec_and_plans(["models", "p01"])
    with pytest.raises(UsageError, match="no spec was named"):
        spec_and_plans(["p01"])
    (folder / "rasreconcile.yaml").touch()
    assert spec_and_plans(["models"]) == (Path("rasreconcile.yaml"), ("models",))


@pytest.mark.parametrize(
    ("choice", "environ", "wanted"),
    [
        ("auto", {}, None),
        ("auto", {"NO_COLOR": ""}, None),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "0"}, None),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("auto", {"TERM": "dumb"}, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_follow_the_option_then_the_environment(
    choice: str, environ: dict[str, str], wanted: bool | None
) -> None:
    assert colour_wanted(choice, environ) is wanted


def every_verb() -> list[tuple[str, ...]]:
    context = click.Context(rasreconcile)
    found: list[tuple[str, ...]] = []
    for name in VERBS:
        command = rasreconcile.get_command(context, name)
        inner = list(command.commands) if isinstance(command, click.Group) else []
        found += [(name, word) for word in inner]
        if not inner:
            found.append((name,))
    return found


@pytest.mark.parametrize("verb", every_verb(), ids=" ".join)
def test_every_verb_takes_the_common_options_and_shows_examples_and_exit_codes(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*verb, "--help"]) == 0
    said = capsys.readouterr().out
    for option in ("-C DIR", "-q, --quiet", "-v, --verbose", "--color", "-h, --help"):
        assert option in said
    examples = said.partition("\nExamples:\n")[2].partition("\nExit codes:\n")[0]
    assert f"  rasreconcile {' '.join(verb)}" in examples
    codes = said.partition("\nExit codes:\n")[2]
    for code in (" 0 ", " 1 ", " 64 "):
        assert code in codes


@pytest.mark.parametrize("verb", [("state",), ()], ids=str)
def test_groups_show_examples_and_exit_codes_too(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*verb, "--help"]) == 0
    said = capsys.readouterr().out
    assert "\nExamples:\n  rasreconcile" in said and "\nExit codes:\n  0 " in said
