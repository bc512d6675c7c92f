"""Generate the page of all tables, from the headers of their .sql files."""

from docs_build.graph import heading, link, nodes, readers, row
from ncf_assets.tables import Table, tables

HEAD = """# Tables

Each table is a Parquet file for each dataset, and a view in `data/warehouse.duckdb`, where it has
the column `dataset` too and where these texts are comments. A column is never null unless its type
says so.

"""


def page() -> str:
    """Return the tables in the order of the pipeline."""
    return HEAD + "\n".join(_section(tables()[name]) for name in nodes() if name in tables())


def _section(table: Table) -> str:
    node = nodes()[table.name]
    reads = ", ".join(map(link, node.reads)) or "the source file"
    used = ", ".join(map(link, readers(table.name))) or "nothing"
    columns = "".join(
        row(f"`{column.name}`", f"{column.type}{' or null' * column.nullable}", column.description)
        for column in table.columns
    )
    return (
        f"## {table.name} {{ #{table.name} }}\n\n{table.description}\n\n"
        f"**Grain:** {table.grain}. **Key:** {', '.join(f'`{k}`' for k in table.key)}."
        f" **Stage:** {node.group}. **Made from:** {reads}. **Read by:** {used}."
        f" **Held to:** [checks](checks.md#{table.name}).\n\n"
        f"{heading('column', 'type', 'meaning')}{columns}\n{_select(table)}"
    )


def _select(table: Table) -> str:
    """Return the query in a folded block; an empty text for a table that Python makes."""
    if table.select is None:
        return ""
    lines = "\n".join(f"    {line}".rstrip() for line in table.select.splitlines())
    return f'??? abstract "The query"\n\n    ```sql\n{lines}\n    ```\n'
