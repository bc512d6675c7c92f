"""What the figures cannot show, in plain words: what holds always, and what these facts add."""

from collections.abc import Iterator

from ncf_assets.ncf.report.epochs import chosen_epoch
from ncf_assets.ncf.report.facts import SUBJECT, Facts, model_name
from ncf_assets.ncf.report.protocol import counted
from ncf_assets.ncf.report.scores import EVERYONE

FEW_USERS = 2_000  # ours: below, intervals of HR@10 are about 0.02 to either side or wider
MANY_TIED = 0.1  # ours: share of users from which on the arbitrary split is worth saying

SYNTHETIC = (
    "This data is synthetic: a generated sample that shows that the pipeline works. Its figures "
    "say nothing about real people or about how good the models are."
)
SAMPLED = (
    "Figures among random items can reverse the true order of models (Krichene and Rendle 2020). "
    "They are here to compare with published ones; the full ranking decides."
)
UNTRAINED = (
    "Of NeuMF the epoch before its own training was chosen on validation: it ranks as it started, "
    "and what followed did not improve it."
)
SINGLE_RUN = (
    "One run with one seed. The intervals cover which users were tested, not how another "
    "initialisation, another shuffling or other negatives would have turned out."
)
MANY_COMPARISONS = (
    "Each interval is of 95 % by itself. Of many comparisons between equally good models, about "
    "one in twenty shows a difference."
)
TUNING = (
    "Settings are the defaults or those of the configuration below, chosen on validation where the "
    "model says so; a model that was tuned less may be better than it looks here."
)
ANY_REVIEW = (
    "Any review counts as an interaction with label 1, whatever its rating: a model is praised for "
    "predicting what people reviewed, also what they disliked."
)


def caveats(facts: Facts) -> list[str]:
    """Return the caveats of one report; generated data is the first of them."""
    return list(_caveats(facts))


def _caveats(facts: Facts) -> Iterator[str]:
    if facts.synthetic:
        yield SYNTHETIC
    yield from _of_these_facts(facts)
    if any(row.protocol.startswith("sampled") for row in facts.metrics):
        yield SAMPLED
    yield from (SINGLE_RUN, MANY_COMPARISONS, TUNING, ANY_REVIEW)


def _of_these_facts(facts: Facts) -> Iterator[str]:
    chosen = chosen_epoch([row for row in facts.history if row.model == SUBJECT])
    if chosen and chosen.epoch == 0:
        yield UNTRAINED
    for model, reason in facts.skipped.items():
        yield f"{model_name(model)} was skipped: {reason}."
    users = max((row.n_users for row in facts.metrics if row.segment == EVERYONE), default=0)
    if 0 < users < FEW_USERS:
        yield (
            f"{counted(users, 'test user')} only: the intervals are wide, and a model that is not "
            "distinguishable here may well be better or worse."
        )
    tied = facts.profile.get("tied_users", 0.0)
    if tied >= MANY_TIED:
        yield (
            f"Of {100 * tied:.0f} % of the test users the last item is one of several of the same "
            "time (in many files times are whole days). Which of them is held out is decided by a "
            "seeded hash: reproducible, but arbitrary."
        )
