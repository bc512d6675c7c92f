"""Each check runs on a drawn table that keeps its rule, and on one that breaks it."""

import math
from importlib import resources

import pytest

from ncf_assets.checks import checks, parse
from ncf_assets.tables import tables
from ncf_assets_tests.drawn import Rows, database

USERS = [(0, "ann", 3), (1, "ben", 2)]
INTERACTIONS = [
    (0, 0, 1, 3, 5.0, 10),
    (0, 1, 2, 2, 4.0, 20),
    (0, 2, 3, 1, 3.0, 30),
    (1, 0, 1, 2, 5.0, 10),
    (1, 3, 2, 1, 5.0, 20),
]
METRIC = ("neumf", "sampled-99", "all")
ONE_SEED = (1, None)  # its deviation is null
SEEDS = {1: 0.4, 2: 0.6}  # the deviation of these figures is √.02
SOUND: dict[str, Rows] = {
    # a tiny data set in which every rule is kept
    "raw_reviews": [(1, "ann", "cap", 5.0, 10), (3, "ben", "hat", 1.0, 20)],
    "rejected_reviews": [(2, "blank line", "")],
    "latest_reviews": [("ann", "cap", 5.0, 10), ("ben", "hat", 1.0, 20)],
    "filters": [(1, "min_rating 4", 1, 0, 0)],
    "users": USERS,
    "items": [(0, "cap", 2), (1, "hat", 1), (2, "tie", 1), (3, "bag", 1)],
    "interactions": INTERACTIONS,
    "split_rule": [("leave_one_out", "last", None, None)],
    "train": [(0, 0, 1, 3, 5.0), (1, 0, 1, 2, 5.0), (1, 3, 2, 1, 5.0)],
    "validation": [(0, 1, 2, 2, 4.0)],
    "test": [(0, 2, 3, 1, 3.0)],
    "negatives": [(0, 1, 3)],
    "test_candidates": [(0, 0, 2, 3.0), (0, 1, 3, 0.0)],
    "training_history": [
        ("gmf", "choose", 0, None, 0.1, 0.05),
        ("gmf", "choose", 1, 0.7, 0.2, 0.1),
        ("gmf", "test", 0, None, None, None),
    ],
    "tuning_trials": [
        ("ease", 0, "complete", 0.3, None, None, 1.5, "{}"),
        ("neumf", 0, "complete", 0.3, 0.5, 2, 1.5, "{}"),
        ("neumf", 1, "pruned", None, None, None, 0.5, "{}"),
    ],
    "popularity_scores": [("popularity", item, 1.0) for item in range(4)],
    # ann has not rated item 3: two candidates, sampled or not
    "test_ranks": [
        (model, protocol, 0, 2, 2, 1, 0)
        for model in ("neumf", "popularity")
        for protocol in ("full", "sampled-1")
    ],
    "seed_ranks": [
        ("neumf", seed, protocol, 0, 2, 2, 2 - seed, 0)
        for seed in SEEDS
        for protocol in ("full", "sampled-1")
    ],
    "seed_metrics": [
        ("neumf", seed, "sampled-99", metric, 10, value)
        for seed, value in SEEDS.items()
        for metric in ("hr", "ndcg")
    ],
    "outside_ranks": [("theirs", protocol, 0, 2, 2, 0, 1) for protocol in ("full", "sampled-1")],
    "outside_diversity": [
        ("theirs", metric, k, 0.5)
        for metric in ("coverage", "gini", "novelty", "overlap", "popularity")
        for k in (10, 20)
    ],
    "recommendations": [("ann", 1, "bag", 2.5, "neumf"), ("ben", 1, "hat", 2.5, "neumf")],
    "popular_items": [(1, "cap", 2.0), (2, "bag", 1.0), (3, "hat", 1.0), (4, "tie", 1.0)],
    "item_similarities": [
        ("cap", 1, "hat", 0.9),
        ("hat", 1, "cap", 0.9),
        ("tie", 1, "bag", -0.1),
        ("bag", 1, "tie", -0.1),
    ],
    "example_lists": [(0, "neumf", 1, 3), (0, "popularity", 1, 3)],
    "item_details": [("cap", "A flat cap", None, "Hats > Caps", 9.5)],
    "item_weights": [
        (0, 1, 1, 0.5, "ease", 2.0),
        (0, 2, 3, 0.1, "ease", 2.0),
        (1, 1, 0, 0.5, "ease", 2.0),
    ],
    "metrics": [
        # few users: no interval
        (model, "sampled-99", segment, metric, 10, value, None, None, 1, *seeds)
        # hits at rank 1
        for model, value, seeds in (
            ("neumf", 0.5, (2, 0.02**0.5)),
            ("popularity", 0.4, ONE_SEED),
            ("theirs", 0.4, ONE_SEED),
        )
        for segment in ("all", "history 1-2", "popularity 1-4")
        for metric in ("hr", "ndcg")
    ],
    "data_profile": [
        (
            *(3, 1, 0, 1.0, 5.0, 2, 0, 0, 0, 2, 4, 2, 0.25, 1.0, 1.0),
            *("leave_one_out", "last", None, None, 2, 0, 0, 0, 0, 0, 0, 0, 0.0),
            *(0.0, 0.0, 10, 20),
        )
    ],
    "leaderboard": [
        (
            "Sample",
            *METRIC[:2],
            "hr",
            10,
            0.5,
            0.4,
            0.6,
            1,
            *ONE_SEED,
            None,
            None,
            "a.html",
            "c",
            "current",
        )
    ],
    "comparisons": [
        (
            "neumf",
            baseline,
            "sampled-99",
            metric,
            10,
            0.1,
            None,
            None,
            None,
            0.02,
            1,
            None,
            "undecided",
        )
        for baseline in ("popularity", "theirs")
        for metric in ("hr", "ndcg")
    ],
    "diversity": [
        ("popularity", metric, k, 0.5)
        for metric in ("coverage", "gini", "novelty", "overlap", "popularity")
        for k in (10, 20)
    ],
}


