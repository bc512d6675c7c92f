"""The Dagster UI as `make ui` starts it, used by clicks in a real browser."""

import json
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

import dagster as dg
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as ListTimeout

from ncf_assets.checks import checks
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import environment, ncf, wait_for_runs
from ncf_assets_tests.object_store import new_bucket
from ncf_assets_tests.paths import ROOT
from ncf_assets_tests.running import DEFS
from ncf_assets_tests.serving import free_port, wait_until_served
from ncf_assets_tests.tiny import reviews_for_defaults

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
START_SECONDS, PAGE_SECONDS, RUN_SECONDS = 90, 60, 480
LIST_MS = 20_000  # until a list of partitions is open, filled and clicked
# they would be drawn without a graphics card, on all cores, for as long as anything is waited for
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"
STILL = f"""addEventListener("DOMContentLoaded", () => {{
    document.head.appendChild(document.createElement("style")).textContent = "{STILL}"
}})"""
# leaving the page before would cancel it
LAUNCHED = re.compile("op=(LaunchPipelineExecution|LaunchPartitionBackfill)")

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(900),
]


@contextmanager
def ui(data: Path, **more: str) -> Iterator[str]:
    """`make ui` on a data folder, with more variables, until it serves; its address."""
    port = free_port()
    with (data / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "ui", f"PORT={port}"],
            cwd=ROOT,
            env=environment(data) | more,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_served(f"{address}/server_info", data / "ui.log", START_SECONDS)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)


FILES = {"Sample": "reviews.json", "Again": "reviews.json", "Third": "third.json"}
REGISTRY = "".join(
    f'[{name}]\nformat = "amazon-2014"\npath = "{file}"\n' for name, file in FILES.items()
)
GRAPH = DEFS.resolve_asset_graph()
LONGEST_NAME = 18  # of an asset that the graph shows in full
GROUPS = ("ingest", "prepare", "split", "train", "evaluate", "serve")


def edges_between_groups() -> int:
    """How many pairs of groups have an asset of one made from an asset of the other."""
    group = {key: GRAPH.get(key).group_name for key in GRAPH.get_all_asset_keys()}
    pairs = {(group[up], group[key]) for key in group for up in GRAPH.get(key).parent_keys}
    return sum(one != other for one, other in pairs)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two datasets of the same small file, and one whose file is not there."""
    folder = tmp_path_factory.mktemp("data")
    lines = map(json.dumps, reviews_for_defaults())
    (folder / "reviews.json").write_text("\n".join(lines))
    (folder / "datasets.toml").write_text(REGISTRY)
    return folder


@pytest.fixture(scope="module")
def address(data: Path) -> Iterator[str]:
    """The address of the UI on that folder."""
    with ui(data) as found:
        yield found


@pytest.fixture
def page() -> Iterator[Page]:
    """A tab of a headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1800, "height": 1600})
        tab.add_init_script(STILL)
        tab.set_default_timeout(PAGE_SECONDS * 1000)
        expect.set_options(timeout=PAGE_SECONDS * 1000)
        yield tab
        browser.close()


def select_partitions(page: Page, typed: str) -> None:
    """In the dialog that is open: take all partitions whose names have the text.

    What the dialog still reads may draw it anew, and so close the list, which is opened again then.
    """
    search = page.get_by_placeholder("Filter partitions")
    deadline = time.monotonic() + PAGE_SECONDS
    while True:
        try:
            if not search.is_visible():
                page.get_by_text("Select a partition or create one").click(timeout=LIST_MS)
            search.fill(typed, timeout=LIST_MS)
            page.get_by_text("Select all (").click(timeout=LIST_MS)
            break
        except ListTimeout:
            if time.monotonic() > deadline:
                raise
    page.keyboard.press("Escape")


def launch(page: Page, partitions: str, button: str) -> None:
    """In the dialog that is open: take the partitions whose names have the text, and launch."""
    select_partitions(page, partitions)
    with page.expect_response(LAUNCHED, timeout=START_SECONDS * 1000):
        page.get_by_role("button", name=button).click()


def wait_for_success(page: Page, data: Path, n: int) -> None:
    """Until so many runs have succeeded, without a page: drawing its animations takes two cores."""
    page.goto("about:blank")
    assert wait_for_runs(data, n, seconds=RUN_SECONDS) == ["SUCCESS"] * n


def as_drawn(name: str) -> re.Pattern[str]:
    """Match the name of an asset as the graph has it, which cuts the middle of a long one out."""
    if len(name) <= LONGEST_NAME:
        return re.compile(f"^{name}$")
    return re.compile(f"^{name[:8]}.*…{name[-6:]}$")


def see_the_lineage(page: Page, address: str) -> None:
    """The global graph has every group with every edge between groups, and every asset in them."""
    page.goto(f"{address}/asset-groups")
    for group in GROUPS:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    expect(page.locator("path[marker-end]")).to_have_count(edges_between_groups())
    for group in GROUPS:
        page.goto(f"{address}/asset-groups?expanded=global@global:{group}")
        for key in GRAPH.get_all_asset_keys():
            if GRAPH.get(key).group_name == group:
                drawn = page.locator("svg").get_by_text(as_drawn(key.to_user_string()))
                expect(drawn.first).to_be_attached()


