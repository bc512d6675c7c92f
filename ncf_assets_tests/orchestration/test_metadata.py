"""What the UI shows of tables."""

import pandas as pd

from ncf_assets.orchestration.metadata import table_metadata


def test_a_preview_has_nulls_as_nothing_and_four_digits() -> None:
    """The UI says "Could not parse record" of one that has NaN, which is no JSON."""
    frame = pd.DataFrame(
        {
            "value": [0.0123456, None],
            "large": [12_345.0, None],
            "n": pd.array([12_345, None], dtype="Int64"),
            "text": ["a", None],
            "time": [pd.Timestamp("2014-05-14"), None],
            "list": [[1, 2], None],
        }
    )
    first, second = (record.data for record in table_metadata(frame).records)
    assert first == {
        "value": "0.01235", "large": "12345", "n": "12345", "text": "a",
        "time": "2014-05-14 00:00:00", "list": "[1, 2]",
    }  # fmt: skip
    assert set(second.values()) == {""}
