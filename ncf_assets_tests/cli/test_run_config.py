"""What `--config` may hold is checked before anything runs, and what it may not is said shortly."""

from typing import Any

import click
import pytest

from ncf_assets.cli.run_config import check_config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"negatives": {}}, "no 'negatives' in the file. There are: ops"),
        ({"ops": {"negative": {}}}, "no 'negative' in ops. Did you mean negatives?"),
        ({"ops": {"users": {"seed": 1}}}, "no 'seed' in ops.users. There are: config"),
        ({"ops": {"users": {"config": {"seed": 1}}}}, "no 'seed' in ops.users.config. Leave it"),
        (
            {"ops": {"negatives": {"config": {"n_negativs": 3, "sed": 1}}}},
            "no 'n_negativs' in ops.negatives.config. Did you mean n_negatives?\n"
            "no 'sed' in ops.negatives.config. Did you mean seed?",
        ),
        (
            {"ops": {"negatives": {"config": {"n_negatives": 0}}}},
            "ops.negatives.config.n_negatives: Input should be greater than or equal to 1, found 0",
        ),
        (
            {"ops": {"mlp_model": {"config": {"layers": [7, 2]}}}},
            "ops.mlp_model.config.layers: widths are 1 or more and the first is even, found [7, 2]",
        ),
        ({"ops": None}, "Value at path root:ops must not be None"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_and_remedy(
    config: dict[str, Any], message: str
) -> None:
    """Unknown names at each level, several at once, and values out of range."""
    with pytest.raises(click.ClickException) as raised:
        check_config("everything", config)
    assert raised.value.message.startswith(f"--config does not fit the assets:\n{message}")
    assert len(raised.value.message) < 300  # without Dagster's list of all that might be


def test_what_fits_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, an asset without settings, and a number that an environment variable holds."""
    monkeypatch.setenv("EPOCHS", "3")
    check_config("everything", {})
    check_config("everything", {"ops": {"users": {}}})
    check_config("everything", {"ops": {"mlp_model": {"config": {"epochs": {"env": "EPOCHS"}}}}})
