"""The assets' default configuration, as a run without one of its own has it."""

from typing import Any, TypeVar

import dagster as dg

Config = TypeVar("Config", bound=dg.Config)


def configuration(config_type: type[Config], **changed: Any) -> Config:
    """The defaults, but for what is changed."""
    return config_type(**changed)
