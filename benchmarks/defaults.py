"""Give the benchmarks the assets' default configuration, as a run without a config has it."""

from typing import Any, TypeVar

import dagster as dg

Config = TypeVar("Config", bound=dg.Config)


def configuration(config_type: type[Config], **changed: Any) -> Config:
    """Return the default configuration with some settings changed."""
    return config_type(**changed)