def figures(**values: float) -> Rows:
    """Return rows of metrics of 30 users with intervals of 0.1 to either side."""
    return [(*METRIC, name, 10, v, v - 0.1, v + 0.1, 30, *ONE_SEED) for name, v in values.items()]


def differences(difference: float, low: float | None, high: float | None, users: int) -> Rows:
    """Return rows of comparisons."""
    figures = (difference, low, high, 0.1, 0.02, users, 0.0, "undecided")
    return [("neumf", "popularity", "sampled-99", m, 10, *figures) for m in ("hr", "ndcg")]


BROKEN: list[tuple[str, str, Rows]] = [
    # check, the table that is replaced, its rows
    ("raw_reviews_not_empty", "raw_reviews", []),
    ("raw_reviews_valid", "raw_reviews", [(1, "ann", "cap", math.inf, 10)]),
    ("raw_reviews_valid", "raw_reviews", [(1, "", "cap", 5.0, 10)]),
    ("rejected_reviews_complete", "rejected_reviews", []),  # line 2 is lost
    ("rejected_reviews_complete", "rejected_reviews", [(3, "blank line", "")]),  # line 3 twice
    ("rejected_reviews_below_limit", "rejected_reviews", [(n, "bad", "") for n in (2, 4, 5)]),
    ("rejected_reviews_few", "rejected_reviews", [(n, "bad", "") for n in (2, 4, 5)]),
    ("users_dense", "users", [(0, "ann", 3), (2, "ben", 2)]),  # 1 is left out
    ("users_dense", "users", [(0, "ann", 3), (1, "ann", 2)]),  # one id, two numbers
    ("items_dense", "items", [(1, "cap", 1)]),
    ("interactions_complete", "interactions", INTERACTIONS[1:]),
    ("interactions_complete", "interactions", [*INTERACTIONS[:4], (1, 3, 2, 2, 5.0, 20)]),
    ("train_complete", "train", [(0, 0, 1, 3, 5.0), (1, 0, 1, 2, 5.0)]),  # ben's second is missing
    ("train_before_validation", "split_rule", [("time_split", "all", 20, 30)]),  # ben's at 20
    ("validation_before_test", "split_rule", [("time_split", "all", 10, 20)]),  # ann's at 20
    ("test_after_cut", "split_rule", [("time_split", "all", 20, 31)]),  # ann's at 30
    ("split_rule_times", "split_rule", [("time_split", "all", None, 30)]),
    ("split_rule_times", "split_rule", [("time_split", "all", 30, 30)]),
    ("split_rule_times", "split_rule", [("leave_one_out", "last", None, 30)]),
    ("validation_complete", "validation", [(0, 1, 2, 2, 4.0), (0, 2, 3, 1, 3.0)]),
    ("validation_complete", "validation", []),
    ("validation_not_in_train", "validation", [(0, 0, 1, 2, 5.0)]),
    ("test_complete", "test", [(0, 2, 3, 1, 3.0), (1, 3, 2, 1, 5.0)]),  # ben has only 2
    ("test_complete", "test", []),
    ("test_not_empty", "test", []),
    ("validation_not_empty", "validation", []),
    ("test_not_in_train", "test", [(0, 0, 1, 1, 5.0)]),
    ("test_not_in_validation", "test", [(0, 1, 2, 1, 4.0)]),
    ("negatives_distinct", "negatives", []),  # none for ann
    ("negatives_distinct", "negatives", [(0, 2, 3)]),  # does not begin at 1
    ("negatives_distinct", "negatives", [*SOUND["negatives"], (0, 2, 3)]),  # 3 twice
    ("negatives_distinct", "negatives", [*SOUND["negatives"], (1, 1, 2)]),  # not held out
    ("negatives_unseen", "negatives", [(0, 1, 0)]),
    ("test_candidates_positives_first", "test_candidates", [(0, 1, 3, 0.0)]),
    ("test_candidates_positives_first", "test_candidates", [(0, 0, 2, 3.0), (0, 1, 2, 0.0)]),
    ("test_candidates_positives_first", "test_candidates", []),  # ann has no list
    ("test_candidates_positives_first", "test_candidates", [(0, 0, 1, 3.0), (0, 1, 3, 0.0)]),  # 2
    (
        "test_candidates_positives_first",
        "test_candidates",
        [*SOUND["test_candidates"], (1, 0, 3, 1.0), (1, 1, 2, 0.0)],  # ben is no test user
    ),
    ("popularity_scores_every_item", "popularity_scores", [("popularity", 0, 1.0)]),
    ("training_history_starts_at_zero", "training_history", SOUND["training_history"][1:]),
    (
        "training_history_starts_at_zero",
        "training_history",  # the second fit has no epoch 1
        [*SOUND["training_history"], ("gmf", "test", 2, 0.7, None, None)],
    ),
    (
        "tuning_trials_complete_have_figures",
        "tuning_trials",
        [("neumf", 0, "complete", *[None] * 4, "{}")],
    ),
    (
        "tuning_trials_complete_have_figures",
        "tuning_trials",
        [("neumf", 0, "complete", 0.5, 0.3, 1, 1.0, "{}")],  # NDCG above HR
    ),
    (
        "tuning_trials_complete_have_figures",
        "tuning_trials",
        [("neumf", 0, "complete", 0.3, None, 1, 1.0, "{}")],  # a network without a hit ratio
    ),
    ("test_ranks_within_list", "test_ranks", [("neumf", "sampled-1", 0, 2, 2, 1, 1)]),
    (
        "test_ranks_every_user",
        "test_ranks",
        [("neumf", "sampled-1", 0, 2, 2, 1, 0)],
    ),  # full is missing
    (
        "test_ranks_every_user",
        "test_ranks",
        [("neumf", "full", 0, 2, 2, 1, 0)],
    ),  # sampled is missing
    (
        "test_ranks_every_user",
        "test_ranks",
        # all 4 items, though ann has rated 3: seen items were not left out
        [("neumf", "full", 0, 2, 4, 1, 0), ("neumf", "sampled-1", 0, 2, 2, 1, 0)],
    ),
    ("outside_ranks_within_list", "outside_ranks", [("theirs", "sampled-1", 0, 2, 2, 1, 1)]),
    ("outside_ranks_every_user", "outside_ranks", [("theirs", "full", 0, 2, 2, 0, 1)]),
    ("outside_diversity_in_range", "outside_diversity", [("theirs", "gini", 10, 0.5)]),
    ("test_ranks_few_ties", "test_ranks", [("mlp", "full", 0, 2, 101, 0, 100)]),  # a constant
    ("seed_ranks_every_item", "seed_ranks", SOUND["seed_ranks"][1:]),  # one is missing
    ("seed_ranks_every_item", "seed_ranks", SOUND["seed_ranks"][2:]),  # none is the model's own
    (
        "seed_ranks_every_item",
        "seed_ranks",
        [*SOUND["seed_ranks"][:3], ("neumf", 2, "sampled-1", 0, 2, 3, 0, 0)],  # another list
    ),
    ("seed_metrics_average", "seed_metrics", SOUND["seed_metrics"][:2]),  # one seed of two
    ("seed_metrics_average", "seed_metrics", []),
    ("seed_metrics_average", "metrics", figures(hr=0.5, ndcg=0.5)),  # two seeds are not one
    (
        "seed_metrics_average",
        "seed_metrics",
        [*SOUND["seed_metrics"][:3], ("neumf", 2, "sampled-99", "ndcg", 10, 0.5)],  # a mean of .45
    ),
    (
        "seed_metrics_average",
        "metrics",
        [(*row[:-1], 0.1) if row[-1] else row for row in SOUND["metrics"]],  # deviates by √.02
    ),
    ("recommendations_unseen", "recommendations", [("ann", 1, "tie", 2.5, "neumf")]),
    ("recommendations_every_user", "recommendations", [("ann", 1, "bag", 2.5, "neumf")]),  # no ben
    (
        "recommendations_every_user",
        "recommendations",
        [("ann", 2, "bag", 2.5, "neumf"), ("ben", 1, "hat", 2.5, "neumf")],  # begins at 2
    ),
    (
        "recommendations_best_first",
        "recommendations",
        [("ben", 1, "hat", 2.5, "neumf"), ("ben", 2, "tie", 2.6, "neumf")],
    ),
    ("popular_items_complete", "popular_items", [(1, "cap", 2.0)]),  # of 4 items
    (
        "popular_items_complete",
        "popular_items",
        [(place, f"other {place}", 1.0) for place in range(1, 21)],  # cap has 2
    ),
    ("item_similarities_every_item", "item_similarities", [("cap", 1, "hat", 0.9)]),
    (
        "item_similarities_every_item",
        "item_similarities",
        [("cap", 1, "cap", 1.0), *SOUND["item_similarities"][1:]],
    ),
    ("item_weights_positive", "item_weights", [(0, 1, 1, -0.5, "ease", 2.0)]),
    ("item_weights_positive", "item_weights", [(0, 1, 0, 0.5, "ease", 2.0)]),  # itself
    (
        "item_weights_positive",
        "item_weights",
        [*SOUND["item_weights"], (2, 1, 0, 0.5, "itemknn", 2.0)],
    ),
    ("metrics_ndcg_fits_hr", "metrics", figures(hr=0.5, ndcg=0.6)),  # above HR
    ("metrics_ndcg_fits_hr", "metrics", figures(hr=0.5, ndcg=0.1444)),  # below .2891 · HR
    ("metrics_in_range", "metrics", figures(hr=1.2)),
    (
        "metrics_in_range",
        "metrics",
        [(*METRIC, "hr", 10, 0.5, 0.6, 0.7, 30, *ONE_SEED)],
    ),  # value below it
    (
        "metrics_in_range",
        "metrics",
        [(*METRIC, "hr", 10, 0.5, 0.4, 0.6, 29, *ONE_SEED)],
    ),  # too few users
    ("metrics_in_range", "metrics", [(*METRIC, "hr", 10, 0.5, None, 0.6, 30, *ONE_SEED)]),
    (
        "metrics_in_range",
        "metrics",
        [
            ("neumf", "sampled-99-corrected", "all", "hr", 10, -0.1, -0.2, 0.1, 30, *ONE_SEED)
        ],  # an interval
    ),
    ("metrics_every_model", "metrics", figures(hr=0.5)),  # none of popularity
    ("metrics_every_model", "metrics", []),
    ("metrics_every_model", "outside_ranks", [("other", "full", 0, 2, 2, 0, 1)]),
    ("metrics_every_user_once", "metrics", figures(hr=0.5)),  # no bins
    (
        "metrics_every_user_once",
        "metrics",
        # once more
        [*SOUND["metrics"], (*METRIC[:2], "cold", "hr", 10, 0.5, None, None, 1, *ONE_SEED)],
    ),
    ("comparisons_are_differences", "comparisons", SOUND["comparisons"][1:]),  # hr is missing
    (
        "comparisons_are_differences",
        "comparisons",
        differences(0.2, None, None, 1),
    ),
    (
        "comparisons_are_differences",
        "comparisons",
        differences(0.1, 0.2, 0.3, 30),  # outside of its interval
    ),
    ("comparisons_are_differences", "comparisons", differences(0.1, None, None, 30)),
    ("comparisons_are_differences", "comparisons", differences(0.1, 0.0, 0.2, 29)),
    ("diversity_in_range", "diversity", SOUND["diversity"][1:]),  # one is missing
    (
        "diversity_in_range",
        "diversity",
        [*SOUND["diversity"][1:], ("popularity", "coverage", 10, 1.1)],
    ),
    (
        "diversity_in_range",
        "diversity",
        [*SOUND["diversity"][:-1], ("popularity", "gini", 20, -1.0)],
    ),
    ("diversity_in_range", "diversity", []),
]
# one of each list is asked for; one rejected line of three passes, three of five do not
PARAMETERS = {
    "n_negatives": 1,
    "max_rejected_share": 0.5,
    "neighbors": 1,
    "top_k": 1,
    "warn_rejected_share": 0.5,
}
BY_NAME = {check.name: check for found in checks().values() for check in found}


