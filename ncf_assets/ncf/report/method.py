"""How the figures were made and what they cannot show: sentences that no figure changes."""

from ncf_assets.ncf.report.protocol import Protocol, discount
from ncf_assets.ncf.report.scores import counted, decimals

SPLIT = (
    "Split: leave one out by time. A user's last item is for testing, the second last for "
    "validation, the rest for training; users with fewer than three items only train."
)
INTERVALS = "Intervals: 95 % bootstrap intervals over users."
TRAINING = (
    "Training: binary cross-entropy against freshly drawn negatives; the epoch kept is the one "
    "with the highest validation NDCG@10. Test items play no part in any choice."
)

CAVEATS = (
    "Sampled metrics can reverse the true order of models (Krichene and Rendle, “On Sampled "
    "Metrics for Item Recommendation”, KDD 2020). Read these figures as a "
    "comparison on these lists, not as what people would see with the whole catalogue ranked.",
    "Where times are whole days, as in Amazon's files of 2014 and 2018, the last item of many "
    "users is one of several from the same day. Which of them is held out is decided by a seeded "
    "hash: reproducible, but arbitrary.",
    "Any review counts as an interaction with label 1, whatever its rating: a model is praised for "
    "predicting what people reviewed, also what they disliked.",
    "One seed. The intervals cover which users were tested, not how another initialisation, "
    "another shuffling or other negatives would have turned out.",
    "Overlapping intervals do not prove two models equal: both ranked the same users, and a paired "
    "comparison would see smaller differences.",
)

SYNTHETIC = (
    "This data is synthetic: a generated sample that shows that the pipeline works. Its figures "
    "say nothing about real people or about how good the models are."
)


def method(protocol: Protocol | None) -> list[str]:
    """Return how the figures were made; without a protocol, only what holds for any."""
    test = _test(protocol) if protocol else []
    return [SPLIT, *test, INTERVALS, TRAINING]


def _test(protocol: Protocol) -> list[str]:
    hr, ndcg = protocol.labels["hr"], protocol.labels["ndcg"]
    negatives, alike = counted(protocol.negatives, "item"), decimals(protocol.chance()[0])
    return [
        f"Test: the held-out item is ranked among {negatives} drawn once, without replacement, "
        "from those the user has not seen in any part of the data. All models rank the same "
        "lists.",
        f"{hr}: the share of users whose held-out item is at rank {protocol.k} or better. "
        f"{ndcg}: its mean discount, {_discounts(protocol)}, 0 beyond.",
        "Ties count by expectation: an item tied with three others takes each of the four places "
        f"with equal chance. A model that scores everything alike gets {hr} {alike}.",
    ]


def _discounts(protocol: Protocol) -> str:
    """Give the discount of the first two ranks and of the last that counts, each once."""
    last = protocol.last_rank
    later = sorted({2, last}) if last > 1 else []
    return ", ".join(["1 at rank 1", *(f"{decimals(discount(r))} at rank {r}" for r in later)])


def caveats(synthetic: bool) -> list[str]:
    """Return the caveats in plain words; generated data is the first of them."""
    return [SYNTHETIC, *CAVEATS] if synthetic else list(CAVEATS)
