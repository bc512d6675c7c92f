"""The Dagster UI as `make ui` starts it, used by clicks in a real browser."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright

from ncf_assets.warehouse import PROJECT_DATA, Warehouse
from ncf_assets_tests.cli.commands import environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
START_SECONDS, RUN_SECONDS = 90, 240
LAUNCHED = re.compile("op=LaunchPipelineExecution")  # leaving the page before would cancel it

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path"),
]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ui(data: Path) -> Iterator[str]:
    """`make ui` on a data folder, until it serves; its address."""
    port = free_port()
    with (data / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "ui", f"PORT={port}"],
            cwd=PROJECT_DATA.parent,
            env=environment(data),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_served(address, data / "ui.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)


def wait_until_served(address: str, log: Path) -> None:
    """Return when the web server answers; fail with its log if it does not."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            requests.get(f"{address}/server_info", timeout=5).raise_for_status()
        except requests.RequestException:
            time.sleep(1)
        else:
            return
    pytest.fail(f"no answer from {address} in {START_SECONDS} s:\n{log.read_text()}")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the bundled Sample."""
    shutil.copytree(PROJECT_DATA / "sample", tmp_path / "sample")
    shutil.copy(PROJECT_DATA / "datasets.toml", tmp_path)
    return tmp_path


@pytest.fixture
def page() -> Iterator[Page]:
    """A tab of a headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1500, "height": 1000})
        tab.set_default_timeout(30_000)
        yield tab
        browser.close()


def test_everything_is_materialized_by_clicks(data: Path, page: Page) -> None:
    """Lineage, Materialize all, a dataset, Launch: the run succeeds and the report is shown."""
    with ui(data) as address:
        page.goto(f"{address}/asset-groups")
        for group in ("ingest", "prepare", "split", "train", "evaluate", "serve"):
            expect(page.get_by_text(group, exact=True).first).to_be_visible()
        page.get_by_text("Materialize all").first.click()
        page.get_by_text("Select a partition or create one").click()
        page.keyboard.type("Sample")
        page.get_by_text("Select all (1)").click()
        page.keyboard.press("Escape")
        with page.expect_response(LAUNCHED, timeout=START_SECONDS * 1000):
            page.get_by_role("button", name="Launch 1 run").click()
        page.goto(f"{address}/runs")
        expect(page.get_by_text("Success").first).to_be_visible(timeout=RUN_SECONDS * 1000)
        page.goto(f"{address}/assets/evaluation_report")
        expect(page.get_by_text("By popularity of the item").first).to_be_visible()
        expect(page.get_by_text("popularity").first).to_be_visible()
        page.goto(f"{address}/assets/leaderboard")
        expect(page.get_by_text("out of date").first).to_be_visible()
    warehouse = Warehouse(data)
    assert warehouse.stamp("raw_reviews", "Sample").rows == 22_954
    asked = "metric == 'hr' and k == 10 and segment == 'all' and protocol == 'sampled-99'"
    best = warehouse.read("metrics", "Sample").query(asked).set_index("model")["value"]
    assert best["neumf"] > best["popularity"] + 0.1


def test_the_ui_listens_on_this_machine_only(data: Path) -> None:
    """On 127.0.0.1, and on no other address of the machine."""
    with ui(data) as address:
        port = int(address.rpartition(":")[2])
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
        if sys.platform == "linux":
            others.add("127.0.0.2")  # which a server on 0.0.0.0 would answer too
        for other in others - {"127.0.0.1", "127.0.1.1", "::1"}:
            with pytest.raises(OSError, match=r"refused|timed out"):
                socket.create_connection((other, port), timeout=2)
    assert (data / "dagster" / "dagster.yaml").exists()
