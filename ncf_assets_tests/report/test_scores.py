"""The tables of figures have the right rows, in the right order, with the right bars."""

from dataclasses import replace

from ncf_assets.ncf.models import CHANCE
from ncf_assets.orchestration.scorers import SCORERS
from ncf_assets.report import DiversityRow
from ncf_assets.report.data import model_name
from ncf_assets.report.scores import (
    diversity_table,
    models_of,
    read_scores,
    sampling_table,
    score_table,
    tie_table,
)
from ncf_assets_tests.report.drawn import (
    CORRECTED,
    DIVERSITY,
    FULL,
    METRICS,
    SAMPLED,
    metric,
    model,
)


def test_each_protocol_has_its_figures_the_full_ranking_first() -> None:
    """Corrected figures come last; figures of a segment are left out."""
    found = read_scores(METRICS)
    assert [scores.protocol.name for scores in found] == [FULL, SAMPLED, CORRECTED]
    assert all(len(models_of(scores)) == 10 for scores in found)
    assert read_scores([metric("neumf", "hr", 0.5, segment="cold")]) == []


def test_the_columns_are_those_of_ten_and_of_entire_lists() -> None:
    """Recall is not shown, as for one relevant item it is the hit ratio."""
    assert list(read_scores(METRICS)[0].labels.values()) == ["HR@10", "NDCG@10", "MRR@10", "AUC"]


def test_of_several_held_out_items_recall_precision_and_map_are_shown() -> None:
    """Recall is then not the hit ratio."""
    rows = [
        metric("neumf", name, value)
        for name, value in (("hr", 0.5), ("recall", 0.3), ("precision", 0.05), ("map", 0.1))
    ]
    (found,) = read_scores(rows)
    assert list(found.labels.values()) == ["HR@10", "Recall@10", "Precision@10", "MAP@10"]


def test_without_ten_the_longest_list_is_shown() -> None:
    """A run at k = 1 and 2 shows 2."""
    rows = [metric("neumf", "hr", 0.1 * k, k=k) for k in (1, 2)]
    ((_, cells),) = score_table(read_scores(rows)[0])
    assert list(cells) == ["HR@2"]


def test_models_are_ordered_by_ndcg() -> None:
    """The best NDCG is first; a model without NDCG is last."""
    rows = [*model("popularity", 0.2), *model("neumf", 0.3), metric("mlp", "hr", 0.9)]
    assert models_of(read_scores(rows)[0]) == ["neumf", "popularity", "mlp"]


def test_each_column_marks_its_own_best() -> None:
    """GMF is first by HR and NeuMF by NDCG."""
    rows = [metric("neumf", "hr", 0.44), metric("neumf", "ndcg", 0.29)]
    rows += [metric("gmf", "hr", 0.45), metric("gmf", "ndcg", 0.28)]
    marks = {
        name: [label for label, cell in cells.items() if cell and cell.best]
        for name, cells in score_table(read_scores(rows)[0])
    }
    assert marks == {"NeuMF": ["NDCG@10"], "GMF": ["HR@10"]}


def test_figures_among_all_items_have_a_decimal_more() -> None:
    """They are small: 0.0213 against 0.0208 would both be 0.021."""
    rows = [metric("neumf", "hr", 0.0213), metric("neumf", "hr", 0.2134, SAMPLED)]
    shown = [score_table(scores)[0][1]["HR@10"] for scores in read_scores(rows)]
    assert [cell.value for cell in shown if cell] == ["0.0213", "0.213"]


def test_bars_are_percent_of_the_highest_upper_end() -> None:
    """NeuMF's interval ends at 0.50, so 0.25 of popularity is half the width."""
    rows = [metric("neumf", "hr", 0.49), metric("popularity", "hr", 0.25)]
    cell = score_table(read_scores(rows)[0])[1][1]["HR@10"]
    assert cell is not None
    assert (cell.low, cell.middle, cell.high) == (48.0, 50.0, 52.0)


def test_a_column_of_zeros_keeps_a_scale() -> None:
    """A model that never hits draws an empty bar and divides by nothing."""
    row = replace(metric("neumf", "hr", 0.0), ci_low=0.0, ci_high=0.0)
    cell = score_table(read_scores([row])[0])[0][1]["HR@10"]
    assert cell is not None
    assert cell.high == 0.0


def test_sampled_corrected_and_full_are_side_by_side() -> None:
    """NeuMF's HR is 0.40 sampled, 0.389 corrected, and 0.39 in full."""
    table = sampling_table(read_scores(METRICS))
    assert table.heads[:4] == ["Model", "HR@10 sampled-99", f"HR@10 {CORRECTED}", "HR@10 full"]
    (row,) = [row for row in table.rows if row[0] == "NeuMF"]
    assert row[1:4] == ["0.400", "0.3890", "0.3900"]
    assert not sampling_table(read_scores(model("neumf", 0.3)))  # nothing is corrected


def test_ties_are_shown_lost_and_won_where_they_matter() -> None:
    """HR goes from 0.395 to 0.405.

    NDCG does not change and is not listed, nor are corrected figures, nor chance, which is
    all ties.
    """
    rows = [*model("neumf", 0.3, SAMPLED), *model("neumf", 0.3, CORRECTED)]
    rows += model("random", 0.1, SAMPLED)
    assert tie_table(read_scores(rows)).rows == [("NeuMF", SAMPLED, "HR@10", "0.395", "0.405")]


def test_diversity_is_shown_at_ten() -> None:
    """A figure that is missing is not shown as zero."""
    table = diversity_table([*DIVERSITY, DiversityRow("ials", "gini", 10, 0.5)])
    assert list(table.heads)[:4] == ["Model", "Coverage@10", "Novelty@10", "Gini index@10"]
    assert list(table.heads)[4:] == ["Popularity@10", "Overlap@10"]
    assert table.rows == [
        ["iALS", "–", "–", "0.500", "–", "–"],
        ["NeuMF", "0.400", "5.25", "0.800", "–", "–"],
    ]


def test_a_model_that_is_not_ours_is_marked() -> None:
    """Ours are written as in the paper, and each of them has a name."""
    names = [model_name(m) for m in ("neumf", "mlp", "bpr")]
    assert names == ["NeuMF", "MLP", "bpr (outside)"]
    assert not [m for m in (*SCORERS, CHANCE) if model_name(m).endswith("(outside)")]
