"""`--config FILE`: the run configuration of commands that materialize."""

from pathlib import Path
from typing import Any

import click
import yaml

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run configuration as YAML, as in the launchpad of the Dagster UI.",
)


def read_config(file: Path | None) -> dict[str, Any]:
    """The run configuration in a YAML file; empty without one."""
    if file is None:
        return {}
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise click.ClickException(f"{file} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise click.ClickException(
            f"{file} must be a mapping such as `ops: {{ials_model: {{config: {{factors: 64}}}}}}`,"
            f" found {type(config).__name__}"
        )
    return config
