"""What contributors meet outside the package says the same as the package."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def read(name: str) -> Any:
    """A YAML file of the project."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def targets() -> dict[str, str]:
    """The Makefile's targets and their commands."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", text, re.MULTILINE))


def test_ci_tries_every_python_that_may_install_the_package() -> None:
    """`requires-python` is 3.11 to 3.13, and so is CI's matrix; one of them tries all tests."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lowest, above = map(int, re.findall(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project)[0])
    pythons = [f"3.{n}" for n in range(lowest, above)]
    jobs = read(".github/workflows/test.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == pythons
    assert jobs["test"]["steps"][-1]["run"] == ".ci/run test"
    assert jobs["test-all"]["steps"][1]["with"]["python-version"] in pythons
    assert jobs["test-all"]["steps"][-1]["run"] == ".ci/run test-all"
    assert {"test", "test-all"} <= targets().keys()


def test_hooks_run_what_make_check_runs() -> None:
    """Format, lint and types, by the tools of .venv."""
    (repo,) = read(".pre-commit-config.yaml")["repos"]
    tools = [hook["entry"].removeprefix(".venv/bin/").split()[:2] for hook in repo["hooks"]]
    checked = [line.split()[:2] for line in targets()["check"].replace("$(BIN)/", "").splitlines()]
    assert tools == [["ruff", "format"], ["ruff", "check"], ["mypy"]]
    assert checked == tools


@pytest.mark.process
def test_the_hooks_are_valid() -> None:
    """By pre-commit itself."""
    command = [sys.executable, "-m", "pre_commit", "validate-config"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_every_place_that_contributing_names_exists() -> None:
    """Whatever stands in backticks with a folder, but for placeholders."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`((?:ncf_assets|ncf_assets_tests|data)/[^`<]+)`", text)
    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists()] == []


# what the recipes add to a file, or a file of its own
RECIPES = {
    "tables/reviews_by_year.sql": """
-- How many reviews were written in each year.
--
-- grain: one year
-- key: year
--
-- column year BIGINT: of the review, UTC
-- column reviews BIGINT: accepted lines
select year(timestamp) as year, count(*) as reviews
from raw_reviews
group by all
order by year
""",
    "checks/reviews_by_year_positive.sql": """
-- No year is without reviews.
--
-- table: reviews_by_year
-- remedy: materialize reviews_by_year again
select year from reviews_by_year where reviews < 1
""",
    "assets/prepare.py": """
reviews_by_year = sql_table("reviews_by_year", "serve")
""",
    "tables/longest_histories.sql": """
-- Who has reviewed the most.
--
-- grain: one user
-- key: user_id
-- python: ncf_assets/assets/serve.py
--
-- column user_id VARCHAR: users.user_id
""",
    "tables/shortest_histories.sql": """
-- Who has reviewed the least.
--
-- grain: one user
-- key: user_id
-- python: ncf_assets/assets/serve.py
--
-- column user_id VARCHAR: users.user_id
""",
    "tables/least_reviewed.sql": """
-- Which item has been reviewed the least.
--
-- grain: one item
-- key: item_id
-- python: ncf_assets/assets/serve.py
--
-- column item_id VARCHAR: items.item_id
""",
    "assets/serve.py": """
from ncf_assets.orchestration.tables import NoConfig


@python_tables({"longest_histories": "serve"}, reads=["users"])
def longest_histories(run: AssetRun, _: NoConfig) -> None:
    '''Keep one.'''
    users = run.inputs.read("users")
    run.write("longest_histories", users.nlargest(1, "n_interactions")[["user_id"]])


@python_tables(
    {"shortest_histories": "serve", "least_reviewed": "serve"}, reads=["users", "items"]
)
def rare(run: AssetRun, _: NoConfig) -> None:
    '''Keep one of each.'''
    users, items = run.inputs.read("users"), run.inputs.read("items")
    run.write("shortest_histories", users.nsmallest(1, "n_interactions")[["user_id"]])
    run.write("least_reviewed", items.nsmallest(1, "n_interactions")[["item_id"]])
""",
    "assets/baselines.py": """
@fitted_model(EaseConfig)
def twice_model(run: AssetRun, config: EaseConfig) -> Fitted:
    '''Fit nothing.'''
    return Fitted()
""",
}
LOADED = """
from ncf_assets.definitions import build_defs
graph = build_defs().resolve_asset_graph()
for key in graph.materializable_asset_keys:
    print(key.to_user_string(), *(check.name for check in graph.get(key).check_keys))
"""


@pytest.mark.process
def test_the_recipes_for_tables_checks_and_baselines_work_as_they_are_written(
    tmp_path: Path,
) -> None:
    """In a copy of the package each new file and line becomes an asset with its checks."""
    shutil.copytree(ROOT / "ncf_assets", tmp_path / "ncf_assets")
    for name, added in RECIPES.items():
        with (tmp_path / "ncf_assets" / name).open("a", encoding="utf-8") as file:
            file.write(added.lstrip() if name.endswith(".sql") else added)
    # not by the environment's own Python, which refuses the code of another folder
    search = os.pathsep.join([str(tmp_path), sysconfig.get_path("purelib")])
    done = subprocess.run(
        [sys._base_executable, "-c", LOADED],  # type: ignore[attr-defined]
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": search, "NCF_DATA_DIR": str(ROOT / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name: {*checks} for name, *checks in map(str.split, done.stdout.splitlines())}
    assert loaded["reviews_by_year"] == {
        "reviews_by_year_key_is_unique",
        "reviews_by_year_positive",
    }
    assert loaded["longest_histories"] == {"longest_histories_key_is_unique"}
    assert loaded["shortest_histories"] == {"shortest_histories_key_is_unique"}
    assert loaded["least_reviewed"] == {"least_reviewed_key_is_unique"}
    assert loaded["twice_model"] == {"twice_model_is_finite"}
