"""Tabulate the models from outside: which file each one's scores come from."""

from collections.abc import Mapping

from ncf_assets.report.data import Outside, model_name
from ncf_assets.report.text_table import TextTable

NOTE = (
    "These models were made elsewhere, and are ranked here by the scores in a file, on the same "
    "candidates and by the same code as all others. An item that a user's rows leave out is below "
    "all that they have, and ties with the others. What a model was fitted to, and by what its "
    "settings were chosen, is not known here: it may have seen the test items."
)


def outside_table(outside: Mapping[str, Outside]) -> TextTable:
    """Return a row for each model from outside."""
    rows = [
        (model_name(model), of.file, of.column, of.sha256, f"{of.rows:,}")
        for model, of in outside.items()
    ]
    return TextTable(("Model", "File", "Ordered by", "SHA-256 of the file", "Rows"), rows, names=4)
