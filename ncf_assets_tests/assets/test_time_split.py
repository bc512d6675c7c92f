"""The tiny data set by one cut in time, from its file to the report."""

import json
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from ncf_assets.datasets import load
from ncf_assets.orchestration.staleness import Asset, partition_statuses
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import SPLIT, failure, materialize
from ncf_assets_tests.tiny import DAY, START, review, reviews, write_source

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

LATE = [  # all at the cut or later, and by somebody new
    review("latecomer", "item06", START + 3 * DAY),
    review("latecomer", "item07", START + 5 * DAY),
]


def registry(folder: Path, more: str = "") -> None:
    """Let the Sample be split at the fourth day, of which all users have one item."""
    (folder / "datasets.toml").write_text(
        '[Sample]\nformat = "amazon-2014"\npath = "tiny.json"\n'
        f'split = "time_split"\ncut = 2014-05-17\n{more}'
    )


@pytest.fixture(scope="module")
def warehouse(instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Everything, of the tiny data set and the latecomer."""
    folder = tmp_path_factory.mktemp("late")
    write_source(folder)
    lines = "\n".join(json.dumps(row) for row in [*reviews(), *LATE])
    (folder / "tiny.json").write_text(lines)
    registry(folder)
    made = Warehouse(folder)
    assert materialize(made, instance).success
    return made


def rows(made: Warehouse, *tables: str) -> list[int]:
    """How many rows each table has."""
    return [made.get_provenance(table, "Sample").rows for table in tables]


def test_the_parts_are_those_of_the_times(warehouse: Warehouse) -> None:
    """Days 1 and 2 train, less one pair that was reviewed again; day 3 is validation.

    From day 4 on there are one item of each user, two of user00, and the latecomer's two.
    """
    assert rows(warehouse, "train", "validation", "test") == [12 * 2 + 2 - 1, 12, 12 + 1 + 2]
    (rule,) = warehouse.read("split_rule", "Sample").to_dict("records")
    assert (rule["split"], rule["targets"]) == ("time_split", "all")
    assert [str(rule[name])[:10] for name in ("validation_from", "test_from")] == [
        "2014-05-16",
        "2014-05-17",
    ]
    (profile,) = warehouse.read("data_profile", "Sample").to_dict("records")
    known = {"test_users": 13, "new_test_users": 1, "later_known": 0.0, "untested": 0}
    assert known.items() <= profile.items()


def test_figures_are_of_users_with_a_history_and_the_others_apart(warehouse: Warehouse) -> None:
    """Twelve, and the latecomer; estimates are for one held-out item, so there are none."""
    metrics = warehouse.read("metrics", "Sample")
    counts = metrics.groupby("segment")["n_users"].agg(set).to_dict()
    assert counts["all"] == {12}
    assert counts["history 0"] == {1}
    assert set(metrics["protocol"]) == {"full", "sampled-3"}
    assert set(warehouse.read("comparisons", "Sample")["n_users"]) == {12}


def test_chance_of_two_held_out_items_by_hand(warehouse: Warehouse) -> None:
    """The latecomer's two tie with ten others, or with three negatives.

    Of 12, a list of 2 has none with the chance 10/12 · 9/11; of 5, with 3/5 · 2/4.
    """
    metrics = warehouse.read("metrics", "Sample").query("segment == 'history 0' and k == 2")
    of_chance = metrics.query("model == 'random'").set_index(["protocol", "metric"])["value"]
    for protocol, missed, n in (("full", 90 / 132, 12), ("sampled-3", 6 / 20, 5)):
        assert of_chance[protocol, "hr"] == pytest.approx(1 - missed)
        assert of_chance[protocol, "recall"] == pytest.approx(2 / n)
        assert of_chance[protocol, "precision"] == pytest.approx(2 / n)


def test_recall_in_sql_is_that_of_the_ranks(warehouse: Warehouse) -> None:
    """Popularity's, recomputed from test_ranks with ties by expectation, user by user."""
    of_one = "model == 'popularity' and protocol == 'full'"
    ranks = warehouse.read("test_ranks", "Sample").query(of_one)
    found = ((2 - ranks["n_better"]) / (ranks["n_tied"] + 1)).clip(0, 1)
    by_user = found.groupby(ranks["user"]).mean()
    users = warehouse.read("users", "Sample")["user_id"]
    assert len(by_user) == 13
    metrics = warehouse.read("metrics", "Sample").query(f"{of_one} and metric == 'recall'")
    (value,) = metrics.query("k == 2 and segment == 'all'")["value"]
    assert value == pytest.approx(by_user[users[by_user.index] != "latecomer"].mean())


def test_no_rank_competes_with_what_the_user_has_rated(warehouse: Warehouse) -> None:
    """Lists are of the 12 items less those rated before the cut."""
    full = warehouse.read("test_ranks", "Sample").query("protocol == 'full' and model == 'ease'")
    known = np.concatenate(
        [warehouse.read(split, "Sample")["user"] for split in ("train", "validation")]
    )
    n_known = np.bincount(known, minlength=14)
    assert (full["n_candidates"] == 12 - n_known[full["user"]]).all()


def test_the_report_says_what_was_held_out(warehouse: Warehouse) -> None:
    """In its first paragraph, its method and its caveats."""
    text = (warehouse.paths.folder("evaluation_report", "Sample") / "report.md").read_text()
    assert "the mean over 12 test users with one or more held-out items each" in text
    assert "a segment of their own: 1 user without any interaction before the cut" in text
    assert "Split: one cut for all users. What is before 2014-05-16 is for training" in text
    assert "One cut in time is one sample" in text


def test_the_report_marks_all_that_was_held_out_of_a_user(warehouse: Warehouse) -> None:
    """Of user00 the items of the days 4 and 10, of each other user that of day 4."""
    examples = warehouse.record("evaluation_report", "Sample")["examples"]
    latecomer = ["item06", "item07"]
    expected = {f"user{u:02}": [f"item{(u % 2) * 6 + (u // 2 + 3) % 6:02}"] for u in range(12)}
    expected |= {"user00": ["item03", "item00"], "latecomer": latecomer}
    assert {one["user"]: one["held_out"] for one in examples} == {
        one["user"]: expected[one["user"]] for one in examples
    }
    folder = warehouse.paths.folder("evaluation_report", "Sample")
    assert "| 2014-05-17 | ★ item" in (folder / "report.md").read_text()


def test_other_keys_in_the_registry_put_the_split_out_of_date(warehouse: Warehouse) -> None:
    """And a cut that nothing is before stops it, with the days that there are."""
    made = warehouse.get_provenance("split_rule", "Sample")
    asset = Asset("split_rule", made.code_version, ("interactions",))
    above = Asset(
        "interactions", warehouse.get_provenance("interactions", "Sample").code_version, ()
    )

    def reasons() -> tuple[str, ...]:
        dataset = load(warehouse.paths.registry)["Sample"]
        return partition_statuses(warehouse, dataset, [above, asset])[-1].reasons

    assert reasons() == ()
    registry(warehouse.root, 'targets = "last"\n')
    assert reasons() == ("its entry in datasets.toml has changed",)
    registry(warehouse.root)


def test_one_target_leaves_the_others_out_and_counts_them(
    warehouse: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Of user00's two and the latecomer's two, one each is neither trained on nor tested."""
    made = Warehouse(tmp_path)
    (tmp_path / "tiny.json").write_bytes((warehouse.root / "tiny.json").read_bytes())
    registry(tmp_path, 'targets = "first"\n')
    assert materialize(made, instance, [*SPLIT, "data_profile"], {}).success
    assert rows(made, "train", "validation", "test") == [25, 12, 13]
    (profile,) = made.read("data_profile", "Sample").to_dict("records")
    assert (profile["untested"], profile["test_users"]) == (2, 13)
    registry(tmp_path, 'targets = "all"\n'.replace("all", "last"))
    (tmp_path / "datasets.toml").write_text(
        (tmp_path / "datasets.toml").read_text().replace("2014-05-17", "2014-05-14")
    )
    result = materialize(made, instance, ["split_rule"], {})
    assert failure(result, "split_rule") == (
        "[Sample] in datasets.toml: the cut 2014-05-14 leaves 0 of 52 interactions before it; they"
        " are from 2014-05-14 to 2014-05-23. Set another `cut`."
    )
