"""HR and NDCG of all models side by side, as commands and the UI show them."""

import pandas as pd

from ncf_assets.ncf.evaluation.metrics import headline_k


def metrics_table(rows: pd.DataFrame, index: list[str], between: str) -> pd.DataFrame:
    """Return a row for each `index`, and a column for each metric `between` and protocol.

    They are at each dataset's `headline_k`. Estimated figures are left out.
    """
    figures = rows.query("metric in ('hr', 'ndcg') and not protocol.str.endswith('-corrected')")
    of_one = figures["dataset"] if "dataset" in index else pd.Series("", figures.index)
    figures = figures[figures["k"] == figures["k"].groupby(of_one).transform(headline_k)]
    k = figures["k"].astype(str)
    heading = figures["metric"].str.upper() + "@" + k + between + figures["protocol"]
    return figures.assign(heading=heading).pivot(index=index, columns="heading", values="value")


def best_first(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table of one dataset's models, the best by NDCG among all unseen items first.

    Sampled metrics may reverse the order of models.
    """
    wide = metrics_table(metrics.query("segment == 'all'"), ["model"], " ")
    ndcg = [name for name in wide.columns if name.startswith("NDCG") and name.endswith("full")]
    return wide.sort_values(ndcg, ascending=False).rename_axis(columns=None).reset_index()