def failing(name: str, drawn: dict[str, Rows]) -> Rows:
    """Return the rows that a check returns, which reads no other tables than it says."""
    check = BY_NAME[name]
    with database({table: drawn[table] for table in (check.table, *check.reads)}) as connection:
        parameters = {parameter: PARAMETERS[parameter] for parameter in check.parameters}
        return connection.execute(check.query, parameters or None).fetchall()


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sound_data_set_passes(name: str) -> None:
    """No check finds a row."""
    assert failing(name, SOUND) == []


@pytest.mark.parametrize(("name", "table", "rows"), BROKEN)
def test_a_broken_rule_is_found(name: str, table: str, rows: Rows) -> None:
    """The check returns at least one row."""
    assert failing(name, SOUND | {table: rows})


@pytest.mark.parametrize("table", tables())
def test_a_repeated_row_breaks_the_key(table: str) -> None:
    """Each table's rows are there twice."""
    assert failing(f"{table}_key_is_unique", {table: SOUND[table] * 2})


def test_ties_of_a_few_users_pass() -> None:
    """One of 20 users is 0.05, which passes; 2 of 21 are 0.095, which does not.

    Without a history, the second one does not count.
    """
    known: dict[str, Rows] = {
        "train": [(user, 0, 1, 3, 5.0) for user in range(20)],
        "validation": [(20, 0, 1, 2, 5.0)],
    }
    untied = [("mlp", "full", user, 2, 101, 0, 0) for user in range(1, 20)]
    tied = [("mlp", "full", user, 2, 101, 0, 100) for user in (0, 20)]
    assert failing("test_ranks_few_ties", {**known, "test_ranks": [*untied, tied[0]]}) == []
    assert len(failing("test_ranks_few_ties", {**known, "test_ranks": [*untied, *tied]})) == 1
    unknown: dict[str, Rows] = {**known, "validation": []}
    assert failing("test_ranks_few_ties", {**unknown, "test_ranks": [*untied, *tied]}) == []


