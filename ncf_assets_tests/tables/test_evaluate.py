"""Diversity on small tables, worked by hand."""

import pytest

from ncf_assets_tests.drawn import select


def test_diversity_by_hand() -> None:
    """Of 2 users, 2, 1, 1 and none have the items a, b, c and d in train.

    Among the first 10, a is shown once and b three times; c and d are never shown.
    Coverage is 2 / 4. The Gini index of 0, 0, 1, 3 is (-3·0 - 1·0 + 1·1 + 3·3) / (4 · 4).
    Novelty: a has log2(2/2) = 0 bits and b has log2(2/1) = 1, so it is (1 · 0 + 3 · 1) / 4.
    At position 15 d is shown, too; nobody has it, which counts as if one user had it: 1 bit.
    Then the counts are 0, 1, 1, 3: coverage is 3 / 4, Gini is
    (-3·0 - 1·1 + 1·1 + 3·3) / (4 · 5), and novelty is (1 · 0 + 3 · 1 + 1 · 1) / 5.
    """
    shown = [("ann", 1, "a"), ("ann", 2, "b"), ("ben", 1, "b"), ("cem", 10, "b"), ("cem", 15, "d")]
    drawn = {
        "items": [(item, item_id, 1) for item, item_id in enumerate("abcd")],
        "train": [(0, 0, 1, 4, 5.0), (1, 0, 1, 4, 5.0), (0, 1, 2, 3, 5.0), (1, 2, 2, 3, 5.0)],
        "recommendations": [(*row, 1.0, "neumf") for row in shown],
    }
    expected = {
        ("coverage", 10): 1 / 2,
        ("coverage", 20): 3 / 4,
        ("gini", 10): 10 / 16,
        ("gini", 20): 9 / 20,
        ("novelty", 10): 3 / 4,
        ("novelty", 20): 4 / 5,
    }
    rows = select("diversity", drawn)
    assert [row[:3] for row in rows] == [("neumf", *key) for key in expected]
    assert {row[1:3]: row[3] for row in rows} == pytest.approx(expected)
