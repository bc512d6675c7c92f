"""`ncf-assets tune` and what takes its result, on the tiny data set."""

import json
import os
import re
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import in_terminal, ncf, start, tiny_folder
from ncf_assets_tests.tiny import copied

pytestmark = pytest.mark.process
SPACE = {
    "epochs": [2],
    "learning_rate": [0.001, 0.01, 0.1],
    "factors": [2],
    "negatives": [8],
    "ema_decay": [0.8, 0.9],
}


def config(file: Path, ops: dict[str, Any]) -> list[str]:
    """The options that name a new file of run configuration."""
    file.write_text(yaml.safe_dump({"ops": ops}))
    return ["--config", str(file)]


@pytest.fixture(scope="module")
def data(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where NeuMF and what it comes from is materialized."""
    return copied(made, tmp_path_factory.mktemp("data")).root


def trials_in(file: Path) -> int:
    """How many trials a search has begun."""
    if not file.exists():
        return 0
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute("select count(*) from trials").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def n_settings(trials: pd.DataFrame) -> dict[str, int]:
    """How many different settings have been tried of each model; one may be drawn again."""
    found: dict[str, int] = trials.groupby("model")["settings"].nunique().to_dict()
    return found


def test_tuned_without_a_search_names_the_command(data: Path) -> None:
    """Before anything is run."""
    refused = ncf(data, "materialize", "Sample", "--tuned")
    assert refused.returncode == 2
    assert "--tuned takes a search, found none. Run `ncf-assets tune Sample`" in refused.stderr


def test_a_search_whose_inputs_are_missing_leaves_no_run(tmp_path: Path) -> None:
    """It is refused with their names, before Dagster hears of it."""
    refused = ncf(tiny_folder(tmp_path), "tune", "Sample")
    assert refused.returncode == 1
    assert "ials_model" in refused.stderr
    assert "Run `ncf-assets materialize Sample`." in refused.stderr
    assert not (tmp_path / "dagster").exists()


def test_a_search_without_any_trial_is_told(data: Path) -> None:
    """As a file with `trials: 0` asks for; no traceback."""
    none = config(data / "none.yaml", {"tuning_trials": {"config": {"trials": 0}}})
    searched = ncf(data, "tune", "Sample", *none)
    assert searched.returncode == 1
    assert "Run `ncf-assets tune" in searched.stderr
    assert "Traceback" not in searched.stderr


def test_a_killed_search_goes_on_and_its_best_is_trained(data: Path) -> None:
    """Kill -9 in its second trial; the table has 4 that ended, and the model the best settings."""
    place = Warehouse(data)
    file = place.paths.folder("tuning_trials", "Sample") / "searches.db"
    call = [
        "tune",
        "Sample",
        "--trials",
        "4",
        *config(data / "search.yaml", {"tuning_trials": {"config": {"space": SPACE}}}),
    ]
    with start(data, "ncf-assets", *call, trains=True) as process:
        until = time.monotonic() + 120
        while trials_in(file) < 2:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    searched = ncf(data, *call, trains=True)
    assert searched.returncode == 0, searched.stderr
    trials = place.read("tuning_trials", "Sample")
    assert sorted(trials["state"])[:1] == ["complete"]
    assert (trials["state"] != "fail").sum() == 4
    assert (trials["state"] == "fail").sum() <= 1  # or it was killed between two trials
    complete = trials[trials["state"] == "complete"]
    best = complete.loc[complete["validation_ndcg_at_10"].idxmax()]
    assert f"neumf: best is trial {best['trial']} with validation NDCG@10" in searched.stdout
    ended = r"learning_rate [\d.]+, factors 2, .*, epochs 2: (NDCG@10 [\d.]+ at|given up at) epoch"
    assert re.search(rf"neumf, 4 of 4: trial \d+, {ended}", searched.stdout)
    words = ["materialize", "Sample", "--select", "neumf_model", "--tuned"]
    trained = ncf(data, *words, trains=True)
    assert trained.returncode == 0, trained.stderr
    record = place.record("neumf_model", "Sample")
    used, chosen = record["configuration"], json.loads(best["settings"])
    assert chosen == {name: used[name] for name in SPACE}
    assert record["settings_tried"] >= 4  # those of the search among them
    both = config(data / "both.yaml", {"neumf_model": {"config": {"negatives": 8}}})
    refused = ncf(data, "materialize", "Sample", "--tuned", *both)
    assert "--tuned sets negatives of neumf_model. Take it out of --config" in refused.stderr


def test_any_model_is_searched_for_and_takes_its_best(data: Path) -> None:
    """EASE has lists of its own, of which a trial is one value each; iALS a new one of two.

    Both have as many trials, and what was found before for another model stays.
    """
    place = Warehouse(data)
    before = place.read("tuning_trials", "Sample")
    words = ["tune", "Sample", "--trials", "3", "--model", "ease", "--model", "blend"]
    code, said = in_terminal(data, *words)
    assert code == 0, said
    assert re.search(r"ease: best is trial \d with validation NDCG@10 [\d.]+:\s+half_life \d", said)
    assert said.splitlines()[-2:] == [
        "To fit with it:",
        "  ncf-assets materialize Sample --select ease_model+,blend_model+ --tuned",
    ]
    last = said[said.index("Sample is searched") :].splitlines()
    assert max(map(len, last)) <= 80
    trials = place.read("tuning_trials", "Sample")
    assert n_settings(trials) == {"blend": 3, "ease": 3, **n_settings(before)}
    fitted = ncf(data, "materialize", "Sample", "--select", "ease_model", "--tuned")
    assert fitted.returncode == 0, fitted.stderr
    of_ease = trials[trials["model"] == "ease"]
    best = json.loads(of_ease.loc[of_ease["validation_ndcg_at_10"].idxmax(), "settings"])
    record = place.record("ease_model", "Sample")
    assert best.items() <= record["settings"].items()
    assert record["settings_tried"] == 3 + 1
    # other factors are another search for the blend of them, not for EASE
    fewer = config(data / "fewer.yaml", {"ials_model": {"config": {"factors": 2}}})
    assert ncf(data, "materialize", "Sample", "--select", "ials_model", *fewer).returncode == 0
    assert ncf(data, "tune", "Sample", "--trials", "2", "--model", "blend").returncode == 0
    assert n_settings(place.read("tuning_trials", "Sample")) == {"blend": 2, "ease": 3}
    refused = ncf(data, "tune", "Sample", "--model", "popularity")
    assert refused.returncode == 2
    assert "'popularity' is not one of" in refused.stderr
