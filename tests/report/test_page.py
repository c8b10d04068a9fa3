"""The page about a study: one file that needs nothing, whatever plans are called."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rasreconcile.plans import Address
from rasreconcile.report.html import charts
from rasreconcile.report.html.render import rendered
from rasreconcile.report.html.study_page import PlanDetails, Profile, StudyPage
from tests.report.pages import NOW, TROUBLE, page_of

VOID = {"meta", "input", "br"}


class Reading(HTMLParser):
    """Every element closed, and what stands in scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.within: dict[str, list[str]] = {"script": [], "style": [], "h1": [], "title": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in reversed(self.open):
            if tag in self.within:
                self.within[tag].append(data)


def read(text: str) -> Reading:
    found = Reading()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_nothing_is_fetched_and_the_policy_names_script_and_style_by_digest() -> None:
    text = rendered(page_of(30))
    found = read(text)
    policy = next(
        v for tag, name, v in found.attributes if tag == "meta" and name == "content" and "src" in v
    )
    data, script = found.within["script"]
    assert digest(script) in policy and digest(found.within["style"][0]) in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    assert [name for _, name, _ in found.attributes if name in {"src", "href", "style", "onclick"}] == []
    assert json.loads(data)[0]["values"][0] == "Basin000/p01"


def test_a_hundred_rows_are_there_without_a_script_and_all_of_them_for_one() -> None:
    text = rendered(page_of(300))
    body = text[text.index('id="table"') : text.index("<noscript>")]
    assert body.count("<tr>") == 1 + 100
    assert "The first 100 of 300 plans" in text
    columns = {c["name"]: c for c in json.loads(read(text).within["script"][0])}
    assert {len(c["values"]) for c in columns.values()} == {300}
    states = columns["state"]
    assert {states["words"][n] for n in states["values"]} >= {"current", "stale, queued"}
    assert "note" in columns and columns["run time"]["kind"] == "length"


def test_five_thousand_plans_are_less_than_six_hundred_kilobytes() -> None:
    assert len(rendered(page_of(5000)).encode()) < 600_000


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "<!--",
        "{{ 7 * 7 }}",
        "\u2028'&amp;",
    ],
)
def test_whatever_somebody_is_called_it_is_text(name: str) -> None:
    study = page_of(12, name=name)
    row = study.rows[0]
    address = Address(f"{name}/p01")
    verdict = replace(row.verdict, address=address, sync="stale", phase="held")
    run = replace(study.runs[0], address=address, worker=name)
    details = PlanDetails(
        address=address,
        why="chosen",
        verdict=name,
        reasons=(name,),
        water=(name,),
        what_changed=(f"+{name}",),
        runs=(run,),
        profiles=(Profile(name, (name, "2"), (1.0, 2.0), (0.0, 1.0)),),
        unit=name,
        left_out=name,
    )
    text = rendered(
        replace(
            study,
            rows=(replace(row, verdict=verdict, note=name), *study.rows[1:]),
            runs=(run, *study.runs[1:]),
            details=(details,),
            commits=name,
            controller=name,
            remarks=(name,),
        ),
    )
    found = read(text)
    assert len(found.within["script"]) == 2
    assert not any(tag == "img" for tag, _, _ in found.attributes)
    assert name in "".join(found.within["h1"])
    assert json.loads(found.within["script"][0])[0]["values"][0] == f"{name}/p01"


def test_failures_are_grouped_and_of_very_many_the_first_are_named() -> None:
    study = page_of(2000)
    failed = [row for row in study.rows if row.verdict.phase == "quarantined"]
    assert len(failed) > 40
    text = rendered(study)
    assert f'<td class="number">{len(failed)}</td><td>{TROUBLE.what}</td><td>{TROUBLE.remedy}</td>' in text
    assert f" and {len(failed) - 40} more" in text
    assert "Half of all expectations were off by no more than" in text


def test_an_empty_study_has_a_page() -> None:
    text = rendered(StudyPage(name="study.yaml", at=NOW, rows=(), runs=()))
    read(text)
    assert "<svg" not in text


def test_pictures_leave_out_what_is_not_known() -> None:
    drawn = charts.profile(
        Profile("10-year", ("3", "2", "1"), (10.0, float("nan"), 8.0), (float("nan"),) * 3), "ft"
    )
    assert 'class="water" d="M120.0 10.0M950.0 170.0"' in drawn
    assert "nan" not in drawn
    assert charts.profile(Profile("x", ("1",), (1.0,), (0.0,)), "ft") == ""
    assert charts.durations([(0.0, 5.0)]) == ""
