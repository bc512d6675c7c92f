"""The caveats name what the data of a report cannot show."""

from dataclasses import replace

import pytest

from ncf_assets.report import Choice
from ncf_assets.report.caveats import SAMPLED, SYNTHETIC, caveats
from ncf_assets.report.seeds import ONE
from ncf_assets_tests.report.drawn import DATA, model


def test_synthetic_data_is_the_first_caveat() -> None:
    """A report on real data does not have that caveat."""
    assert caveats(replace(DATA, synthetic=True))[0] == SYNTHETIC
    assert SYNTHETIC not in caveats(DATA)


@pytest.mark.parametrize(("neighbors", "said"), [(200, True), (0, False)])
def test_ease_without_all_its_weights_is_a_caveat(neighbors: int, said: bool) -> None:
    """0 stands for all other items."""
    choice = Choice("ease", {"neighbors": neighbors}, {"neighbors": [neighbors]}, 1, [])
    found = [text for text in caveats(replace(DATA, choices=[choice])) if "EASE" in text]
    expected = (
        "There are too many items for all weights of EASE: each item has weights of its 200 most"
        " similar others alone."
    )
    assert found == [expected] * said


@pytest.mark.parametrize(
    ("distinct", "lowest", "said"),
    [
        (1, None, "with label 1, as the data has no ratings that differ: a model"),
        (5, None, "with label 1, whatever its rating: a model"),
        (5, 4.0, "with label 1, whatever its rating from 4.0 on: a model"),
    ],
)
def test_labels_are_explained_by_the_ratings_that_there_are(
    distinct: int, lowest: float | None, said: str
) -> None:
    """Plays have none, and a filter leaves low ones out."""
    configuration = {"latest_reviews": {"min_rating": lowest}}
    data = replace(DATA, profile={"distinct_ratings": distinct}, configuration=configuration)
    assert said in " ".join(caveats(data))


def test_few_users_are_a_caveat_and_many_are_not() -> None:
    """1,234 users are few, and 10,000 are not."""
    many = [replace(row, n_users=10_000) for row in DATA.metrics]
    assert any(text.startswith("1,234 test users only") for text in caveats(DATA))
    assert not any("only: the" in text for text in caveats(replace(DATA, metrics=many)))


def test_an_arbitrary_split_is_a_caveat_with_its_share() -> None:
    """44 % are tied, which deserves a sentence; 5 % do not."""
    assert any(text.startswith("Of 44 % of the test users") for text in caveats(DATA))
    few = replace(DATA, profile={"tied_users": 0.05})
    assert not any("seeded hash" in text for text in caveats(few))


def test_sampled_figures_are_warned_of_where_there_are_any() -> None:
    """Any report warns that it is of one run."""
    full_only = caveats(replace(DATA, metrics=model("neumf", 0.3)))
    assert SAMPLED in caveats(DATA)
    assert SAMPLED not in full_only
    assert ONE in full_only


def test_leave_one_out_says_how_much_is_learnt_from_the_future() -> None:
    """A share of .43; a time split has none of it, and a caveat of its own."""
    known = replace(DATA, profile={"split": "leave_one_out", "later_known": 0.43})
    assert any("fitted to, 43 % is later than the test item" in text for text in caveats(known))
    profile = {"split": "time_split", "targets": "all", "later_known": 0.0, "tied_users": 0.5}
    found = caveats(replace(DATA, profile=profile))
    assert any(text.startswith("One cut in time is one sample") for text in found)
    assert not any("other users' future" in text or "seeded hash" in text for text in found)


def test_lists_that_chance_fills_are_a_caveat() -> None:
    """Among 9 random items a list of 5 has half of all ten, and among 25 in all 20 are enough."""
    few = [*model("neumf", 0.3, "sampled-9"), *model("neumf", 0.3)]
    found = " ".join(caveats(replace(DATA, metrics=few, profile={"items": 25})))
    assert "Lists of 5 items say little among 9 random items: chance alone" in found
    assert "held-out item on 50 % of them. Read NDCG, or rank more items." in found
    assert "Lists of 20 items say little among all unseen items" in found
    assert not any("say little" in text for text in caveats(DATA))
