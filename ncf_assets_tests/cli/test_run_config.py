"""What `--config` may hold is checked before anything runs, and what it may not is said shortly."""

from pathlib import Path
from typing import Any

import click
import pytest

from ncf_assets.assets.tuning import MODELS
from ncf_assets.cli.run_config import check_config, read_config, with_processes, with_seeds


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"negatives": {}},
            "no 'negatives' in the outermost level of the file. Put it below `ops`.",
        ),
        ({"nothing": {}}, "no 'nothing' in the outermost level of the file. There are: ops"),
        ({"ops": {"negative": {}}}, "no 'negative' in ops. Did you mean negatives?"),
        ({"ops": {"neumf": {}}}, "no 'neumf' in ops. Did you mean neumf_model?"),
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
            "ops.mlp_model.config.layers: widths must be 1 or more and the first even, found [7,",
        ),
        (
            {"ops": {"ials_model": {"config": {"regularization": [0.05, 0.4, 0.1]}}}},
            "ops.ials_model.config.regularization: list the values once each, from low to high,"
            " found [0.05, 0.4, 0.1]",
        ),
        (
            {"ops": {"ials_model": {"config": {"fitted_by": "spark"}}}},
            "ops.ials_model.config.fitted_by must be numpy or mllib, found 'spark'. Correct it.",
        ),
        (
            {"ops": {"ials_model": {"config": {"fitted_by": "mllib", "unobserved_ratio": [0.0]}}}},
            "ops.ials_model.config.fitted_by: MLlib needs each unobserved_ratio above 0, found 0",
        ),
        (
            {"ops": {"ease_model": {"config": {"half_life": [0.0, 1.0, 2.0]}}}},
            "ops.ease_model.config.half_life: list the values once each, from low to high, 0 last,"
            " found [0.0, 1.0, 2.0]",
        ),
        (
            {"ops": {"latest_reviews": {"config": {"first_day": "2014", "last_day": ""}}}},
            "ops.latest_reviews.config.first_day: a day is written as 2013-01-31, found '2014'\n"
            "ops.latest_reviews.config.last_day: a day is written as 2013-01-31, found ''",
        ),
        (
            {"ops": {"latest_reviews": {"config": {"first_day": "2014-02-30"}}}},
            "ops.latest_reviews.config.first_day: day is out of range for month, found",
        ),
        ({"ops": None}, "ops must be a mapping, found nothing. Correct it."),
        (
            {"ops": {"ials_model": {"config": {"factors": "x", "regularization": 0.5}}}},
            "ops.ials_model.config.factors must be a whole number, found 'x'. Correct it.\n"
            "ops.ials_model.config.regularization must be a list, found 0.5. Correct it.",
        ),
        (
            {"ops": {"ials_model": {"config": {"refit": 3}}}},
            "ops.ials_model.config.refit must be true or false, found 3. Correct it.",
        ),
        (
            {"resources": {"engine": {"config": {"kind": "flink"}}}},
            "resources.engine.config.kind must be duckdb or spark, found 'flink'. Correct it.",
        ),
        (
            {"ops": {"metrics": {"config": {"ks": [1]}}}},
            "no 'metrics' in ops. metrics is made by evaluation, whose settings have that name.",
        ),
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


def test_numbers_and_encodings_that_people_write_are_read(tmp_path: Path) -> None:
    """5e-4 is a text in YAML 1.1, and editors on Windows put a byte order mark before the text."""
    file = tmp_path / "run.yaml"
    file.write_bytes(b"\xef\xbb\xbfrates: [5e-4, 1E6, -2.5e+3, 5.0e-4]\nname: 5e\n")
    assert read_config(file) == {"rates": [5e-4, 1e6, -2500.0, 5e-4], "name": "5e"}
    file.write_bytes("rates: 1".encode("utf-16"))
    with pytest.raises(click.ClickException, match="must be text in UTF-8, found UTF-16"):
        read_config(file)


def test_a_key_without_settings_is_as_if_it_were_not_there() -> None:
    """What YAML makes of `ops:` and of `seed_ranks:` is nothing, which an option adds to."""
    expected = {"ops": {"seed_ranks": {"config": {"seeds": 1}}}}
    for config in ({"ops": None}, {"ops": {"seed_ranks": None}}):
        assert with_seeds(config, 1) == expected


def test_values_to_try_ascend_by_default() -> None:
    """So that a search that goes to the next value goes on in one direction."""
    for model in MODELS.values():
        defaults = model.config_type().model_dump()
        assert model.config_type.model_validate(defaults).model_dump() == defaults


def test_processes_are_a_setting_of_the_executor() -> None:
    """None leaves the configuration as it is; what it says already is not said twice."""
    given = {"ops": {"negatives": {"config": {"n_negatives": 3}}}}
    several = {"config": {"multiprocess": {"max_concurrent": 2}}}
    assert with_processes(given, None) == given
    assert with_processes(given, 1) == given | {"execution": {"config": {"in_process": {}}}}
    assert with_processes(given, 2) == given | {"execution": several}
    with pytest.raises(click.UsageError, match="Take it out of --config"):
        with_processes({"execution": several}, 2)
