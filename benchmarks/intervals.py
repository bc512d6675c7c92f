"""Measure how often the report's intervals and verdicts are right, on simulated users.

`python -m benchmarks.intervals` takes about ten minutes. Users have ranks drawn from a
distribution whose means are known, and pass through the code that the pipeline uses: metrics,
intervals, comparisons, verdicts. `--repetitions 100` is a quick try.
"""

import argparse
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np

from ncf_assets.ncf.evaluation import intervals
from ncf_assets.ncf.evaluation.intervals import JointMoments, Moments, SeededMoments
from ncf_assets.ncf.evaluation.summary import Comparison, summarize
from ncf_assets.ncf.evaluation.user_metrics import Ranks, user_metrics
from ncf_assets.ncf.random_streams import rng
from ncf_assets.report.comparisons import views

N_ITEMS, NEGATIVES, K = 2_000, 99, 10
USERS = (100, 400, 1_429, 5_000)  # 1,429: Musical_Instruments
# medians of the ranks among all items, which are log-normal: HR@10 of about .045 and .125
TASTE, SPREAD = {"hard": 300.0, "easy": 100.0}, 2.0
SHARED = 0.5  # share of the variance of a user's log rank that all models have in common
METRICS = ("hr", "ndcg", "mrr", "auc")
SEEDS, LUCK = 3, (0.05, 0.2)  # deviation of the log rank that a network's seed adds for all users
TRUTH_USERS = 2_000_000


def full_ranks(n: int, models: int, taste: str, generator: np.random.Generator) -> np.ndarray:
    """Draw how many items beat each user's held-out one, by models equal in law: int64 [n, m]."""
    own = generator.normal(0, SPREAD * np.sqrt(1 - SHARED), size=(n, models))
    shared = generator.normal(0, SPREAD * np.sqrt(SHARED), size=(n, 1))
    drawn = np.floor(TASTE[taste] * np.exp(shared + own)).astype(np.int64)
    return np.minimum(drawn, N_ITEMS - 1)


def page(better: np.ndarray, generator: np.random.Generator) -> list[Comparison]:
    """Return the comparisons of a page by ranks [n, models], the first of which is NeuMF's."""
    models = [("neumf", 0), *((f"other {i}", 0) for i in range(better.shape[1] - 1))]
    sampled = generator.hypergeometric(better, N_ITEMS - 1 - better, NEGATIVES)
    lists = {"full": (N_ITEMS, better), f"sampled-{NEGATIVES}": (NEGATIVES + 1, sampled)}
    found = {
        name: user_metrics(Ranks(np.full(len(n), length), n, np.zeros_like(n)), [K])
        for name, (length, n) in lists.items()
    }
    everyone = {"all": np.ones(len(better), bool)}
    seed = int(generator.integers(2**31))
    return summarize(models, [found], everyone, "neumf", 0.0, seed).comparisons


def claims(rows: Sequence[Comparison]) -> bool:
    """Return whether a page says that NeuMF is better or worse than any model, by any view."""
    return any(row.verdict in ("better", "worse") for v in views(rows) for row in v.rows.values())


def false_claims(users: int, others: int, taste: str, repetitions: int) -> float:
    """Return the share of pages on equal models that claim a difference."""
    generator = rng(1, f"null {users} {others} {taste}")
    pages = (
        page(full_ranks(users, 1 + others, taste, generator), generator) for _ in range(repetitions)
    )
    return float(np.mean([claims(rows) for rows in pages]))


