"""The headers of the .sql files keep what they promise."""

import duckdb
import pytest

from ncf_assets.tables import Table, parse, tables, upstream
from ncf_assets_tests.drawn import database

GOOD = """-- Some rows.
--
-- grain: one row
-- key: a
--
-- column a INTEGER: a thing
select 1 as a
"""

made_by_sql = pytest.mark.parametrize(
    "table", [table for table in tables().values() if table.select], ids=lambda table: table.name
)


def test_a_header_is_read() -> None:
    """Its prose, grain, key, columns and select are found."""
    table = parse("x", GOOD)
    assert (table.description, table.grain, table.key) == ("Some rows.", "one row", ("a",))
    assert table.columns[0].description == "a thing"
    assert table.select == "select 1 as a"


def test_a_header_without_key_is_refused() -> None:
    """The error names the file and the missing field."""
    with pytest.raises(ValueError, match=r"tables/x.sql: the header lacks key"):
        parse("x", GOOD.replace("-- key: a\n", ""))


def test_a_misspelt_column_line_is_refused() -> None:
    """A column without a type would otherwise become prose."""
    with pytest.raises(
        ValueError, match=r"breaks the format, found .*\. Write `column <name> <TYPE>"
    ):
        parse("x", GOOD.replace("a INTEGER", "a"))


@made_by_sql
def test_header_and_select_have_the_same_columns(table: Table) -> None:
    """The columns have the same order, and types that cast to the documented ones."""
    drawn = {name: [] for name in table.upstream}
    with database(drawn) as connection:
        parameters = dict.fromkeys(table.parameters, 1)
        result = connection.execute(str(table.select), parameters or None)
        assert [column[0] for column in result.description] == [c.name for c in table.columns]


@made_by_sql
def test_a_select_is_ordered_by_its_key(table: Table) -> None:
    """Content hashes depend on the order of rows, so every engine must write the same one."""
    assert table.select is not None
    last = table.select.splitlines()[-1]
    assert last.startswith("order by ")
    ordered_by = [name.strip().split(".")[-1] for name in last.removeprefix("order by ").split(",")]
    constant = {"model"} if table.name == "popularity_scores" else set()
    assert tuple(ordered_by) == tuple(name for name in table.key if name not in constant)


def test_every_key_is_documented() -> None:
    """A key names columns of its table."""
    for table in tables().values():
        assert set(table.key) <= {column.name for column in table.columns}


def test_upstream_leaves_out_common_table_expressions() -> None:
    """Only real tables are dependencies."""
    assert upstream("with a as (select * from b) select * from a join c using (x)") == ("b", "c")


def test_every_select_parses_in_duckdb() -> None:
    """No table is made by a statement of more than one select."""
    for table in tables().values():
        if table.select:
            assert len(duckdb.extract_statements(table.select)) == 1
