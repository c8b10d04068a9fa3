"""The built-in engine through the real command line: what it refuses is named, and what it warns of reaches the user."""

from __future__ import annotations


def change(study, name: str, old: str, new: str) -> None:
    path = study.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_warning_of_a_profile_reaches_apply_status_explain_and_results(study) -> None:
    change(study, "Willow.f01", "Dn Type= 3 \nDn Slope=0.0025", "Dn Type= 1 \nDn Known WS=100")
    change(study, "Willow.g01", "Bank Sta=250,316", "Bed Lining=2\nBank Sta=250,316")
    done = study.apply()
    first = "Willow.g01:18: 'Bed Lining' is not known to the steady engine; ignored"
    assert f"2 warnings, first: {first}" in done.stdout + done.stderr
    assert f"2 warnings, first: {first}" in study.run("explain", "spec.yaml", "Willow/p01").stdout
    rows = {row["plan"]: row for row in study.json("results", "spec.yaml")["results"]}
    assert rows["Willow/p01"]["warnings"] == 2
    assert rows["Willow/p01"]["note"] == first
    assert [plan for plan, row in rows.items() if row["warnings"] is None] != []


def test_a_flow_at_a_station_without_a_section_is_refused_before_anything_runs(study) -> None:
    change(study, "Willow.f01", ",700 ", ",650 ")
    wanted = "Willow.f01:7: Willow.g01 has no cross section at 650 in reach Willow Creek Main for this flow"
    assert wanted in study.run("diff", "spec.yaml", check=None).stdout
    ended = study.apply(check=None)
    assert ended.returncode != 0
    assert wanted in ended.stdout + ended.stderr
    assert "Willow.p01.hdf" not in [path.name for path in study.results()]
