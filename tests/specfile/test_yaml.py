"""YAML: the scalars of JSON and no others; what is not valid YAML is one fault, and nothing is too much for the loader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rasreconcile.specfile import load

Write = Callable[[str | bytes], Path]
Faults = Callable[[str | bytes], list[str]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1: is empty; see specs/demo.yaml for a first spec, or `rasreconcile init`"),
        ("# nothing\n", "1: is empty; see specs/demo.yaml for a first spec, or `rasreconcile init`"),
        (
            "- a\n- b\n",
            "1: is not a mapping; write `version: 1` and the other keys below each other, as `key: value`",
        ),
        ("version = 1\n", "1: is not a mapping; write `version: 1` and the other keys below each other,"),
        (
            "version: 1\n\tengine: x\n",
            "2: not valid YAML: found a tab character that violates indentation; use spaces, not tabs",
        ),
        (
            "a: [1, 2\n",
            "2: not valid YAML: did not find expected ',' or ']'; close the bracket opened on line 1,"
            " and separate its items with commas",
        ),
        (
            "a: 1\nb: 'x\n",
            "3: not valid YAML: found unexpected end of stream; close the quote or bracket opened on line 2",
        ),
        (
            "a: {b: 1\nc: 2\n",
            "2: not valid YAML: did not find expected ',' or '}'; close the bracket opened on line 1, and separate",
        ),
        (
            "a: *\n",
            "1: not valid YAML: did not find expected alphabetic or numeric character; put what begins with *",
        ),
        (
            'a: "C:\\Users"\n',
            "1: not valid YAML: did not find expected hexdecimal number; use single quotes,",
        ),
        (
            "[engine]\ntype=x\n",
            "2: not valid YAML: did not find expected <document start>; write `key: value` on",
        ),
        (
            "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n",
            "2: not valid YAML: a merge of git is not finished here; keep one side, and remove <<<<<<<, =======",
        ),
        ("a:b\nc: d\n", "2: not valid YAML: mapping values are not allowed in this context; check"),
        ("aa:b\nc: d\n", "1: not valid YAML: a colon has no blank after it; write `key: value`"),
        ("w: {type:local, port: 1}\n", "1: a colon has no blank after it; write `key: value`"),
        (
            "a: 1\nb:\u00a0x\nc: 1\n",
            "2: not valid YAML: holds a blank that YAML does not know (U+00A0); type a plain",
        ),
        ("a:\n\u2003 b: 1\n", "2: holds a blank that YAML does not know (U+2003); type a plain blank"),
        ("version: 1\n".encode("utf-16-le"), "1: is not UTF-8 text; save it as UTF-8"),
        (
            "a: 1\nb: c: d\n",
            "2: not valid YAML: mapping values are not allowed in this context; check the indentation,",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "3: not valid YAML: did not find expected key; check the indentation of this line",
        ),
        ('a: "C:\\RasRemote"\n', "1: not valid YAML: found unknown escape character; use single quotes,"),
        ("a: b\n---\nc: d\n", "2: not valid YAML: found another document; keep one document in a file"),
        ("a: *b\n", "1: not valid YAML: found undefined alias; put what begins with * in quotes"),
        (
            "a: &x 1\nb: &x 2\n",
            "2: not valid YAML: found duplicate anchor; give this anchor a name of its own",
        ),
        ("é: 1\nb: \x01\n", "2: not valid YAML: control characters are not allowed; take them out"),
        (b"a: 1\nb: \xff\n", "2: is not UTF-8 text; save it as UTF-8"),
        ("version: 1\n".encode("utf-16"), "1: is not UTF-8 text; save it as UTF-8"),
        ("a: 1\nb: " + "[" * 100 + "]" * 100, "2: is nested more than 40 levels deep; flatten it"),
    ],
)
def test_what_is_no_yaml_is_one_fault_at_its_line(faults: Faults, text: str | bytes, fault: str) -> None:
    (found,) = faults(text)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: !!python/object:os.system x\n", "1: a: has a tag, and tags are not supported;"),
        ("a: !!int x\n", "1: a: has a tag, and tags are not supported;"),
        ("a: !!set {x}\n", "1: a: has a tag, and tags are not supported;"),
        ("a: &x [*x]\n", "1: a[0]: an alias refers to the value that contains it; take it out"),
        ("? [a, b]\n: c\n", "1: a key must be a word; put it in quotes"),
        (f"version: {'9' * 400}\n", "1: version: is too long for a number; put it in quotes, or shorten it"),
        ("version: 1e999\n", "1: version: is too large for a number; write a smaller one"),
        (
            "results: \u201cout\u201d\n",
            "1: results: has curly quotes, which YAML takes for letters; type \" or '",
        ),
        (
            "\u2018results\u2019: out\n",
            "1: results: has curly quotes, which YAML takes for letters; type \" or '",
        ),
        (
            "results: out\u00a0\n",
            "1: results: holds a blank that YAML does not know (U+00A0); type a plain blank",
        ),
        ('state: "a\\0b"\n', "1: state: holds a NUL character; take it out"),
        ('"a\\0b": 1\n', "1: a\\x00b: holds a NUL character; take it out"),
        ("a: {<<: [1]}\n", "1: a.<<: is not a mapping; give `<<` an alias of one"),
        ("<<: {state: x}\n", "1: <<: is not allowed at the top level; write its keys out"),
    ],
)
def test_what_is_yaml_and_no_plain_value_is_a_fault_among_others(
    faults: Faults, text: str, fault: str
) -> None:
    assert any(found.startswith(fault) for found in faults(text))


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "on",
        "No",
        "True",
        "NULL",
        "2026-01-01",
        "0123",
        "1:30",
        "0x10",
        "0o7",
        ".inf",
        "1_000",
        "+1",
        "1.",
        ".5",
        "=",
    ],
)
def test_only_the_scalars_of_json_are_anything_but_text(write: Write, good: str, word: str) -> None:
    assert load(write(f"{good}salt: {word}\n")).spec.salt == word


def test_in_quotes_every_letter_is_meant(write: Write, good: str) -> None:
    assert load(write(f"{good}salt: '\u201cx\u201d\u00a0'\n")).spec.salt == "\u201cx\u201d\u00a0"


def test_what_a_template_would_replace_is_one_fault(faults: Faults, good: str) -> None:
    assert faults(f"{good}salt: {{{{ salt }}}}\n") == ["8: salt: a key must be a word; put it in quotes"]


def test_keys_are_text_whatever_they_look_like(write: Write, good: str) -> None:
    assert list(load(write(good.replace("desk", "1"))).spec.workers) == ["1"]
    assert list(load(write(good.replace("desk", "on"))).spec.workers) == ["on"]


def test_aliases_and_merges_work(write: Write, good: str) -> None:
    text = good.replace("    numbers", "    expect: &e {units: si, profiles: 1}\n    numbers")
    text += "  - {project: b.prj, expect: {<<: *e, profiles: 3}}\n  - {project: c.prj, expect: *e}\n"
    text += "  - {project: d.prj, expect: {<<: [{profiles: 5}, *e]}}\n"
    found = [(p.expect.units, p.expect.profiles) for p in load(write(text)).spec.plans]
    assert found == [("si", 1), ("si", 3), ("si", 1), ("si", 5)]


def test_a_shared_expectation_of_thousands_of_plans_is_no_bomb(write: Write, good: str) -> None:
    text = good + "    expect: &e {units: si, water_surface: {finite: true, between: [1, 2]}}\n"
    text += "".join(f"  - {{project: {n}.prj, expect: *e}}\n" for n in range(10_000))
    assert load(write(text)).spec.plans[-1].expect.units == "si"


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
MERGES = "a0: {b: &a0 {x: 1}}\n" + "".join(
    f"a{n}: {{b: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], k{n}: 1}}}}\n" for n in range(1, 9)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 2000))
WIDE = f"a: [{'x,' * 1_000_001}]\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BOMB, "holds aliases that expand to more than 100,000 values; use fewer aliases"),
        (MERGES, "holds aliases that expand to more than 100,000 values; use fewer aliases"),
        (CHAIN, "is nested more than 40 levels deep; flatten it"),
        (WIDE, "holds more than 1,000,000 values; use patterns in `project` and ranges in `numbers`"),
        ("#" * ((16 << 20) + 1), "is larger than 16 MiB; use patterns in `project` and ranges in `numbers`"),
        ("[" * 500_000, "is nested more than 40 levels deep; flatten it"),
    ],
    ids=["bomb", "merges", "chain", "wide", "large", "deep"],
)
def test_a_bomb_is_defused(faults: Faults, text: str, fault: str) -> None:
    (found,) = faults(text)
    assert found.endswith(fault)
