"""Networks are trained again with other seeds, and all figures are the means over them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ncf_assets.orchestration.trained_models import NetworkFactory
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import materialize
from ncf_assets_tests.tiny import CONFIG, copied

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
NETWORKS = ["gmf", "mlp", "neumf", "neumf_scratch"]
EVALUATED = ["seed_ranks", "metrics", "comparisons", "seed_metrics", "evaluation_report"]
OTHER_SEED = 2018  # follows the default one, 2017


def config(**ops: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run configuration."""
    return {"ops": {name: {"config": of} for name, of in ops.items()}}


@pytest.fixture(scope="module")
def trained() -> list[tuple[str, int]]:
    """Networks and seeds as they are trained, in the order of the trainings."""
    return []


@pytest.fixture(scope="module")
def warehouse(
    made: Path, tmp_path_factory: pytest.TempPathFactory, trained: list[tuple[str, int]]
) -> Warehouse:
    """The tiny data set with two seeds, of a run that was interrupted in the third training."""
    found, train = copied(made, tmp_path_factory.mktemp("data")), NetworkFactory.train
    settings = config(seed_ranks={"seeds": 2}, evaluation=CONFIG["ops"]["evaluation"]["config"])

    def interrupted(self: NetworkFactory, run: Any, own: Mapping[str, Any]) -> Any:
        if len(trained) == 2:
            raise InterruptedError("the machine was switched off")
        return followed(self, run, own)

    def followed(self: NetworkFactory, run: Any, own: Mapping[str, Any]) -> Any:
        trained.append((self.assets[0], own["seed"]))
        return train(self, run, own)

    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.setattr(NetworkFactory, "train", interrupted)
        assert not materialize(found, instance, EVALUATED, settings).success
        patch.setattr(NetworkFactory, "train", followed)
        assert materialize(found, instance, EVALUATED, settings).success
    return found


def test_what_was_trained_before_an_interruption_is_not_trained_again(
    warehouse: Warehouse, trained: list[tuple[str, int]]
) -> None:
    """Two networks were, and the other two followed; nothing is left of the interruption."""
    assert trained == [(f"{name}_model", OTHER_SEED) for name in NETWORKS]
    assert not warehouse.paths.checkpoint("seed_ranks", "Sample").exists()


def test_the_published_model_is_one_of_the_seeds(warehouse: Warehouse) -> None:
    """Each network ranks the 12 test items twice with each seed, its own rows are test_ranks'."""
    ranks, own = (warehouse.read(name, "Sample") for name in ("seed_ranks", "test_ranks"))
    of_seeds = ranks.groupby(["model", "seed"]).size().to_dict()
    assert of_seeds == {(name, seed): 24 for name in NETWORKS for seed in (2017, OTHER_SEED)}
    first = ranks[ranks["seed"] == 2017].drop(columns="seed").reset_index(drop=True)
    of_networks = own[own["model"].isin(NETWORKS)].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, of_networks)


def test_a_seed_gives_what_the_model_would_be_with_it(
    warehouse: Warehouse, made: Path, tmp_path: Path
) -> None:
    """GMF with the other seed has the ranks that seed_ranks says."""
    other = copied(made, tmp_path / "data")
    settings = CONFIG["ops"]["gmf_model"]["config"] | {"seed": OTHER_SEED}
    selection = ["gmf_model", "test_ranks", "diversity", "example_lists"]
    with dg.instance_for_test() as instance:
        assert materialize(other, instance, selection, config(gmf_model=settings)).success
    own = other.read("test_ranks", "Sample").query("model == 'gmf'")
    said = warehouse.read("seed_ranks", "Sample").query(f"model == 'gmf' and seed == {OTHER_SEED}")
    pd.testing.assert_frame_equal(
        said.drop(columns="seed").reset_index(drop=True), own.reset_index(drop=True)
    )


def test_figures_are_means_over_seeds(warehouse: Warehouse) -> None:
    """The report says so, with each seed's figure; models without chance have one."""
    metrics = warehouse.read("metrics", "Sample")
    n_seeds = metrics.groupby("model")["n_seeds"].max().to_dict()
    assert n_seeds == {model: 2 if model in NETWORKS else 1 for model in n_seeds}
    assert {*NETWORKS} < n_seeds.keys()
    where = "model == 'gmf' and protocol == 'full' and metric == 'ndcg' and k == 2"
    (mean,) = metrics.query(f"{where} and segment == 'all'")["value"]
    seeds = warehouse.read("seed_metrics", "Sample").query(where)["value"].tolist()
    assert mean == pytest.approx(sum(seeds) / 2)
    page = warehouse.paths.folder("evaluation_report", "Sample") / "report.md"
    text = page.read_text()
    assert f"| {', '.join(f'{value:.4f}' for value in seeds)} |" in text
    assert "the mean over 2 seeds and 12 test users" in text
    assert "Each network was trained with 2 seeds." in text
