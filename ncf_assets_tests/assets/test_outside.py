"""Scores from outside that were accepted for other data than there is now."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ncf_assets.warehouse import outside_scores
from ncf_assets.warehouse.outside_scores import OutsideScores
from ncf_assets_tests.running import failure, materialize
from ncf_assets_tests.tiny import contents, copied

pytestmark = pytest.mark.process
TABLES = ["outside_ranks", "outside_diversity"]


def test_scores_that_no_longer_fit_are_named_and_change_nothing(
    made: Path, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """As if user00 had been all there was: eleven test users have no row, and who left is named."""
    place = copied(made, tmp_path)
    before = contents(place)
    rows = "select unnest(['user00', 'gone']) as user, 'item00' as item, 1.0 as score"
    with duckdb.connect() as connection:
        origin = OutsideScores("old.csv", "ab" * 32, "score", 2)
        outside_scores.keep(place, "Sample", "theirs", connection, rows, origin)
    said = failure(materialize(place, instance, TABLES, {}), "outside_scoring")
    assert "users must be those of the dataset, found 1 that it lacks, such as 'gone'" in said
    assert "each test user must have a row, found 11 of 12 without" in said
    assert "or take the model out: ncf-assets evaluate Sample --remove theirs." in said
    assert contents(place) == before


def test_short_lists_are_ranked_and_shown(
    made: Path, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """A list of one item, item00: user00, whose test item it is, has it first, others tie below.

    Odd users like items 6 to 11, so their 4 items are among the 11 that are not listed. One item
    of 12 is shown to all who do not have it in train or validation.
    """
    place = copied(made, tmp_path)
    users = [f"user{n:02}" for n in range(12)]
    rows = f"select unnest({users}) as user, 'item00' as item, 1.0 as score"
    with duckdb.connect() as connection:
        origin = OutsideScores("one.csv", "ab" * 32, "position", 12)
        outside_scores.keep(place, "Sample", "theirs", connection, rows, origin)
    assert materialize(place, instance, TABLES, {}).success
    full = place.read("outside_ranks", "Sample").query("protocol == 'full'").set_index("user")
    ids = place.read("users", "Sample").set_index("user_id")["user"]
    first, odd = full.loc[ids["user00"]], full.loc[ids["user01"]]
    assert (first["n_better"], first["n_tied"]) == (0, 0)
    assert (odd["n_candidates"], odd["n_better"], odd["n_tied"]) == (9, 1, 7)
    figures = place.read("outside_diversity", "Sample").set_index(["metric", "k"])["value"]
    assert figures["coverage", 10] == figures["coverage", 20] == 1 / 12
    assert figures["overlap", 20] == 1  # popularity shows 9 of 12 items, all that a user has not