def test_baselines_may_tie() -> None:
    """Many items are equally popular."""
    tied: Rows = [("popularity", "full", 0, 2, 9, 0, 8)]
    assert failing("test_ranks_few_ties", SOUND | {"test_ranks": tied}) == []


def test_estimates_may_lie_outside_the_range() -> None:
    """A corrected value may be below 0, and NDCG may be above HR."""
    rows = [
        ("neumf", "sampled-99-corrected", "all", name, 10, value, None, None, 30, *ONE_SEED)
        for name, value in (("hr", -0.2), ("ndcg", -0.1))
    ]
    for name in ("metrics_in_range", "metrics_ndcg_fits_hr"):
        assert failing(name, SOUND | {"metrics": rows}) == []


def at_two_lengths(hr_5: float, ndcg_5: float, hr_10: float, ndcg_10: float) -> Rows:
    """Return figures at k = 5 and k = 10."""
    values = {("hr", 5): hr_5, ("ndcg", 5): ndcg_5, ("hr", 10): hr_10, ("ndcg", 10): ndcg_10}
    return [(*METRIC, *of, value, None, None, 1, *ONE_SEED) for of, value in values.items()]


@pytest.mark.parametrize(
    ("ndcg_10", "rows"),
    [
        (0.22891, []),  # all of the further hits at rank 10: .2 + .1 · .2891
        (0.2356, []),  # all at rank 6: .2 + .1 · .3562
        (0.2285, [0.2285]),
        (0.2360, [0.2360]),
    ],
)
def test_further_hits_are_at_further_ranks(ndcg_10: float, rows: list[float]) -> None:
    """From HR@5 .4 to HR@10 .5, NDCG@5 .2 rises by .02891 to .03562."""
    metrics: dict[str, Rows] = {"metrics": at_two_lengths(0.4, 0.2, 0.5, ndcg_10)}
    found = failing("metrics_ndcg_fits_hr", SOUND | metrics)
    assert [row[-1] for row in found] == rows


