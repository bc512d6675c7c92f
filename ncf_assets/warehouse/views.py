"""What the catalogue shows: a view for each table, and `lineage`, each with its comments in SQL.

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
    return [*found, _lineage(root)] if found else []


def literal(text: object) -> str:
    """An SQL string literal; views and comments take no prepared parameters."""
    return "'" + str(text).replace("'", "''") + "'"


def _of_table(table: Table, folder: Path) -> View | None:
    """A view over all partitions, those to come included; without those of another version.

    Columns of two versions would be mixed, or the view would break for all datasets: so if there
    are such partitions, it names the others one by one, until they are made again.
    """
    below = "data.parquet" if table.spans_datasets else "*/data.parquet"
    files = sorted((folder / table.name).glob(below))
    others = [file for file in files if _is_of_another_version(table, file)]
    fitting = [file for file in files if file not in others]
    if not fitting:
        return None
    every = f"{glob_escaped(folder / table.name)}/{below}"
    shown = [glob_escaped(file) for file in fitting] if others else [every]
    left_out = ", ".join(file.parent.name.removeprefix("dataset=") for file in others)
    missing = f" Without {left_out}, made by another version: materialize again." if others else ""
    columns = [(column.name, column.description) for column in table.columns]
    partitions = "hive_partitioning = false"
    if not table.spans_datasets:
        columns.insert(0, DATASET)
        partitions = "hive_partitioning = true, hive_types = {'dataset': varchar}"
    return View(
        table.name,
        f"{table.description} Grain: {table.grain}.{missing}",
        tuple(columns),
        f"select {', '.join(name for name, _ in columns)}"
        f" from read_parquet([{', '.join(map(literal, shown))}], {partitions})",
    )


def _is_of_another_version(table: Table, file: Path) -> bool:
    """By its columns; a damaged file stays, to fail where it is read."""
    try:
        return not has_columns_of(table, file)
    except DamagedError:
        return False


def _lineage(root: Path) -> View:
    """A view over the stamps of all tables, models and reports."""
    text = resources.files(__name__.rpartition(".")[0]).joinpath("lineage.sql").read_text("utf-8")
    header = parse("lineage", text)
    below = glob_escaped(root)
    ours = f"decode(key) = {literal(STAMP_KEY)}"
    stamps = [
        # DuckDB 1.2 casts before it filters, and other values are no JSON
        f"select file_name as file, cast(case when {ours} then decode(value) end as json) as stamp"
        f" from parquet_kv_metadata({literal(f'{below}/tables/*/*/data.parquet')}) where {ours}"
    ]
    stamps += [
        f"select filename, stamp from read_json({literal(f'{below}/{records}')},"
        " columns = {'stamp': 'json'}, filename = true)"
        for records in ("models/*/*/model.json", "reports/*/report.json")
        if any(root.glob(records))  # a pattern without files is an error
    ]
    return View(
        header.name,
        f"{header.description} Grain: {header.grain}.",
        tuple((column.name, column.description) for column in header.columns),
        str(header.select).replace("{stamps}", " union all ".join(stamps)),
    )
