"""The caveats name what these facts cannot show."""

from dataclasses import replace

from ncf_assets.ncf.report import HistoryRow
from ncf_assets.ncf.report.caveats import SAMPLED, SINGLE_RUN, SYNTHETIC, UNTRAINED, caveats
from ncf_assets_tests.ncf.report.drawn import FACTS, model


def test_synthetic_data_is_the_first_caveat() -> None:
    """And none of real data."""
    assert caveats(replace(FACTS, synthetic=True))[0] == SYNTHETIC
    assert SYNTHETIC not in caveats(FACTS)


def test_a_skipped_baseline_is_a_caveat_with_its_reason() -> None:
    """What was not compared was not beaten."""
    facts = replace(FACTS, skipped={"ease": "50,052 items are more than 20,000"})
    assert "EASE was skipped: 50,052 items are more than 20,000." in caveats(facts)


def test_a_training_that_improved_nothing_is_told() -> None:
    """NeuMF's chosen epoch is 0; in the second history it is 1."""
    assert UNTRAINED in caveats(FACTS)
    better = HistoryRow("neumf", 1, 0.2, 0.5, 0.3, 1.0, 1.0)
    assert UNTRAINED not in caveats(replace(FACTS, history=[*FACTS.history, better]))


def test_few_users_are_told_and_many_are_not() -> None:
    """1,234 are few, 10,000 are not."""
    many = [replace(row, n_users=10_000) for row in FACTS.metrics]
    assert any(text.startswith("1,234 test users only") for text in caveats(FACTS))
    assert not any("only: the" in text for text in caveats(replace(FACTS, metrics=many)))


def test_an_arbitrary_split_is_told_with_its_share() -> None:
    """44 % are tied; with 5 % it is not worth a sentence."""
    assert any(text.startswith("Of 44 % of the test users") for text in caveats(FACTS))
    few = replace(FACTS, profile={"tied_users": 0.05})
    assert not any("seeded hash" in text for text in caveats(few))


def test_sampled_figures_are_warned_of_where_there_are_any() -> None:
    """One run is always one run."""
    full_only = caveats(replace(FACTS, metrics=model("neumf", 0.3)))
    assert SAMPLED in caveats(FACTS)
    assert SAMPLED not in full_only
    assert SINGLE_RUN in full_only