def test_a_much_copied_figure_is_impossible() -> None:
    """HR@5 of .0300 makes NDCG@5 .0116 or more; .0053 was printed."""
    rows = at_two_lengths(0.0300, 0.0053, 0.0300, 0.0053)
    assert failing("metrics_ndcg_fits_hr", SOUND | {"metrics": rows})


# validation begins at 20 and the test at 30, where ann has her last one; ben has none
LATE: dict[str, Rows] = {
    "split_rule": [("time_split", "all", 20, 30)],
    "train": [(0, 0, 1, 3, 5.0), (1, 0, 1, 2, 5.0)],
    "validation": [(0, 1, 2, 2, 4.0), (1, 3, 2, 1, 5.0)],
}
# the test begins at 20: ann has two, and ben has one
TESTED: Rows = [(0, 1, 2, 2, 4.0), (0, 2, 3, 1, 3.0), (1, 3, 2, 1, 5.0)]


@pytest.mark.parametrize(
    "name", [name for name in BY_NAME if name.startswith(("train_", "validation_", "test_"))]
)
def test_a_sound_time_split_passes(name: str) -> None:
    """Each row is in the part that its time says."""
    assert failing(name, SOUND | LATE) == []


@pytest.mark.parametrize(
    ("targets", "tested", "found"),
    [
        ("all", [0, 1, 2], 0),
        ("all", [0, 2], 1),  # one of ann's is missing
        ("last", [1, 2], 0),
        ("last", [0, 1, 2], 1),  # ann has two
        ("first", [0], 1),  # ben has none
    ],
)
def test_a_user_is_tested_on_one_or_all(targets: str, tested: list[int], found: int) -> None:
    """A row says whose rows are not as many as they should be."""
    drawn: dict[str, Rows] = {
        "split_rule": [("time_split", targets, 15, 20)],
        "test": [TESTED[n] for n in tested],
    }
    assert len(failing("test_complete", SOUND | drawn)) == found


