"""What a search hands on to the run that takes its best settings."""

import pandas as pd

from ncf_assets.assets.tuning import as_run_config

COLUMNS = ("model", "trial", "state", "validation_ndcg_at_10", "settings")


def test_killed_and_waiting_trials_are_not_among_those_that_were_tried() -> None:
    """Of six trials three have ended, two of them with the same settings: two were tried."""
    trials = pd.DataFrame(
        [
            ("ease", 0, "complete", 0.1, '{"regularization": 100.0, "half_life": 0.0}'),
            ("ease", 1, "pruned", None, '{"regularization": 200.0, "half_life": 0.0}'),
            ("ease", 2, "complete", 0.1, '{"regularization": 100.0, "half_life": 0.0}'),
            ("ease", 3, "fail", None, '{"regularization": 300.0, "half_life": 0.0}'),
            ("ease", 4, "waiting", None, "{}"),
            ("slist", 0, "complete", 0.2, '{"regularization": 400.0, "half_life": 0.0}'),
        ],
        columns=COLUMNS,
    )
    config = as_run_config(trials, ["ease"])["ops"]["ease_model"]["config"]
    assert config["tried"] == 2
    assert config["regularization"] == [100.0]
