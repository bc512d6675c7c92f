"""HR and NDCG of all models side by side, as commands and the UI show them."""

import pandas as pd

from ncf_assets.ncf.evaluation.headline import headline_k


def metrics_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each model, the best by NDCG among all unseen items first.

    `rows` are metrics of all users of one dataset. There is a column for each metric and protocol,
    at the dataset's `headline_k`; estimated figures are left out. Sampled metrics may reverse the
    order of models.
    """
    figures = rows.query("metric in ('hr', 'ndcg') and not protocol.str.endswith('-corrected')")
    figures = figures[figures["k"] == headline_k(figures["k"])]
    k = figures["k"].astype(str)
    heading = figures["metric"].str.upper() + "@" + k + " " + figures["protocol"]
    wide = figures.assign(heading=heading).pivot(index="model", columns="heading", values="value")
    ndcg = [name for name in wide.columns if name.startswith("NDCG") and name.endswith("full")]
    return wide.sort_values(ndcg, ascending=False).rename_axis(columns=None).reset_index()
