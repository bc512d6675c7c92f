"""Define the views of the catalogue: one for each table, and those over several, with comments.

`ncf_assets.warehouse.catalogue` creates them in a database, as views or as tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ncf_assets.sql_text import literal
from ncf_assets.tables import Table, parse, tables
from ncf_assets.warehouse.parquet import PROVENANCE_KEY, DamagedError, schema_matches
from ncf_assets.warehouse.published import Published

LEADERBOARD_SUMMARY = "leaderboard_summary"
DATASET = ("dataset", "the dataset, as in datasets.toml")


@dataclass(frozen=True)
class View:
    """A select over files, and the meaning of its rows and columns."""

    name: str
    description: str
    columns: tuple[tuple[str, str], ...]  # name and meaning
    select: str

    def statements(self, kind: str = "view") -> list[str]:
        """Return the statements that create it with its comments, as a `view` or as a `table`."""
        return [
            f"create {kind} {self.name} as {self.select}",
            f"comment on {kind} {self.name} is {literal(self.description)}",
            *(
                f"comment on column {self.name}.{column} is {literal(meaning)}"
                for column, meaning in self.columns
            ),
        ]


def views(published: Published, database: Path | None = None) -> list[View]:
    """Return the views over what is published; a table without any file has none.

    With a database, which is to hold them, they refuse to answer from a copy of it.
    """
    where = _refuse_copies(database) if database else "true"
    footers = published.footers("tables/*/data.parquet")
    footers |= published.footers("tables/*/*/data.parquet")
    found = [
        view for table in tables().values() if (view := _of_table(table, published, footers, where))
    ]
    if not (provenances := _provenances(published, where)):
        return found
    has_leaderboard = any(view.name == "leaderboard" for view in found)
    summaries = [of_file(LEADERBOARD_SUMMARY)] if has_leaderboard else []
    lineage = of_file("lineage", provenances=" union all ".join(provenances))
    return [*found, *summaries, lineage, _catalogue(found)]


def _refuse_copies(database: Path) -> str:
    """Return a condition that is true in this database, and an error in a copy of it.

    A view holds full paths, as DuckDB takes none that is relative to the database. So in a copied
    folder it would show the rows of the folder that was copied. Older versions of DuckDB show the
    path of an attached database as it was typed, so a relative one is let pass.
    """
    file = database.resolve()
    wrong = (
        f"The views in this copy of {file} show the tables of {file.parent}. Name the folder"
        " that you mean with NCF_DATA_DIR, and run `ncf-assets sql`, or `ncf-assets doctor --fix`"
        f" to rebuild {file.name} in it."
    )
    return (
        f"case when exists (select 1 from duckdb_databases() where path = {literal(file)}"
        f" or (not starts_with(path, '/') and ends_with(path, {literal(file.name)})))"
        f" then true else error({literal(wrong)}) is null end"
    )


def _of_table(
    table: Table, published: Published, footers: Mapping[Path, Path], where: str
) -> View | None:
    """Return a view over all partitions, future ones included, except unreadable ones.

    A damaged partition, or one with the columns of another version, would break the view for all
    datasets, or mix its columns with others. So if there is one, the view lists the other
    partitions one by one until this one is made again.
    """
    below = "data.parquet" if table.is_global else "*/data.parquet"
    files = [file for file in footers if file.match(f"tables/{table.name}/{below}")]
    fitting = [file for file in files if _is_readable(table, footers[file])]
    others = [file for file in files if file not in fitting]
    if not fitting:
        return None
    folder = f"tables/{table.name}"
    names = [f"{file.parent.name}/{file.name}" for file in fitting] if others else [below]
    shown = [published.sql(f"{folder}/{name}") for name in names]
    left_out = ", ".join(file.parent.name.removeprefix("dataset=") for file in others)
    missing = f" It lacks {left_out}, damaged or made by another version. Materialize again."
    columns = [(column.name, column.description) for column in table.columns]
    partitions = "hive_partitioning = false"
    if not table.is_global:
        columns.insert(0, DATASET)
        partitions = "hive_partitioning = true, hive_types = {'dataset': varchar}"
    return View(
        table.name,
        f"{table.description} Grain: {table.grain}." + missing * bool(others),
        tuple(columns),
        f"select {', '.join(name for name, _ in columns)}"
        f" from read_parquet([{', '.join(map(literal, shown))}], {partitions}) where {where}",
    )


def _is_readable(table: Table, file: Path) -> bool:
    """Return whether a file is undamaged and has the columns of this version."""
    try:
        return schema_matches(table, file)
    except DamagedError:
        return False


def of_file(name: str, **parts: str) -> View:
    """Return the view of `<name>.sql` in this folder, with its {parts} filled in."""
    text = resources.files(__name__.rpartition(".")[0]).joinpath(f"{name}.sql").read_text("utf-8")
    header = parse(name, text)
    select = str(header.select)
    for part, sql in parts.items():
        select = select.replace(f"{{{part}}}", sql)
    return View(
        header.name,
        f"{header.description} Grain: {header.grain}.",
        tuple((column.name, column.description) for column in header.columns),
        select,
    )


def _catalogue(shown: list[View]) -> View:
    """Return the view over `lineage` and the tables' headers.

    A table of all datasets is not in `lineage`, so its rows are counted.
    """
    meanings = ", ".join(
        f"({literal(table.name)}, {literal(table.description)})" for table in tables().values()
    )
    spanning = "".join(
        f" union all select {literal(view.name)}, 'table', dataset, count(*), null,"
        f" bool_and(state = 'current'), null, {literal(tables()[view.name].description)}, null"
        f" from {view.name} group by dataset"
        for view in shown
        if tables()[view.name].is_global
    )
    return of_file("catalogue", meanings=meanings, spanning=spanning)


def _provenances(published: Published, where: str) -> list[str]:
    """Return selects of the provenance in files, for patterns that match: others are an error."""
    is_provenance = f"decode(key) = {literal(PROVENANCE_KEY)}"
    # DuckDB 1.2 casts before it filters, and other values are not JSON
    value = f"try_cast(case when {is_provenance} then decode(value) end as json)"
    tables = (
        f"select file_name, {value} from parquet_kv_metadata({{files}})"
        f" where {is_provenance} and {{where}}"
    )
    # a damaged record has no provenance
    records = (
        "select filename, try_cast(content as json) -> 'provenance' from read_text({files})"
        " where {where}"
    )
    kinds = {
        "tables/*/*/data.parquet": tables,
        "models/*/*/model.json": records,
        "reports/*/report.json": records,
    }
    return [
        select.format(files=literal(published.sql(pattern)), where=where)
        for pattern, select in kinds.items()
        if published.glob(pattern)
    ]
