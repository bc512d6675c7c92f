"""Every command in the README and docs/ is run: here, or by the test that is named here."""

import gzip
import importlib.util
import json
import re
import subprocess
from pathlib import Path

import click
import dagster as dg
import pytest
import yaml

from docs_build import cli
from ncf_assets.cli import main
from ncf_assets.definitions import build_defs
from ncf_assets_tests.cli.commands import environment
from ncf_assets_tests.docs.texts import ROOT, TEXTS, block_of_any, commands, make, mentioned
from ncf_assets_tests.tiny import reviews_for_defaults

# these take too long to run twice, or need other data; the named test runs the same words
ELSEWHERE = {
    "make demo": "docs/conftest.py::data",
    "ncf-assets materialize Sample": "docs/conftest.py::data",  # by `make demo`
    "make materialize DATASET=Musical_Instruments": "docs/test_commands.py"
    "::test_make_hands_the_dataset_on",
    "make ui": "test_ui.py::ui",
    "make status": "docs/test_readme.py::test_make_status_and_sql_read_what_the_demo_made",
    "ncf-assets materialize Sample --config run.yaml": "cli/test_materialize.py::data",
    "ncf-assets backfill Sample Musical_Instruments": "cli/test_backfill.py"
    "::test_a_backfill_runs_each_dataset_and_retries_what_failed",
    "ncf-assets backfill --failed": "cli/test_backfill.py"
    "::test_a_backfill_runs_each_dataset_and_retries_what_failed",
    "dagster job backfill -j everything --partitions Sample --noprompt": "cli/test_queue.py"
    "::test_dagsters_own_job_backfill_works_with_a_running_daemon",
    "dagster-daemon run": "cli/commands.py::daemon",
    "ncf-assets tune Sample": "cli/test_tune.py"
    "::test_a_killed_search_goes_on_and_its_best_is_trained",
    "harlequin --read-only data/warehouse.duckdb": "docs/test_queries.py"
    "::test_harlequin_shows_a_result",
}
UNTESTED = {
    "make test",  # runs this test
    "duckdb -ui data/warehouse.duckdb",  # fetches its pages from the network
}
MAY_END_WITH = {"ncf-assets status": 3}  # where something is out of date
FIRST = [
    "export DAGSTER_HOME=$(ncf-assets dagster-home)",
    "dg launch --job everything --partition Sample",
]


def said() -> list[str]:
    """Return the commands of all texts, each once."""
    return list(dict.fromkeys(command for text in TEXTS for command in commands(text)))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project with small data: 60 users with 6 of 120 items each."""
    for path in ROOT.iterdir():
        if path.name != "data":
            (tmp_path / path.name).symlink_to(path)
    file = "reviews_Musical_Instruments_5.json.gz"
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/datasets.toml").write_text(
        f'[Sample]\nformat = "amazon-2014"\npath = "../{file}"\n'
    )
    with gzip.open(tmp_path / file, "wt") as lines:
        lines.write("\n".join(map(json.dumps, reviews_for_defaults())) + "\n")
    return tmp_path


@pytest.mark.acceptance
@pytest.mark.timeout(1800)
def test_every_command_works_as_it_is_written(project: Path) -> None:
    """They run one after the other in one shell; those that make the tables come first."""
    rest = [c for c in said() if c not in FIRST and c not in ELSEWHERE and c not in UNTESTED]
    assert len(rest) > 10
    lines = [f"{c} || [ $? = {MAY_END_WITH[c]} ]" if c in MAY_END_WITH else c for c in rest]
    done = subprocess.run(
        ["bash", "-euxc", "\n".join(FIRST + lines)],
        cwd=project,
        env=environment(project / "data"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{done.stdout[-3000:]}{done.stderr[-3000:]}\nA command of the texts failed. Correct it, or"
        " name in ELSEWHERE the test that runs it."
    )
    assert (project / "handout.duckdb").exists()
    assert (project / "rejected.csv").read_text() == "reason,n\n"


def test_what_is_run_elsewhere_is_said_and_run() -> None:
    """No entry outlives the text or the test that it names."""
    assert {*ELSEWHERE, *UNTESTED, *FIRST, *MAY_END_WITH} <= {*said()}
    for place in ELSEWHERE.values():
        file, name = place.split("::")
        text = (ROOT / "ncf_assets_tests" / file).read_text()
        assert f"def {name}(" in text, (
            f"{place} is no test; name `file below ncf_assets_tests::test`"
        )


def test_commands_stand_in_blocks_that_are_run() -> None:
    """Blocks are `sh` alone, as the tests find no others.

    Each command is on one line.
    """
    for text in TEXTS:
        assert not re.search(r"```(bash|shell|console|zsh)", text.read_text()), text
        assert not [command for command in commands(text) if command.endswith("\\")], text


@pytest.mark.process
def test_make_hands_the_dataset_on(tmp_path: Path) -> None:
    """`make materialize DATASET=…` runs `ncf-assets materialize …`."""
    said = make(tmp_path, "--dry-run", "materialize", "DATASET=Musical_Instruments").stdout
    assert said.splitlines()[-1] == ".venv/bin/ncf-assets materialize Musical_Instruments"


def test_what_sentences_name_exists() -> None:
    """Sentences name targets of the Makefile, commands of ncf-assets, and modules."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in (code.split() for text in TEXTS for code in mentioned(text)):
        if words[0] == "make":
            assert words[1] in targets
        elif words[0] == "ncf-assets":
            assert main.get_command(click.Context(main), words[1])
        else:
            assert importlib.util.find_spec(words[2])


def test_the_run_configuration_of_the_docs_is_valid() -> None:
    """Dagster finds every asset and setting of the blocks for run.yaml."""
    job = build_defs().resolve_job_def("everything")
    for having in ("ials_model: {config", "latest_reviews:\n    config"):
        config = yaml.safe_load(block_of_any("yaml", having))
        assert dg.validate_run_config(job, config)


def test_the_command_page_has_the_help_of_every_command() -> None:
    """`python -m docs_build.cli` renews it."""
    assert cli.PAGE.read_text() == cli.renew(cli.PAGE.read_text())


def test_a_command_page_without_its_marker_is_refused() -> None:
    """Text that a person wrote would be lost."""
    with pytest.raises(ValueError, match=r"lacks the line <!-- generated by .* Write it below"):
        cli.renew("# The command line\n")


def test_every_test_that_guarantees_name_exists() -> None:
    """The test may be in any folder; each promise has one."""
    page = (ROOT / "docs/guarantees.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and " test |" not in line]
    there = {path.name for path in (ROOT / "ncf_assets_tests").rglob("test_*.py")}
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)`", row)
        assert named, row
        assert set(named) <= there, row
