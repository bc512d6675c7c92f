"""Read the ranks by all models, of some users at a time.

The tables have them by model, while metrics are computed by user, in `ncf_assets.ncf.evaluation`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb
import numpy as np

if TYPE_CHECKING:  # it takes scipy along, which need not load with the code location
    from ncf_assets.ncf.evaluation.user_metrics import Ranks

TABLES = ("test_ranks", "seed_ranks", "outside_ranks")
USERS_AT_ONCE = 50_000  # chosen: some ten MB of ranks for one look into each row group
# test_ranks has one seed of each model: 0 stands for that of a model that has no other
ALL_RANKS = """
create temp view ranks as
with once as (from test_ranks union all by name from outside_ranks)
select 0 as seed, * from once where model not in (select model from seed_ranks)
union all by name from seed_ranks
"""
OF_USERS = """
select user, n_candidates, n_better, n_tied
from ranks where protocol = $protocol and user between $first and $last
order by user, item, model, seed
"""


class AllRanks:
    """What the tables, views of a connection, have: `trainings` are models and seeds, in order."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(ALL_RANKS)
        self._connection = connection
        found = connection.sql("select distinct model, seed from ranks order by all")
        self.trainings: list[tuple[str, int]] = found.fetchall()
        protocols = connection.sql("select distinct protocol from ranks order by all").fetchall()
        self._protocols = [str(protocol) for (protocol,) in protocols]

    def blocks(self, users: np.ndarray) -> "Iterator[dict[str, Ranks]]":
        """Yield by protocol the ranks of the next of `users`, integers [n], ascending."""
        for start in range(0, users.size, USERS_AT_ONCE):
            some = users[start : start + USERS_AT_ONCE]
            read = [self._read(protocol, some) for protocol in self._protocols]
            for parts in zip(*(ranks.blocks() for ranks in read), strict=True):
                yield dict(zip(self._protocols, parts, strict=True))

    def _read(self, protocol: str, users: np.ndarray) -> "Ranks":
        """Return the ranks from the first to the last of `users`, by user and item."""
        from ncf_assets.ncf.evaluation.user_metrics import Ranks

        named = {"protocol": protocol, "first": int(users[0]), "last": int(users[-1])}
        rows = self._connection.sql(OF_USERS, params=named).to_arrow_table()
        of_users, n_candidates, n_better, n_tied = (
            column.to_numpy().reshape(-1, len(self.trainings)) for column in rows.columns
        )
        return Ranks(n_candidates[:, 0], n_better, n_tied, of_users[:, 0])
