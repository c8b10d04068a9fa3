"""The receipt beside an output."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasreconcile.errors import ResultError
from rasreconcile.plans import Component
from rasreconcile.records import Published, ResultSummary
from rasreconcile.results import publish
from rasreconcile.results.receipts import read_receipt, receipt_path

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_receipt_is_read_as_it_was_written(published: Published) -> None:
    publish.write_receipt(published)
    assert read_receipt(published.path) == published
    assert [p.name for p in published.path.parent.iterdir()] == ["Muncie.p04.hdf.receipt.json"]


def test_a_receipt_tells_everything_a_store_must_know_again(published: Published) -> None:
    publish.write_receipt(published)
    document = json.loads(receipt_path(published.path).read_text(encoding="utf-8"))
    assert document["receipt"] == 1
    assert document["file"] == "Muncie.p04.hdf"
    assert document["published"] == "2026-11-24T12:00:01+00:00"
    assert document["components"][0] == {"name": "engine", "digest": "c" * 64, "value": "HEC-RAS 6.6"}
    assert {"run", "worker", "engine", "fingerprint", "expectations", "size", "sha256"} <= set(document)


def test_where_and_with_how_many_cores_it_was_computed_is_in_it_and_was_not_always(
    published: Published,
) -> None:
    told = replace(published, platform="image sha256:ab", cores=4)
    publish.write_receipt(told)
    assert read_receipt(published.path) == told
    document = json.loads(receipt_path(published.path).read_text(encoding="utf-8"))
    older = {key: value for key, value in document.items() if key not in {"platform", "cores"}}
    receipt_path(published.path).write_text(json.dumps(older), encoding="utf-8")
    assert read_receipt(published.path) == replace(told, platform="", cores=None)
    for cores in (0, True, "4", 1 << 40):
        receipt_path(published.path).write_text(json.dumps({**document, "cores": cores}), encoding="utf-8")
        with pytest.raises(ResultError, match="cores"):
            read_receipt(published.path)


def test_what_results_lists_is_in_it_and_was_not_always(published: Published) -> None:
    told = replace(
        published, shown=ResultSummary(max_water_surface=956.12, unit="ft", areas=2, version="HEC-RAS 6.6")
    )
    publish.write_receipt(told)
    assert read_receipt(published.path) == told
    document = json.loads(receipt_path(published.path).read_text(encoding="utf-8"))
    older = {key: value for key, value in document.items() if key != "shown"}
    receipt_path(published.path).write_text(json.dumps({**older, "more": 1}), encoding="utf-8")
    assert read_receipt(published.path) == published
    for wrong in ("x", [1], {"areas": "2"}, {"areas": True}, {"max_depth": float("nan")}, {"unit": "\ud800"}):
        receipt_path(published.path).write_text(json.dumps({**document, "shown": wrong}), encoding="utf-8")
        with pytest.raises(ResultError, match="no receipt"):
            read_receipt(published.path)


def test_an_adopted_file_is_never_called_computed(published: Published) -> None:
    publish.write_receipt(replace(published, provenance="adopted"))
    assert "computed" not in receipt_path(published.path).read_text(encoding="utf-8")
    receipt = read_receipt(published.path)
    assert receipt is not None
    assert receipt.provenance == "adopted"


def test_the_path_is_that_of_the_file_it_stands_beside(published: Published, tmp_path: Path) -> None:
    publish.write_receipt(published)
    moved = tmp_path / "archive"
    moved.mkdir()
    receipt_path(published.path).rename(moved / receipt_path(published.path).name)
    receipt = read_receipt(moved / "Muncie.p04.hdf")
    assert receipt == replace(published, path=moved / "Muncie.p04.hdf")


def test_no_receipt_is_no_error(tmp_path: Path) -> None:
    assert read_receipt(tmp_path / "Muncie.p04.hdf") is None


def test_a_file_name_that_is_no_text_still_gets_its_receipt(published: Published) -> None:
    strange = replace(published, path=published.path.with_name("M\udcfcncie.p04.hdf"))
    publish.write_receipt(strange)
    assert read_receipt(strange.path) == strange


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("receipt", 2),
        ("plan", ""),
        ("plan", "a\ud800"),
        ("run", "../../etc"),
        ("run", None),
        ("size", True),
        ("size", -1),
        ("size", 1 << 70),
        ("size", 1.5),
        ("sha256", "f" * 63),
        ("fingerprint", "F" * 64),
        ("provenance", "guessed"),
        ("provenance", ["computed"]),
        ("published", "2026-11-24T12:00:01"),
        ("published", "0001-01-01T00:00:00+23:59"),
        ("published", "yesterday"),
        ("components", {"name": "a"}),
        ("components", [["a", "b", "c"]]),
        ("components", [{"name": "a"}]),
        ("summary", 3),
    ],
)
def test_a_field_that_holds_what_it_cannot_hold_is_told(
    published: Published, key: str, value: object
) -> None:
    publish.write_receipt(published)
    path = receipt_path(published.path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, key: value}), encoding="utf-8")
    with pytest.raises(ResultError, match=r"receipt\.json: no receipt: ") as caught:
        read_receipt(published.path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["plan", "run", "size", "sha256", "fingerprint", "components", "published"])
def test_a_field_that_is_missing_is_named(published: Published, key: str) -> None:
    publish.write_receipt(published)
    path = receipt_path(published.path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document[key]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ResultError, match=f"lacks '{key}'"):
        read_receipt(published.path)


def test_a_receipt_that_is_a_folder_or_too_large_is_told(published: Published, tmp_path: Path) -> None:
    receipt_path(published.path).mkdir()
    with pytest.raises(ResultError, match="make it readable"):
        read_receipt(published.path)
    other = tmp_path / "other.hdf"
    with receipt_path(other).open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(ResultError, match="larger than 16 MiB"):
        read_receipt(other)


def test_a_deeply_nested_receipt_is_told(published: Published) -> None:
    receipt_path(published.path).write_text("[" * 200_000)
    with pytest.raises(ResultError):
        read_receipt(published.path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@quick
@given(content=st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_no_content_is_taken_for_a_receipt(published: Published, content: bytes) -> None:
    receipt_path(published.path).write_bytes(content)
    with pytest.raises(ResultError):
        read_receipt(published.path)


@quick
@given(data=st.data())
def test_a_field_of_any_kind_is_read_or_told(published: Published, data: st.DataObject) -> None:
    publish.write_receipt(published)
    path = receipt_path(published.path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(anything)
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        receipt = read_receipt(published.path)
    except ResultError:
        return
    assert receipt is not None
    publish.write_receipt(receipt)
    assert read_receipt(published.path) == receipt


@quick
@given(summary=st.text(), names=st.lists(st.text(min_size=1), max_size=5))
def test_every_text_survives(published: Published, summary: str, names: list[str]) -> None:
    components = tuple(Component(f"input {name!r}", "MISSING", name) for name in names)
    written = replace(published, summary=summary, components=components)
    publish.write_receipt(written)
    assert read_receipt(published.path) == written