def test_a_list_with_two_held_out_items_has_both() -> None:
    """Position 0 has ann's two; with one of them, or with hers twice, something is wrong."""
    first, second, other = (0, 0, 1, 4.0), (0, 0, 2, 3.0), (0, 1, 3, 0.0)

    def found(*rows: tuple[float, ...]) -> Rows:
        drawn: dict[str, Rows] = {"test": TESTED[:2], "test_candidates": list(rows)}
        return failing("test_candidates_positives_first", SOUND | drawn)

    assert found(first, second, other) == []
    assert found(first, other)
    assert found(first, first, other)


def test_every_held_out_item_is_ranked() -> None:
    """Ann's two and one negative are 3 candidates, and so are her two and item 3 of all."""
    rows = [
        (model, protocol, 0, item, 3, 1, 0)
        for model in ("neumf", "popularity")
        for protocol in ("full", "sampled-1")
        for item in (1, 2)
    ]
    drawn: dict[str, Rows] = {
        "test": TESTED[:2],
        "test_candidates": [(0, 0, 1, 4.0), (0, 0, 2, 3.0), (0, 1, 3, 0.0)],
    }
    assert failing("test_ranks_every_user", SOUND | drawn | {"test_ranks": rows}) == []
    assert failing("test_ranks_every_user", SOUND | drawn | {"test_ranks": rows[1:]})


