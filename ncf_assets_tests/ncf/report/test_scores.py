"""The tables of figures: which rows are in them, in what order, and how they are drawn."""

from dataclasses import replace

from ncf_assets.ncf.report import render
from ncf_assets.ncf.report.facts import model_name
from ncf_assets.ncf.report.scores import (
    Scores,
    counted,
    models_of,
    read_scores,
    score_table,
    tie_table,
)
from ncf_assets_tests.ncf.report.drawn import FACTS, PAPER, POPULARITY, SHORT, metric, model


def test_other_protocols_segments_and_lengths_stay_out() -> None:
    """The first row over all users is sampled-99 at 10, so only such rows are this report's."""
    row = metric("neumf", "hr", 0.5)
    unsampled, new_users = replace(row, protocol="full"), replace(row, segment="new")
    others = replace(row, protocol="sampled-50"), replace(row, k=5)
    scores = read_scores([unsampled, new_users, row, *(replace(o, value=0.9) for o in others)])
    assert scores == Scores(PAPER, {("neumf", "hr"): row})


def test_without_a_sampled_row_over_all_users_there_are_no_scores() -> None:
    """Neither a full ranking nor a part of the users can stand in for it."""
    row = metric("neumf", "hr", 0.5)
    others = replace(row, protocol="full"), replace(row, segment="new")
    assert read_scores(others) == Scores(None, {})


def test_the_columns_carry_the_k_of_the_rows() -> None:
    """With 50 negatives and k = 5 both tables are of HR@5 and NDCG@5."""
    scores = read_scores(model("neumf", 0.46, 0.29, SHORT))
    ((_, cells),) = score_table(scores)
    (ties,) = tie_table(scores)
    assert list(cells) == list(ties.lost_and_won) == ["HR@5", "NDCG@5"]


def test_models_are_ordered_by_ndcg() -> None:
    """The best NDCG stands first; a model without NDCG stands last."""
    rows = [*POPULARITY, *model("neumf", 0.1, 0.3), metric("mlp", "hr", 0.9)]
    assert models_of(read_scores(rows)) == ["neumf", "popularity", "mlp"]


def test_each_column_marks_its_own_best() -> None:
    """GMF is first by HR and NeuMF by NDCG; the popularity baseline is neither."""
    rows = [*model("neumf", 0.44, 0.29), *model("gmf", 0.45, 0.28), *POPULARITY]
    marks = {
        name: [label for label, cell in cells.items() if cell and cell.best]
        for name, cells in score_table(read_scores(rows))
    }
    assert marks == {"NeuMF": ["NDCG@10"], "GMF": ["HR@10"], "Popularity": []}


def test_bars_are_percent_of_the_highest_upper_end() -> None:
    """NeuMF's HR interval ends at 0.50, so 0.25 of popularity is half the width."""
    rows = [metric("neumf", "hr", 0.49), metric("popularity", "hr", 0.25)]
    cell = score_table(read_scores(rows))[1][1]["HR@10"]
    assert cell is not None
    assert (cell.low, cell.middle, cell.high) == (48.0, 50.0, 52.0)


def test_a_column_of_zeros_keeps_a_scale() -> None:
    """A model that never hits draws an empty bar and divides by nothing."""
    row = replace(metric("neumf", "hr", 0.0), ci_low=0.0, ci_high=0.0)
    cell = score_table(read_scores([row]))[0][1]["HR@10"]
    assert cell is not None
    assert cell.high == 0.0


def test_ties_are_shown_lost_and_won() -> None:
    """Popularity's HR goes from 0.245 to 0.255, its NDCG stays."""
    (row,) = tie_table(read_scores(POPULARITY))
    assert row.model == "Popularity"
    assert row.lost_and_won == {"HR@10": ("0.245", "0.255"), "NDCG@10": ("0.130", "0.130")}
    assert "| Popularity | 0.245 | 0.255 | 0.130 | 0.130 |" in render(FACTS).markdown


def test_unknown_models_keep_their_names() -> None:
    """Known ones are written as in the paper."""
    assert [model_name(m) for m in ("neumf", "mlp", "bpr")] == ["NeuMF", "MLP", "bpr"]


def test_one_of_a_thing_has_no_plural() -> None:
    """One user, many users."""
    assert [counted(n, "user") for n in (1, 0, 1_234)] == ["1 user", "0 users", "1,234 users"]
