"""The page in a real browser: no word from its policy, no fault, reached by keyboard and by screen readers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from services import Service, absent

from rasreconcile.report.html.render import rendered
from tests.report.pages import page_of

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists() or not all(
        map(importlib.util.find_spec, ("playwright", "axe_playwright_python"))
    ):
        absent(Service.BROWSER, "no Chromium that Playwright could drive")
    from playwright.sync_api import sync_playwright

    quiet = (
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", *quiet])
        yield started
        started.close()


@pytest.fixture(params=[10, 5000])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(rendered(page_of(request.param)), encoding="utf-8")
    return path


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Any, path: Path) -> Iterator[Any]:
    """At its end the browser must have said nothing."""
    opened = browser.new_page(color_scheme=request.param, viewport={"width": 1100, "height": 900})
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(path.as_uri())
    yield opened
    assert said == []
    opened.close()


def test_a_screen_reader_finds_nothing_wrong(page: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []


def test_plans_are_found_sorted_and_paged_by_keyboard(page: Any) -> None:
    every = int(page.inner_text("#shown").rpartition(" ")[2])
    page.focus("#find")
    page.keyboard.type("p03")
    found = int(page.inner_text("#shown").rpartition(" ")[2])
    assert 0 < found < every
    page.fill("#find", "")
    head = page.locator("#table th", has_text="max WS")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    shown = [float(text) for text in page.locator("#table tbody td:nth-child(3)").all_inner_texts() if text]
    assert shown == sorted(shown, reverse=True)
    if every > 50:
        page.focus("#on")
        page.keyboard.press("Enter")
        assert page.inner_text("#shown") == f"51 to 100 of {every}"
    page.select_option("#state", "current")
    assert set(page.locator("#table tbody td:nth-child(2)").all_inner_texts()) == {"current"}


def test_nothing_is_wider_than_a_phone(browser: Any, path: Path) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