def see_what_was_made(page: Page, address: str) -> None:
    """Report with plots, preview, column lineage, checks."""
    page.goto(f"{address}/assets/evaluation_report")
    expect(page.get_by_text("By popularity of the item").first).to_be_visible()
    expect(page.get_by_text("popularity").first).to_be_visible()
    page.get_by_text("[Show Markdown]").nth(1).click()
    expect(page.get_by_alt_text("Training")).to_be_visible()
    page.goto(f"{address}/assets/test")
    for shown in ("column lineage", "interactions.rating", "preview", "content hash"):
        expect(page.get_by_text(shown, exact=True).first).to_be_visible()
    page.goto(f"{address}/assets/metrics?view=checks")
    for check in checks()["metrics"]:
        expect(page.get_by_text(check.name).first).to_be_visible()
    expect(page.get_by_text("Succeeded")).to_have_count(len(checks()["metrics"]))
    page.goto(f"{address}/assets/leaderboard")
    expect(page.get_by_text("out of date").first).to_be_visible()
    page.goto(f"{address}/locations/ncf_assets/jobs/everything")
    expect(page.get_by_text("To begin:")).to_be_visible()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path")
def test_the_ui_is_used_by_clicks(data: Path, address: str, page: Page) -> None:
    """Everything is made of one dataset; then a backfill reads the files of both."""
    see_the_lineage(page, address)
    page.goto(f"{address}/asset-groups")
    page.get_by_text("Materialize all").first.click()
    launch(page, "Sample", "Launch 1 run")
    wait_for_success(page, data, 1)
    page.goto(f"{address}/runs")
    expect(page.get_by_text("Success").first).to_be_visible()
    see_what_was_made(page, address)
    page.goto(f"{address}/assets/raw_reviews")
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
    page.get_by_role("button", name="Confirm").click()  # that rejected_reviews come with it
    launch(page, "a", "Launch backfill")  # both names have one
    page.goto(f"{address}/runs?tab=backfills")
    expect(page.get_by_text("2 partitions").first).to_be_visible()
    wait_for_success(page, data, 3)
    page.goto(f"{address}/runs?tab=backfills")
    # of the first run and of the backfill, which ends a tick of the daemon after its runs
    expect(page.get_by_text("Success")).to_have_count(2, timeout=RUN_SECONDS * 1000)
    warehouse = Warehouse(data)
    assert [warehouse.get_provenance("raw_reviews", name).rows for name in ("Sample", "Again")] == [
        360
    ] * 2


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path")
def test_a_run_of_a_command_is_executed_again_from_failure(
    data: Path, address: str, page: Page
) -> None:
    """By a click on its page, where nobody is warned of another version."""
    source = data / "third.json"
    source.write_text("no review\n")
    assert ncf(data, "materialize", "Third", "--select", "+users").returncode == 1
    shutil.copy(data / "reviews.json", source)
    page.goto(f"{address}/runs")
    page.get_by_role("link", name=re.compile("run [0-9a-f]{8}")).first.click()
    page.wait_for_url("**/runs/*")
    failed = page.url
    page.locator("button:right-of(button:has-text('Re-execute all'))").first.click()
    page.get_by_role("menuitem", name="From failure").click()
    page.wait_for_url(lambda url: url != failed)  # that of the new run
    expect(page.get_by_text("may be different")).to_have_count(0)
    page.goto("about:blank")
    assert wait_for_runs(data, 2, "Third", seconds=RUN_SECONDS) == ["SUCCESS", "FAILURE"]
    assert Warehouse(data).get_provenance("users", "Third").rows == 60


@pytest.mark.acceptance
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path")
def test_a_click_makes_everything_in_a_bucket(moto: str, tmp_path: Path, page: Page) -> None:
    """The UI shows the report, and `sql` and `show` on another machine read what was made."""
    bucket = new_bucket(moto)
    here, other = tmp_path / "here", tmp_path / "other"
    for folder in (here, other):
        folder.mkdir()
        (folder / "reviews.json").write_text("\n".join(map(json.dumps, reviews_for_defaults())))
        (folder / "datasets.toml").write_text(REGISTRY)
    with ui(here, NCF_WORK_DIR=str(here), **bucket) as address:
        page.goto(f"{address}/asset-groups")
        page.get_by_text("Materialize all").first.click()
        launch(page, "Sample", "Launch 1 run")
        wait_for_success(page, here, 1)
        see_what_was_made(page, address)
        page.goto(f"{address}/assets/users")
        expect(page.get_by_text(f"{bucket['NCF_DATA_DIR']}/tables/users").first).to_be_visible()
    assert not [file for file in (here / "tables").rglob("*") if file.is_file()]
    query = "select count(*) as n from users"
    asked = ncf(other, "sql", "--csv", query, NCF_WORK_DIR=str(other), **bucket)
    assert asked.stdout == "n\n60\n"
    shown = ncf(other, "show", "Sample", NCF_WORK_DIR=str(other), **bucket)
    assert "neumf" in shown.stdout


def test_a_second_ui_is_refused_at_the_port_of_the_first(data: Path, address: str) -> None:
    """Its web server alone would end, and its daemon disturb the first one's."""
    port = address.rpartition(":")[2]
    done = ncf(data, "ui", "--port", port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} must be free for Dagster's UI, and is not (Address" in done.stderr


@pytest.mark.acceptance
def test_a_ui_that_has_ended_leaves_no_sign_of_a_daemon(tmp_path: Path) -> None:
    """A backfill would wait a minute for it."""
    with (
        ui(tmp_path),
        dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance,
    ):
        until = time.monotonic() + START_SECONDS
        while not instance.get_daemon_heartbeats():
            assert time.monotonic() < until
            time.sleep(0.5)
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        assert not instance.get_daemon_heartbeats()


def test_the_ui_listens_on_this_machine_only(data: Path, address: str) -> None:
    """On 127.0.0.1, and on no other address of the machine."""
    port = int(address.rpartition(":")[2])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    if sys.platform == "linux":
        others.add("127.0.0.2")  # which a server on 0.0.0.0 would answer too
    for other in others - {"127.0.0.1", "127.0.1.1", "::1"}:
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection((other, port), timeout=2)
    assert (data / "dagster" / "dagster.yaml").exists()
