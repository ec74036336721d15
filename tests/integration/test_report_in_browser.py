"""The report in a real headless Chromium: it opens, filters, searches, follows links, and shows hostile texts as texts.

Chromium is the system's own (Debian's package `chromium`); without it these tests are skipped. The pictures in `docs/`
are report-wide, report-tablet-overview and report-phone of `make pairs`: REASONFLUX_SCREENSHOTS names a folder
for them, REASONFLUX_SCREENSHOT_RUN the run.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reasonflux.evals.report.page import page as page_of
from reasonflux.evals.report.writing import report
from tests.unit.evals.report.pages import HOSTILE, part_of
from tests.unit.rounds.small_run import SmallRun, make_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE = 832  # pixels up to which list and problem are not side by side
PICTURES: dict[str, tuple[int, Literal["light", "dark"]]] = {
    "wide": (1280, "light"),
    "tablet": (820, "dark"),
    "phone": (390, "light"),
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def browser(small: SmallRun) -> Iterator[Browser]:
    """Started after the run was made, since it keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        assert CHROMIUM is not None
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # as root there is none
        yield launched
        launched.close()


def opened(browser: Browser, file: Path, address: str = "") -> tuple[Page, list[str]]:
    """The page when its script is done, and what the console said or the page asked the network for."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else told.append(request.url))
    page.goto(f"{file.as_uri()}{address}")
    page.wait_for_selector("html[data-ready]")
    return page, told


def wait_for_marks(page: Page) -> None:
    """Until words that were looked for are marked. The page's policy lets no waiting script of Playwright's in."""
    for _ in range(100):
        if page.evaluate("CSS.highlights.get('found') !== undefined"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing was marked")


def test_a_report_opens_filters_searches_and_follows_links(browser: Browser, small: SmallRun, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(report([small.run.store.uri]))
    page, told = opened(browser, file)
    expect(page.locator("#overview")).to_be_visible()
    assert page.locator("#overview svg rect").count() > 0

    page.keyboard.press("j")  # on the overview there is no list yet
    page.click("#to-items")
    expect(page.locator("#list li")).to_have_count(6)
    page.keyboard.press("j")
    expect(page.locator(".entry.open")).to_have_count(1)
    first = page.evaluate("location.hash")
    expect(page.locator("#detail .turn .badge").first).to_be_visible()
    page.keyboard.press("j")
    assert page.evaluate("location.hash") != first
    page.keyboard.press("k")
    expect(page.locator(".entry.open")).to_have_count(1)
    assert page.evaluate("location.hash") == first
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")

    page.select_option("#verdict", "wrong")
    kept = page.locator("#list li").count()
    assert 0 < kept <= 6 and "verdict=wrong" in page.evaluate("location.hash")
    page.click("#reset")
    expect(page.locator("#list li")).to_have_count(6)
    page.keyboard.press("/")
    page.keyboard.type(small.rollouts[0].id)
    expect(page.locator("#status")).to_have_text("1 of 6 problems")
    page.fill("#query", 'complete "the square"')
    expect(page).to_have_url(re.compile("square"))
    page.click("#list a")
    wait_for_marks(page)
    assert not told, told

    page, told = opened(browser, file, f"#item={small.rollouts[0].id}")
    target = page.locator(".turn.target")
    expect(target).to_be_visible()
    assert small.rollouts[0].text.splitlines()[0] in target.inner_text()
    page, more = opened(browser, file, "#item=nothing")
    expect(page.locator("#detail")).to_have_text("There is no nothing on this page.")
    assert not told + more


def test_hostile_texts_are_texts(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(page_of([part_of(HOSTILE)], now="now"), encoding="utf-8")
    page, told = opened(browser, file, "#item=problem")
    expect(page.locator("#detail .turn")).to_have_count(1)
    assert page.title() != "taken" and not told, told
    foreign = "img, script, iframe, form, object, [onerror], [onload], [style]:not(.strip > i)"
    assert page.locator("#detail").locator(foreign).count() == 0
    assert page.locator("a:not([href^='#'])").count() == 0
    shown = page.locator("#detail .turn .said").inner_text()
    assert HOSTILE[:40] in shown and "\\u202e" in shown
    for width, _ in PICTURES.values():
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "a long line widens the page"
    page.evaluate("""() => { const s = document.createElement("script"); s.textContent = "document.title='taken'";
                     document.body.append(s); }""")
    assert page.title() != "taken", "the policy lets no other script run"


def test_formulas_are_mathematics(browser: Browser, tmp_path: Path) -> None:
    part = part_of(HOSTILE)
    item = replace(part.items[0], text=r"Solve $\frac{x}{2} = \sqrt{3}$ for \(x\) at a price of $5.")
    file = tmp_path / "formulas.html"
    file.write_text(page_of([replace(part, items=(item,))], now="now"), encoding="utf-8")
    page, told = opened(browser, file, "#item=problem")
    statement = page.locator(".statement")
    expect(statement.locator("math mfrac")).to_have_count(1)
    expect(statement.locator("math")).to_have_count(2)
    assert "price of $5." in statement.inner_text() and not told


def test_the_page_fits_every_width_in_light_and_dark(browser: Browser, small: SmallRun, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(report([os.environ.get("REASONFLUX_SCREENSHOT_RUN") or small.run.store.uri]))
    pictures = Path(os.environ.get("REASONFLUX_SCREENSHOTS") or tmp_path)
    page, told = opened(browser, file)
    grounds = set()
    for name, (width, scheme) in PICTURES.items():
        page.set_viewport_size({"width": width, "height": 760})
        page.emulate_media(color_scheme=scheme)
        page.click("#to-overview")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=pictures / f"report-{name}-overview.png")
        page.click("#to-items")
        expect(page.locator("#list li").first).to_be_visible()
        page.keyboard.press("j")
        expect(page.locator("#detail .course").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.locator("aside")).to_be_visible(visible=width > PHONE)
        page.screenshot(path=pictures / f"report-{name}.png")
        page.keyboard.press("Escape")
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2, "dark mode has colours of its own"
    assert not told, told
