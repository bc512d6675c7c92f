"""What the catalogue shows: a view for each table, `lineage` and `catalogue`, commented in SQL.

Where the views are put, as views or as tables, is `ncf_assets.warehouse.catalogue`'s concern.
"""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ncf_assets.tables import Table, parse, tables
from ncf_assets.warehouse.files import glob_escaped
from ncf_assets.warehouse.parquet import STAMP_KEY, DamagedError, has_columns_of

DATASET = ("dataset", "the dataset, as in datasets.toml")


@dataclass(frozen=True)
class View:
    """A select over files, and what it and its columns mean."""

    name: str
    description: str
    columns: tuple[tuple[str, str], ...]  # name and meaning
    select: str

    def statements(self, kind: str = "view") -> list[str]:
        """What creates it with its comments, as a `view` or as a `table`."""
        return [
            f"create {kind} {self.name} as {self.select}",
            f"comment on {kind} {self.name} is {literal(self.description)}",
            *(
                f"comment on column {self.name}.{column} is {literal(meaning)}"
                for column, meaning in self.columns
            ),
        ]


def views(root: Path) -> list[View]:
    """The views over what is below a data folder; of a table without any file there is none."""
    found = [view for table in tables().values() if (view := _of_table(table, root / "tables"))]
    if not (stamps := _stamps(root)):
        return found
    lineage = _of_file("lineage", stamps=" union all ".join(stamps))
    return [*found, lineage, _catalogue(found)]


def literal(text: object) -> str:
    """An SQL string literal; views and comments take no prepared parameters."""
    return "'" + str(text).replace("'", "''") + "'"


def _of_table(table: Table, folder: Path) -> View | None:
    """A view over all partitions, those to come included; without what it could not read.

    Columns of two versions would be mixed, or the view would break for all datasets: so if there
    are such partitions, or damaged ones, it names the others one by one until they are made again.
    """
    below = "data.parquet" if table.spans_datasets else "*/data.parquet"
    files = sorted((folder / table.name).glob(below))
    fitting = [file for file in files if _is_readable(table, file)]
    others = [file for file in files if file not in fitting]
    if not fitting:
        return None
    every = f"{glob_escaped(folder / table.name)}/{below}"
    shown = [glob_escaped(file) for file in fitting] if others else [every]
    left_out = ", ".join(file.parent.name.removeprefix("dataset=") for file in others)
    missing = f" Without {left_out}, damaged or made by another version: materialize again."
    columns = [(column.name, column.description) for column in table.columns]
    partitions = "hive_partitioning = false"
    if not table.spans_datasets:
        columns.insert(0, DATASET)
        partitions = "hive_partitioning = true, hive_types = {'dataset': varchar}"
    return View(
        table.name,
        f"{table.description} Grain: {table.grain}." + missing * bool(others),
        tuple(columns),
        f"select {', '.join(name for name, _ in columns)}"
        f" from read_parquet([{', '.join(map(literal, shown))}], {partitions})",
    )


def _is_readable(table: Table, file: Path) -> bool:
    """Whether a file is whole and of this version, by its columns."""
    try:
        return has_columns_of(table, file)
    except DamagedError:
        return False


def _of_file(name: str, **parts: str) -> View:
    """The view of `<name>.sql` beside this module, its {parts} filled in."""
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
    """A view over `lineage` and the tables' headers; a table of all datasets has no stamp in it."""
    meanings = ", ".join(
        f"({literal(table.name)}, {literal(table.description)})" for table in tables().values()
    )
    spanning = "".join(
        f" union all select {literal(view.name)}, 'table', dataset, count(*), null,"
        f" bool_and(state = 'current'), null, {literal(tables()[view.name].description)}, null"
        f" from {view.name} group by dataset"
        for view in shown
        if tables()[view.name].spans_datasets
    )
    return _of_file("catalogue", meanings=meanings, spanning=spanning)


def _stamps(root: Path) -> list[str]:
    """Selects of the stamps in the files that there are: a pattern without files is an error."""
    ours = f"decode(key) = {literal(STAMP_KEY)}"
    # DuckDB 1.2 casts before it filters, and other values are no JSON
    value = f"try_cast(case when {ours} then decode(value) end as json)"
    tables = f"select file_name, {value} from parquet_kv_metadata({{}}) where {ours}"
    # a damaged record has no stamp
    records = "select filename, try_cast(content as json) -> 'stamp' from read_text({})"
    kinds = {
        "tables/*/*/data.parquet": tables,
        "models/*/*/model.json": records,
        "reports/*/report.json": records,
    }
    return [
        select.format(literal(f"{glob_escaped(root)}/{pattern}"))
        for pattern, select in kinds.items()
        if any(root.glob(pattern))
    ]
