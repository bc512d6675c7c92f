"""One length of list stands for all."""

from ncf_assets.ncf.evaluation.headline import headline_k


def test_the_headline_is_at_ten_or_at_what_comes_nearest() -> None:
    """0 is the k of metrics of entire lists, which have no length."""
    lengths = [1, 5, 10, 20], [5, 20], [0, 15, 5], [0, 50], [0], []
    assert [headline_k(ks) for ks in lengths] == [10, 5, 5, 50, 0, 0]
