"""Tie a folder of Dagster's history to one data folder, with a note that names the latter.

Runs that are shown next to the tables of another data folder would seem to have made them.
"""

import os
from pathlib import Path

from ncf_assets.warehouse.paths import data_dir, data_url

NOTE = "data-folder"


def history_folder() -> Path:
    """Return the folder of Dagster's history: DAGSTER_HOME, else `dagster` in the data folder."""
    return Path(os.environ.get("DAGSTER_HOME") or data_dir() / "dagster")


def check_history() -> None:
    """Raise ValueError if the history is that of another data folder."""
    home, name = history_folder(), _name()
    if _is_within(home):
        return  # moved or copied together
    other = _noted(home)
    if other and other != name:
        raise ValueError(
            f"DAGSTER_HOME {home} is the history of the data folder {other}, and the data folder"
            f" here is {name}. Set NCF_DATA_DIR to the first, or DAGSTER_HOME to another folder. If"
            f" the data has been moved, remove {home / NOTE}."
        )


def tie_history() -> None:
    """Write the note, after `check_history`."""
    home, name = history_folder(), _name()
    if _noted(home) != name or not (home / NOTE).exists():
        (home / NOTE).write_text(f"{name}\n", encoding="utf-8")


def _name() -> str:
    """Return what all machines that share the data call it."""
    return data_url() or str(data_dir())


def _is_within(home: Path) -> bool:
    return home.resolve() == data_dir() / "dagster"


def _noted(home: Path) -> str | None:
    """Return the data folder of a history; one within a data folder is that folder's."""
    try:
        return (home / NOTE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        is_default = home.name == "dagster" and (home.parent / "locks").is_dir()
        return str(home.parent.resolve()) if is_default else None
