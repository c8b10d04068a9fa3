"""`report`: one page about a study, from its store."""

from __future__ import annotations

import json

import rasreconcile


def test_a_page_is_written_with_what_changed_in_the_water_and_its_profile(study) -> None:
    study.run("apply", "spec.yaml")
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "7200"))
    study.run("apply", "spec.yaml")
    said = study.run("report", "spec.yaml").stdout
    assert said.startswith("wrote report.html: 4 plans, ")
    text = (study.folder / "report.html").read_text(encoding="utf-8")
    assert "<b>4</b> current" in text
    assert "<td>Willow/p02</td><td>up to 0.58 ft higher</td>" in text
    assert "Water surface, 500-year, Willow Creek, Main: " in text
    assert '<span class="plus">+    7200</span>' in text
    assert [path.name for path in study.folder.glob(".report*")] == []


def test_failures_are_grouped_with_what_to_do(study) -> None:
    study.command("sh", "-c", "exit 3")
    study.run("apply", "spec.yaml", check=None)
    study.run("report", "spec.yaml", "-o", "out.html", "--details", "none")
    text = (study.folder / "out.html").read_text(encoding="utf-8")
    assert '<span class="health degraded">' in text
    assert "Failures, by cause" in text
    assert '<td class="number">4</td>' in text
    assert 'class="details"' not in text


def test_plans_that_are_named_are_told_of_in_full(study) -> None:
    study.run("apply", "spec.yaml")
    said = json.loads(study.run("report", "spec.yaml", "p01", "--json").stdout)
    assert said["plans"] == 1
    text = (study.folder / "report.html").read_text(encoding="utf-8")
    assert len(text.encode()) == said["bytes"]
    assert "Willow/p01 <small>chosen</small>" in text
    assert "Willow/p02" not in text


def test_what_stands_in_the_way_is_told(study) -> None:
    assert "there is no store yet" in study.run("report", "spec.yaml", check=None).stderr
    study.run("apply", "spec.yaml", "01")
    done = study.run("report", "spec.yaml", "-o", "gone/x.html", check=None)
    assert "gone/x.html: No such file or directory; name a file that can be written: -o FILE" in done.stderr


def test_a_result_that_cannot_be_read_has_no_profile_and_says_why(study) -> None:
    study.run("apply", "spec.yaml")
    (result,) = study.folder.glob("**/Willow.p01.hdf")
    result.write_bytes(result.read_bytes()[:9000])
    study.run("report", "spec.yaml", "p01")
    assert "No profile is drawn: " in (study.folder / "report.html").read_text(encoding="utf-8")


def test_a_notebook_writes_the_same(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert one.apply().converged
    written = one.report(study.folder / "page.html", "p01")
    assert "Willow/p01 <small>chosen</small>" in written.read_text(encoding="utf-8")
