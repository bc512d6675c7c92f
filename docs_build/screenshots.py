"""Take the pictures of the Dagster UI and of the report in docs/images, for the README.

`python -m docs_build.screenshots` materializes the Sample in a folder of its own, starts the UI,
and takes the pictures with the system's chromium.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from ncf_assets.warehouse.paths import bundled
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import BIN, environment
from ncf_assets_tests.test_ui import CHROMIUM, FLAGS, ui

IMAGES = Path(__file__).parents[1] / "docs/images"
COLORS = 128  # a third of the bytes, and hardly a difference to be seen
DRAWN = 5_000  # milliseconds; chosen: Dagster's graphs no longer move then
UI = {
    "graph": "/asset-groups?expanded=global@global:prepare,global@global:split",
    "asset": "/assets/interactions",
}


def main() -> None:
    """Take all pictures again."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder)
        shutil.copytree(bundled("sample"), data / "sample")
        shutil.copy(bundled("datasets.toml"), data)
        subprocess.run(
            [BIN / "ncf-assets", "materialize", "Sample"], env=environment(data), check=True
        )
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 850})
        with ui(data) as address:
            for name, path in UI.items():
                page.goto(address + path)
                _keep(page, name)
            page.goto(f"{address}/runs")
            page.get_by_role("link", name=re.compile("^run ")).first.click()
            _keep(page, "run")
        report = Warehouse(data).paths.folder("evaluation_report", "Sample") / "report.html"
        page.goto(report.as_uri())
        _keep(page, "report")


def _keep(page: Page, name: str) -> None:
    """Store a picture of the page once nothing on it moves."""
    page.wait_for_timeout(DRAWN)
    file = IMAGES / f"{name}.png"
    page.screenshot(path=file)
    with Image.open(file) as image:
        image.convert("RGB").quantize(COLORS).save(file, optimize=True)


if __name__ == "__main__":
    main()
