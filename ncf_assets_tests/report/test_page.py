"""In a real browser the page fetches nothing, runs nothing, and can be read."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ncf_assets.report import render
from ncf_assets_tests.report.test_render import HOSTILE, hostile_data

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
ENOUGH = 4.5  # contrast of text, WCAG 2.2 AA
# gives the contrast of each visible text to the nearest ground that is not transparent
CONTRASTS = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = rgb => rgb.slice(0, 3).map(c => c / 255).map(
    c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  ).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const found = parts(getComputedStyle(e).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const shown = [...document.body.querySelectorAll("*")].filter(
    e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
  );
  return shown.map(e => {
    const style = getComputedStyle(e);
    const ink = parts(e instanceof SVGElement ? style.fill : style.color);
    const [low, high] = [light(ink), light(ground(e))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), e.textContent.trim().slice(0, 40)];
  });
}"""

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report with markup wherever text can be, and with every part a report can have."""
    found = tmp_path_factory.mktemp("report") / "report.html"
    found.write_text(render(replace(hostile_data(), synthetic=True)).html, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a headless browser."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


def test_nothing_is_fetched_and_nothing_runs(browser: Browser, file: Path) -> None:
    """There is one request, for the file itself; no dialog and no console message appears."""
    page = browser.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    page.on("console", lambda message: seen.append(message.text))
    page.goto(file.as_uri())
    assert page.inner_text("h1") == " ".join(HOSTILE.split())
    assert seen == [file.as_uri()]


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_never_scrolls_sideways(browser: Browser, file: Path, width: int) -> None:
    """It does not on a laptop nor on a phone, with figures unfolded; wide tables scroll alone."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def low_contrasts(page: Page, file: Path) -> list[list[object]]:
    """Return the texts that are hard to read. Check that there are many texts."""
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 300
    return [entry for entry in found if entry[0] < ENOUGH]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, file: Path, scheme: str) -> None:
    """The contrast is enough in both color schemes, and also within the plots."""
    page = browser.new_page(color_scheme=scheme)
    ground = page.goto(file.as_uri()) and page.evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]
    assert low_contrasts(page, file) == []


def test_a_printed_page_is_dark_on_white_whatever_the_screen(browser: Browser, file: Path) -> None:
    """No printer has to print the dark ground."""
    page = browser.new_page(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(file.as_uri())
    colors = page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    assert colors == ["rgb(255, 255, 255)", "rgb(29, 33, 41)"]
