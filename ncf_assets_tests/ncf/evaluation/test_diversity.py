"""What lists look like, by hand."""

import numpy as np
import pytest

from ncf_assets.ncf.evaluation import diversity

HISTORIES = np.array([2, 1, 1, 0])  # of 2 users


def test_figures_by_hand() -> None:
    """Three users are shown items 0 and 1, 1, and 1: counts 1, 3, 0, 0.

    Coverage is 2 / 4. The Gini index of 0, 0, 1, 3 is (-3·0 - 1·0 + 1·1 + 3·3) / (4 · 4). Item 0
    has log2(2/2) = 0 bits, item 1 has log2(2/1) = 1; their shares of users are 1 and 1/2.
    Popularity shows all of them item 0 first: overlap is 1/2, 0 and 0.
    """
    lists = np.array([[0, 1], [1, -1], [1, -1]])
    popular = np.array([[0, 2], [0, 2], [0, 2]])
    assert diversity.figures(lists, popular, HISTORIES, 2, 2) == pytest.approx(
        {
            "coverage": 1 / 2,
            "gini": 10 / 16,
            "novelty": 3 / 4,
            "popularity": (1 + 3 / 2) / 4,
            "overlap": 1 / 6,
        }
    )


def test_users_who_are_shown_nothing_do_not_count() -> None:
    """Lists from outside may end before they begin: overlap is that of the other user, 1 / 2.

    A model that shows nobody anything has no figures.
    """
    lists, popular = np.array([[0, 1], [-1, -1]]), np.array([[0, 2], [0, 2]])
    found = diversity.figures(lists, popular, HISTORIES, 2, 2)
    assert (found["overlap"], found["coverage"]) == (1 / 2, 1 / 2)
    of_models = {"popularity": popular, "nothing": np.full((2, 2), -1)}
    rows = diversity.rows(of_models, "popularity", HISTORIES, 2, (2,))
    assert {model for model, *_ in rows} == {"popularity"}


def test_only_the_first_of_a_list_count() -> None:
    """Of two, the first is item 3, which nobody has: it counts as if one of 2 users had, 1 bit."""
    found = diversity.figures(np.array([[3, 0]]), np.array([[0, 3]]), HISTORIES, 2, 1)
    assert (found["coverage"], found["novelty"], found["overlap"]) == (1 / 4, 1, 0)
    assert found["popularity"] == 0


def test_equal_counts_have_no_gini_and_a_single_one_has_the_most() -> None:
    """Of n items of which one has everything it is 1 - 1 / n."""
    assert diversity.gini(np.array([3, 3, 3])) == 0
    assert diversity.gini(np.array([0, 0, 0, 5])) == pytest.approx(3 / 4)


def test_popularity_is_its_own_list() -> None:
    """Its overlap is 1; rows come by model and k."""
    lists = {"popularity": np.array([[0, 1]]), "ease": np.array([[0, 2]])}
    rows = diversity.rows(lists, "popularity", HISTORIES, 2, (1, 2))
    overlaps = [(model, k, value) for model, metric, k, value in rows if metric == "overlap"]
    assert overlaps == [
        ("ease", 1, 1),
        ("ease", 2, 0.5),
        ("popularity", 1, 1),
        ("popularity", 2, 1),
    ]
