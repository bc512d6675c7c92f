"""Compare the models over all datasets, as the view `leaderboard_summary` does."""

from typing import TYPE_CHECKING

import duckdb

from ncf_assets.warehouse.views import LEADERBOARD_SUMMARY, of_file

if TYPE_CHECKING:
    import pandas as pd


def summarize(leaderboard: "pd.DataFrame") -> "pd.DataFrame":
    """Return the view's rows for rows of the table `leaderboard`."""
    with duckdb.connect() as connection:
        connection.register("leaderboard", leaderboard)
        summary: pd.DataFrame = connection.sql(of_file(LEADERBOARD_SUMMARY).select).df()
    return summary
