"""`ncf-assets evaluate` on the tiny data set: files of scores become models of the report."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_assets.orchestration import outside_models
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.tiny import contents, copied

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]
FIGURES = ["value", "ci_low", "ci_high", "n_users"]


@pytest.fixture(scope="module")
def data(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything is materialized, to be changed by one test after the other."""
    return copied(made, tmp_path_factory.mktemp("data")).root


@pytest.fixture(scope="module")
def exported(data: Path) -> pd.DataFrame:
    """What NeuMF scores every item for every user, by the ids of the source: 13 x 12 rows."""
    from ncf_assets.ncf.evaluation import neumf_scorer
    from ncf_assets.ncf.models import neumf

    place = Warehouse(data)
    file = place.record("neumf_model", "Sample")["file"]
    model = neumf.load(place.paths.folder("neumf_model", "Sample") / file)
    scores = neumf_scorer.block_scorer(model)(np.arange(13, dtype=np.int32))
    assert scores.dtype == np.float32
    users, items = (
        place.read(table, "Sample")[column].to_numpy()
        for table, column in (("users", "user_id"), ("items", "item_id"))
    )
    return pd.DataFrame(
        {"user": users.repeat(12), "item": np.tile(items, 13), "score": scores.ravel()}
    )


def evaluate(data: Path, *words: str) -> str:
    """Run the command with the tiny run's settings; what it says."""
    done = ncf(data, "evaluate", "Sample", *words, "--config", str(data / "run.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(data: Path, *words: str) -> str:
    """Why the command does nothing."""
    done = ncf(data, "evaluate", "Sample", *words)
    assert done.returncode != 0
    return done.stderr


def figures(place: Warehouse, table: str, model: str) -> pd.DataFrame:
    """A model's rows of a table, without its name."""
    rows = place.read(table, "Sample")
    return rows[rows["model"] == model].drop(columns="model").reset_index(drop=True)


def test_neumfs_own_scores_get_neumfs_own_figures(data: Path, exported: pd.DataFrame) -> None:
    """To the digit, from Parquet and from CSV, by scores and by positions, two models at a time."""
    place, before = Warehouse(data), contents(Warehouse(data))
    exported.to_parquet(data / "same.parquet")
    positions = exported.groupby("user")["score"].rank(ascending=False).astype(int)
    listed = exported.assign(position=positions).drop(columns="score")
    listed.sample(frac=1, random_state=7).to_csv(data / "listed.csv", index=False)
    outside_models.accept(place, "Sample", data / "same.parquet", "same")
    said = evaluate(data, "--scores", str(data / "listed.csv"), "--name", "listed")
    assert "listed.csv is accepted as listed, 156 rows." in said
    for model in ("same", "listed"):
        pd.testing.assert_frame_equal(
            figures(place, "outside_ranks", model),
            place.read("test_ranks", "Sample")
            .query("model == 'neumf'")
            .drop(columns="model")
            .reset_index(drop=True),
        )
        pd.testing.assert_frame_equal(
            figures(place, "metrics", model), figures(place, "metrics", "neumf")
        )
    pd.testing.assert_frame_equal(
        figures(place, "outside_diversity", "same"), figures(place, "diversity", "neumf")
    )
    compared = place.read("comparisons", "Sample").query("baseline in ('same', 'listed')")
    assert len(compared) == 2 * 2 * 2 * 2  # protocols, metrics and lengths
    assert (compared["difference"] == 0).all()
    others = {"outside_ranks", "outside_diversity", "metrics", "comparisons"}
    after = contents(place)
    assert {table for table in before if before[table] != after[table]} == others


def test_the_others_figures_are_as_they_were(data: Path, made: Path) -> None:
    """Another row changes no model's figures."""
    now, before = (Warehouse(at).read("metrics", "Sample") for at in (data, made))
    ours = now[~now["model"].isin(["same", "listed"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, before)


def test_the_report_says_that_they_come_from_outside(data: Path) -> None:
    """With the name of the file and its hash, in all three forms."""
    folder = Warehouse(data).paths.folder("evaluation_report", "Sample")
    sha256 = hashlib.sha256((data / "listed.csv").read_bytes()).hexdigest()
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "listed (outside)" in text
        assert sha256 in text
    record = json.loads((folder / "report.json").read_text())
    assert record["outside"]["listed"] == {
        "file": "listed.csv", "sha256": sha256, "column": "position", "rows": 156,
    }  # fmt: skip


def test_a_later_run_ranks_by_them_too_and_status_knows(data: Path) -> None:
    """What is accepted is kept: it is a source of `outside_ranks`, as its own file was moved."""
    (data / "listed.csv").unlink()
    again = ncf(data, "materialize", "Sample", "--select", "outside_ranks")
    assert again.returncode == 0, again.stderr
    assert "brought from outside" not in ncf(data, "status", "Sample").stdout
    kept = data / "outside/dataset=Sample/listed.parquet"
    kept.rename(kept.with_suffix(".aside"))
    assert "brought from outside has changed: listed" in ncf(data, "status", "Sample").stdout
    kept.with_suffix(".aside").rename(kept)


def test_a_model_is_taken_out_again(data: Path, made: Path) -> None:
    """And nothing is left of it: tables are those of before, hash by hash."""
    outside_models.remove(Warehouse(data), "Sample", "listed")
    assert "same is taken out." in evaluate(data, "--remove", "same")
    assert contents(Warehouse(data)) == contents(Warehouse(made))


def test_a_refused_file_changes_nothing(data: Path, exported: pd.DataFrame) -> None:
    """Test users without rows are counted, and one is named."""
    place = Warehouse(data)
    before = contents(place)
    exported[exported["user"] != "user03"].to_csv(data / "few.csv", index=False)
    said = refused(data, "--scores", str(data / "few.csv"), "--name", "few")
    assert "each test user must have a row, found 1 of 12 without, such as 'user03'." in said
    assert (contents(place), list(data.glob("outside/*/*"))) == (before, [])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--name", "neumf"], "neumf is a model of this package. Choose another name."),
        (["--name", "Random"], "Random is a model of this package."),
        (["--name", "my model"], "must be a letter, then letters, digits and _, of 40"),
        (["--name", "../mine"], "found '../mine'. Choose another name."),
        ([], "Give --scores FILE with --name MODEL, or --remove MODEL."),
    ],
)
def test_a_name_is_refused_with_the_reason(data: Path, words: list[str], reason: str) -> None:
    """Before the file is read."""
    assert reason in " ".join(refused(data, "--scores", str(data / "run.yaml"), *words).split())


def test_only_what_is_there_can_be_removed(data: Path) -> None:
    """The message lists the models that there are."""
    said = refused(data, "--remove", "mine")
    assert "no model 'mine' to remove. Models from outside that Sample has: none." in said