def power(users: int, others: int, taste: str, repetitions: int) -> tuple[float, float]:
    """Return a difference of NDCG@10, and the share of pages that find it.

    The difference is what pages with a difference of that size call detectable, found in a few
    steps, as a larger difference has a larger spread.
    """
    generator = rng(2, f"power {users} {others} {taste}")
    difference = 0.0
    for _ in range(6):
        drawn = [
            _first(_better_page(users, others, taste, difference, generator)).detectable or 0.0
            for _ in range(max(10, repetitions // 20))
        ]
        difference = float(np.mean(drawn))
    found = [
        _first(_better_page(users, others, taste, difference, generator)).verdict == "better"
        for _ in range(repetitions)
    ]
    return difference, float(np.mean(found))


def _better_page(
    users: int, others: int, taste: str, difference: float, generator: np.random.Generator
) -> list[Comparison]:
    """Return a page on which NeuMF is better by a difference of NDCG@10.

    For a share of the users, drawn at random, it ranks the held-out item first.
    """
    better = full_ranks(users, 1 + others, taste, generator)
    better[generator.random(users) < difference / (1 - true_means(taste)["ndcg"]), 0] = 0
    return page(better, generator)


def _first(rows: Sequence[Comparison]) -> Comparison:
    """Return the comparison by NDCG in the full ranking with the first other model."""
    wanted = ("other 0", "full", "ndcg")
    (row,) = [row for row in rows if (row.baseline, row.protocol, row.metric) == wanted]
    return row


@cache
def true_means(taste: str) -> dict[str, float]:
    """Return the mean of each metric over very many users."""
    values = _values(full_ranks(TRUTH_USERS, 1, taste, rng(3, f"truth {taste}")))
    return {name: float(of.mean()) for name, of in values.items()}


def coverage(users: int, taste: str, repetitions: int) -> dict[str, float]:
    """Return how often the interval of each metric holds the true mean."""
    truth = true_means(taste)
    generator = rng(4, f"coverage {users} {taste}")
    held = [
        {
            name: _holds(intervals.of_means(_moments(of[:, None])), truth[name])
            for name, of in _values(full_ranks(users, 1, taste, generator)).items()
        }
        for _ in range(repetitions)
    ]
    return {name: float(np.mean([of[name] for of in held])) for name in METRICS}


def coverage_of_differences(users: int, taste: str, repetitions: int) -> float:
    """Return how often one paired interval of NDCG, that of a page of one model, holds 0."""
    generator = rng(5, f"differences {users} {taste}")
    kept = 0
    for _ in range(repetitions):
        ndcg = _values(full_ranks(users, 2, taste, generator))["ndcg"]
        difference = ndcg[:, None, :1] - ndcg[:, None, 1:]
        found = intervals.simultaneous(_moments(difference, JointMoments()), generator)
        kept += int(found.low[0] <= 0 <= found.high[0])
    return kept / repetitions


def coverage_of_seeds(users: int, taste: str, luck: float, repetitions: int) -> tuple[float, float]:
    """Return how often NDCG@10 of a network of SEEDS, and its difference to a model, are held.

    The seeds of a network rank the same users, and each adds its own luck to all of its ranks.
    """
    generator = rng(6, f"seeds {users} {taste} {luck}")
    truth, other = _truth_with_luck(taste, luck), true_means(taste)["ndcg"]
    held = np.zeros(2)
    for _ in range(repetitions):
        better = full_ranks(users, SEEDS + 1, taste, generator)
        better[:, 1:] = _with_luck(better[:, 1:], generator.normal(0, luck, size=SEEDS))
        ndcg = _values(better)["ndcg"]  # of the model, then of the seeds
        held[0] += _holds(intervals.of_means(_moments(ndcg[:, 1:])), truth)
        of_one = ndcg[:, 1:, None] - ndcg[:, :1, None]  # [n, seeds, 1]
        found = intervals.simultaneous(_moments(of_one, JointMoments()), generator)
        held[1] += _holds((found.low, found.high), truth - other)
    return float(held[0] / repetitions), float(held[1] / repetitions)


def _moments(values: np.ndarray, users: Moments | None = None) -> SeededMoments:
    """Return those of values float64 [n, seeds, ...]; `users` are empty ones, joint or not."""
    found = SeededMoments(users or Moments())
    found.add(values)
    return found


def _with_luck(better: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Move ranks by a factor of exp(luck): int64, of the shape of `better`."""
    moved = np.floor((better + 0.5) * np.exp(luck)).astype(np.int64)
    return np.minimum(moved, N_ITEMS - 1)


@cache
def _truth_with_luck(taste: str, luck: float) -> float:
    """Return NDCG@10 of very many users, each of whom meets a network of another seed."""
    generator = rng(7, f"luck {taste} {luck}")
    better = full_ranks(TRUTH_USERS, 1, taste, generator)
    moved = _with_luck(better, generator.normal(0, luck, size=better.shape))
    return float(_values(moved)["ndcg"].mean())


def _holds(ends: tuple[np.ndarray, np.ndarray], truth: float) -> bool:
    low, high = ends
    return bool(low <= truth <= high)


def _values(better: np.ndarray) -> dict[str, np.ndarray]:
    """Return each metric of each user: float64 [n], or [n, models] where there are several."""
    ranks = Ranks(np.full(len(better), N_ITEMS), better, np.zeros_like(better))
    found = user_metrics(ranks, [K])
    columns = dict(zip(found.columns, np.moveaxis(found.values, 2, 0), strict=True))
    values = {name: columns[name, 0 if name == "auc" else K] for name in METRICS}
    return {name: of[:, 0] if of.shape[1] == 1 else of for name, of in values.items()}


def main() -> None:
    """Print a table of each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1_000)
    n: int = parser.parse_args().repetitions
    print(f"{n:,} repetitions\n\nPages on equal models that claim a difference:\n")
    _line("users", "other models", "data", "pages")
    _line(*["---"] * 4)
    for users, others, taste in product((400, 1_429), (1, 9), TASTE):
        _line(f"{users:,}", others, taste, f"{false_claims(users, others, taste, n):.1%}")
    print("\nPages that find a true difference of the size that they call detectable:\n")
    _line("users", "other models", "data", "NDCG@10", "pages")
    _line(*["---"] * 5)
    for others, taste in product((1, 9), TASTE):
        difference, found = power(1_429, others, taste, n)
        _line("1,429", others, taste, f"{difference:.4f}", f"{found:.1%}")
    print("\nIntervals that hold the true value:\n")
    _line("users", "data", "HR@10", "NDCG@10", "MRR@10", "AUC", "a difference of NDCG@10")
    _line(*["---"] * 7)
    for users, taste in product(USERS, TASTE):
        shares = [*coverage(users, taste, n).values(), coverage_of_differences(users, taste, n)]
        _line(f"{users:,}", taste, *(f"{share:.1%}" for share in shares))
    print(f"\nIntervals over users and {SEEDS} seeds that hold the true value:\n")
    _line("users", "data", "luck", "NDCG@10", "a difference of NDCG@10")
    _line(*["---"] * 5)
    for users, taste, luck in product(USERS[1:], TASTE, LUCK):
        shares_ = coverage_of_seeds(users, taste, luck, n)
        _line(f"{users:,}", taste, luck, *(f"{share:.1%}" for share in shares_))


def _line(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