def test_several_held_out_items_have_an_ndcg_of_their_own() -> None:
    """One hit of two is 1 / (1 + .6309) of the best list at most, and .2891 of that at least."""
    drawn: dict[str, Rows] = {"metrics": figures(hr=1.0, ndcg=0.2)}
    assert failing("metrics_ndcg_fits_hr", SOUND | drawn)
    assert failing("metrics_ndcg_fits_hr", SOUND | drawn | {"test": TESTED}) == []


def test_test_users_without_history_are_counted_apart() -> None:
    """Ben is tested, and has nothing in train or validation."""
    split: dict[str, Rows] = {"train": [(0, 0, 1, 3, 5.0)], "validation": [], "test": TESTED}
    metrics = SOUND["metrics"]
    new = [(*row[:2], "history 0", *row[3:]) for row in metrics if row[2] == "all"]
    name = "metrics_every_user_once"
    assert failing(name, SOUND | split)  # ben is lost
    assert failing(name, SOUND | split | {"metrics": [*metrics, *new]}) == []


def test_a_test_of_new_users_alone_is_refused() -> None:
    """Nothing can be told of models by users of whom they know nothing."""
    rule: dict[str, Rows] = {"split_rule": [("time_split", "all", 5, 10)]}
    assert failing("test_not_empty", SOUND | rule) == [("test",)]


def test_every_check_file_is_shown_to_fail() -> None:
    """A check that no drawn table breaks is not tested."""
    assert {name for name, _, _ in BROKEN} == {
        n for n in BY_NAME if not n.endswith("_key_is_unique")
    }


def test_rejected_lines_are_counted_by_reason() -> None:
    """A row has the reason, its lines, the first with its text, rejected and all lines."""
    rows = [(2, "time 10 is bad", "x" * 99), (4, "worse", "y"), (5, "time 7 is bad", "z")]
    assert failing("rejected_reviews_below_limit", SOUND | {"rejected_reviews": rows}) == [
        ("time 10 is bad", 2, 2, "x" * 60, 3, 5),  # it differs from the last in a number alone
        ("worse", 1, 4, "y", 3, 5),
    ]


def test_lists_of_different_lengths_are_found() -> None:
    """Ann has 2 candidates, and ben has 1."""
    drawn = {
        "test": [(0, 2, 3, 1, 3.0), (1, 2, 2, 1, 1.0)],
        "test_candidates": [*SOUND["test_candidates"], (1, 0, 2, 1.0)],
    }
    assert [row[0] for row in failing("test_candidates_positives_first", SOUND | drawn)] == [1]


def test_every_check_file_is_of_a_table() -> None:
    """A misspelt `table:` would be a check that never runs."""
    files = resources.files("ncf_assets.checks").iterdir()
    assert {f.name.removesuffix(".sql") for f in files if f.name.endswith(".sql")} <= set(BY_NAME)


def test_a_check_of_unknown_severity_is_refused() -> None:
    """A misspelt severity must not decide whether a run stops."""
    with pytest.raises(ValueError, match=r"severity may be warning, found 'mild'\. Leave it out"):
        parse("x", "-- A rule.\n-- table: users\n-- remedy: r\n-- severity: mild\nselect 1")


def test_a_check_without_remedy_is_refused() -> None:
    """The error names the file and the missing field."""
    with pytest.raises(ValueError, match=r"checks/x.sql: the header lacks remedy"):
        parse("x", "-- A rule.\n-- table: users\nselect 1")
